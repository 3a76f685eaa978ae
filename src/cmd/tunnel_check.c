/*
 * tunnel_check.c - `devenv tunnel check NAME`: where on the way to a database it fails, and why.
 *
 * The steps are those that a connection takes: the session's own (ssh_stage), the forwarded
 * connection, the database's first words, and its role, which its own client asks with the
 * credentials that it finds, as `devenv sql` does.
 */
#include "commands.h"

#include "db_greeting.h"
#include "sql_client.h"
#include "tunnel_thread.h"
#include "tunnels.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

#define ASK_MS 120000 /* a person may have to find a password */
#define ASK_ALONE_MS 30000

enum step {
	STEP_NAME = SSH_STAGE_NAME,
	STEP_TCP = SSH_STAGE_TCP,
	STEP_HOST_KEY = SSH_STAGE_HOST_KEY,
	STEP_LOGIN = SSH_STAGE_LOGIN,
	STEP_FORWARD = SSH_STAGE_UP,
	STEP_DATABASE,
	STEP_REPLICA,
	STEPS
};

static const struct {
	const char *name;
	const char *next; /* what to do when it fails and the error does not say */
} steps[STEPS] = {
	[STEP_NAME] = {"name", NULL},
	[STEP_TCP] = {"tcp", NULL},
	[STEP_HOST_KEY] = {"host key", NULL},
	[STEP_LOGIN] = {"login", NULL},
	[STEP_FORWARD] = {"forward", NULL},
	[STEP_DATABASE] = {"database", "check \"to\" and \"engine\" in the manifest"},
	[STEP_REPLICA] = {"replica", NULL},
};

struct check {
	struct tunnel_thread tunnel; /* first: `connecting` gets its address */
	const struct tunnel_entry *entry;
	enum step at; /* where it is, or failed; STEPS: nowhere */
	char *details[STEPS];
	const char *next;
};

static void check_release(struct check *check)
{
	for (size_t i = 0; i < STEPS; i++)
		free(check->details[i]);
}

static void passed(struct check *check, char *detail)
{
	free(check->details[check->at]);
	check->details[check->at++] = detail;
}

/* === as far as the database === */

static void connecting(void *ctx, const struct ssh *ssh)
{
	struct check *check = ctx;

	check->at = STEP_NAME;
	while (check->at < (enum step)ssh_stage(ssh))
		passed(check, xstrdup(ssh_stage_detail(ssh, (enum ssh_stage)check->at)));
}

static int check_greeting(struct check *check, struct err *err)
{
	char *text = NULL;

	if (!check->entry->engine) {
		passed(check, xstrdup("not looked at: the tunnel names no \"engine\""));
		return 0;
	}
	if (db_greeting(check->entry->engine, check->tunnel.port, &text, err) < 0)
		return -1;
	passed(check, text);
	return 0;
}

/* === the role === */

static const char mysql_query[] = "SELECT @@global.read_only AS devenv_read_only, "
				  "@@global.innodb_read_only AS devenv_innodb_read_only; "
				  "SHOW REPLICA STATUS; SHOW SLAVE STATUS";

/* The one that the guard asks (guard_postgres.c). */
static const char postgres_query[] =
	"SELECT 'devenv_read_only: ' || CASE WHEN pg_is_in_recovery() OR "
	"(current_setting('transaction_read_only') = 'on' AND "
	"current_setting('default_transaction_read_only') = 'off') THEN '1' ELSE '0' END";
static const char postgres_lag[] =
	"SELECT 'Seconds_Behind_Source: ' || CASE WHEN pg_last_wal_receive_lsn() = "
	"pg_last_wal_replay_lsn() THEN 0 ELSE "
	"round(extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END";

/* The value of a line "  NAME: value", cut out of the client's output, or NULL. */
static char *value_of(const char *output, const char *name)
{
	const char *at = strstr(output, name);

	if (!at || at[strlen(name)] != ':')
		return NULL;
	at += strlen(name) + 1;
	at += strspn(at, " ");
	return xstrndup(at, strcspn(at, "\r\n"));
}

