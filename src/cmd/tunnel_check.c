/*
 * tunnel_check.c - `devenv tunnel check NAME`: where on the way to a database it fails, and why.
 *
 * The steps are those that a connection takes: the session's own (ssh_stage), the forwarded
 * connection, the database's first words, and its role, which it is asked with the credentials
 * that its own files have (role.h), as by `devenv sql`.
 */
#include "commands.h"

#include "db_greeting.h"
#include "tunnel_login.h"
#include "tunnel_thread.h"
#include "tunnels.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

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

static int check_role(struct check *check, struct err *err)
{
	const struct role *role = &check->tunnel.role;
	const struct err *failure = &check->tunnel.role_err;

	if (!check->entry->engine) {
		passed(check, xstrdup("not asked: the tunnel names no \"engine\""));
		return 0;
	}
	if (failure->kind) {
		check->next = tunnel_login_next(check->entry, failure);
		return err_set(
			err, ERR_TUNNEL, "the database does not say what it is: %s", failure->msg);
	}
	if (!role->replica && check->entry->spec.guard) {
		check->next = TUNNEL_WRITER_NEXT;
		return err_set(err, ERR_TUNNEL, "this server is not a read-only replica");
	}
	if (!role->replica)
		passed(check, xstrdup("a writer, which \"read_only: false\" allows"));
	else if (role->lag_s < 0)
		passed(check, xstrdup("read-only; how far behind it is cannot be told"));
	else
		passed(check, tunnel_role_text(role));
	return 0;
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
	struct tunnel_login login = {.role = {.engine = check->entry->engine}};
	struct err later = ERR_INIT;
	int rc;

	check->tunnel.login = login.role.engine ? &login : NULL;
	rc = tunnel_thread_start(&check->tunnel, err);
	tunnel_login_release(&login);

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
		   "credentials) and replica, which asks the database with the user's login (from "
		   "~/.my.cnf, ~/.pgpass and the like, else the password is asked for) and says "
		   "how far behind it is. A step that fails ends the walk with exit status 10, its "
		   "cause and what to do.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = check_run,
};