static char *lag_of(const char *output)
{
	char *lag = value_of(output, "Seconds_Behind_Source");

	return lag ? lag : value_of(output, "Seconds_Behind_Master");
}

static int ask(struct check *check, struct buf *output, struct buf *errors, struct err *err)
{
	static char *const mysql[] = {
		"--vertical", "--force", "--connect-timeout=20", "-e", (char *)mysql_query, NULL};
	static char *const postgres[] = {
		"-X", "-A", "-t", "-c", (char *)postgres_query, "-c", (char *)postgres_lag, NULL};
	bool is_mysql = str_eq(check->entry->engine, "mysql");
	bool alone = !sql_client_has_terminal();
	struct tunnel_entry entry = *check->entry;
	struct sql_client client = {0};
	struct proc_spec spec = {.timeout_ms = alone ? ASK_ALONE_MS : ASK_MS};
	int status = -1;

	entry.spec.guard = is_mysql ? "mysql" : "postgres"; /* in the clear, as ssh encrypts */
	if (sql_client_find(&client, entry.engine, err) == 0) {
		sql_client_words(&client, &entry, check->tunnel.port, is_mysql ? 5 : 7,
			(char **)(is_mysql ? mysql : postgres));
		spec.argv = (const char *const *)client.argv.v;
		spec.env = (const char *const *)client.env.v;
		ui_pause(&check->tunnel.app->sink);
		status = proc_run(&spec, output, errors, err);
		ui_resume(&check->tunnel.app->sink);
	}
	sql_client_release(&client);
	return status;
}

static int no_answer(struct check *check, const char *errors, struct err *err)
{
	size_t len = strcspn(errors, "\r\n");

	check->next = str_eq(check->entry->engine, "mysql")
			      ? "put user and password into ~/.my.cnf, or give the tunnel a "
				"\"user\" and run this on a terminal"
			      : "put the password into ~/.pgpass, or give the tunnel a \"user\" "
				"and a \"database\" and run this on a terminal";
	return err_set(err, ERR_TUNNEL, "the database does not say what it is: %.*s", (int)len,
		len ? errors : "no reason given");
}

static int judge(struct check *check, const char *output, struct err *err)
{
	autofree char *read_only = value_of(output, "devenv_read_only");
	autofree char *innodb = value_of(output, "devenv_innodb_read_only");
	autofree char *lag = lag_of(output);
	bool writer = (str_eq(read_only, "0") || str_eq(read_only, "OFF")) &&
		      (!innodb || str_eq(innodb, "0"));
	uint64_t seconds;

	if (writer && check->entry->spec.guard) {
		check->next = "point \"to\" at the replica, or ask whoever runs the database for "
			      "its address";
		return err_set(err, ERR_TUNNEL, "this server is not a read-only replica");
	}
	if (writer)
		passed(check, xstrdup("a writer, which \"read_only: false\" allows"));
	else if (lag && parse_u64(lag, 0, UINT64_MAX, &seconds))
		passed(check, xasprintf("a read-only replica, %s s behind", lag));
	else
		passed(check, xstrdup("read-only; how far behind it is cannot be told"));
	return 0;
}

static int check_role(struct check *check, struct err *err)
{
	autobuf struct buf output = BUF_INIT(1 << 20), errors = BUF_INIT(65536);

	if (!check->entry->engine) {
		passed(check, xstrdup("not asked: the tunnel names no \"engine\""));
		return 0;
	}
	if (ask(check, &output, &errors, err) < 0) {
		err->kind = ERR_TUNNEL;
		return -1;
	}
	if (!strstr(buf_str(&output), "devenv_read_only"))
		return no_answer(check, buf_str(&errors), err);
	return judge(check, buf_str(&output), err);
}

/* === what is shown === */

static json_t *as_json(const struct check *check, const struct err *err)
{
	json_t *out = json_object(), *list = json_array();

	json_set_str(out, "name", check->entry->spec.name);
	json_object_set_new(out, "ok", json_boolean(check->at == STEPS));
	for (enum step i = STEP_NAME; i < STEPS && i <= check->at; i++) {
		json_t *item = json_object();

		json_set_str(item, "step", steps[i].name);
		json_object_set_new(item, "ok", json_boolean(i < check->at));
		json_set_str(item, "detail", i < check->at ? check->details[i] : err->msg);
		json_array_append_new(list, item);
	}
	json_object_set_new(out, "steps", list);
	if (check->at < STEPS) {
		json_set_str(out, "failed", steps[check->at].name);
		json_set_str(out, "next", check->next);
	}
	return out;
}

static int show(const struct check *check, const struct err *problem, struct err *err)
{
	static const char *const headings[] = {"STEP", "RESULT", "DETAIL", NULL};
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;

	if (check->tunnel.app->json) {
		autojson json_t *out = as_json(check, problem);

		return ui_output_json(out, err);
	}
	table = table_new(headings);
	for (enum step i = STEP_NAME; i < STEPS && i <= check->at; i++) {
		const char *cells[] = {steps[i].name, i < check->at ? "ok" : "failed",
			i < check->at ? check->details[i] : ""};

		table_add(table, cells);
	}
	table_print(table, &text);
	table_free(table);
	return ui_output(buf_str(&text), err);
}

/* === the command === */

static int walk(struct check *check, struct err *err)
{
	struct err later = ERR_INIT;
	int rc = tunnel_thread_start(&check->tunnel, err);

	if (rc < 0)
		return -1;
	passed(check, xasprintf("%s:%u", check->entry->spec.to_host, check->entry->spec.to_port));
	rc = check_greeting(check, err);
	if (rc == 0)
		rc = check_role(check, err);
	if (tunnel_thread_stop(&check->tunnel, &later) < 0 && rc == 0) {
		*err = later;
		return -1;
	}
	return rc;
}

static int check_entry(struct app *app, const struct tunnel_entry *entry, struct err *err)
{
	struct check check = {
		.tunnel = {.app = app, .spec = entry->spec, .connecting = connecting},
		.entry = entry,
	};
	struct err problem = ERR_INIT;
	int rc;

	check.tunnel.spec.port = 0;
	check.tunnel.spec.gateway = false;
	check.tunnel.spec.guard = NULL; /* a writer is to be told, not to be hidden */
	rc = walk(&check, &problem);
	if (rc < 0 && problem.kind != ERR_CANCELLED) {
		if (!check.next)
			check.next = steps[check.at].next;
		rc = show(&check, &problem, err);
		if (rc == 0) {
			*err = problem;
			rc = err_wrap(
				err, "tunnel \"%s\": %s", entry->spec.name, steps[check.at].name);
		}
		if (check.next)
			err_hint(err, "%s", check.next);
	} else if (rc < 0) {
		*err = problem;
	} else {
		rc = show(&check, &problem, err);
	}
	check_release(&check);
	return rc;
}

static int check_first(struct app *app, const struct tunnels *tunnels, struct err *err)
{
	return check_entry(app, &tunnels->list[0], err);
}

static int check_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return tunnels_with(app, argc, argv, check_first, err);
}

static const char *const examples[] = {
	"devenv tunnel check reader                 # step by step, and what to do",
	"devenv tunnel check reader --format json",
	NULL,
};

const struct command cmd_tunnel_check = {
	.name = "check",
	.args = "NAME",
	.summary = "Walk the way to a database and say where it fails",
	.details = "The steps: name, tcp, host key, login, forward, database (its first words, "
		   "without "
		   "credentials) and replica, which asks the database with mariadb, mysql or psql "
		   "and "
		   "their own files for the password, and says how far behind it is. A step that "
		   "fails ends the walk with exit status 10, its cause and what to do.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = check_run,
};
