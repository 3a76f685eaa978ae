/* tunnel_login.c - the login with which a database is asked what it is (tunnel_login.h). */
#include "tunnel_login.h"

#include "tunnel_daemon.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3

const struct option_spec tunnel_password_options[] = {
	{.name = "password",
		.type = OPT_FLAG,
		OPT_AT(struct tunnel_options, password),
		.help = "Ask for the database's password, for connections that TLS hides"},
	{0},
};

void tunnel_login_release(struct tunnel_login *login)
{
	if (login->password)
		explicit_bzero(login->password, strlen(login->password));
	free(TAKE(login->password));
	login->role.password = NULL;
}

bool tunnel_login_ask(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec)
{
	const char *user = login->role.user ? login->role.user : spec->user;
	autofree char *text = xasprintf("Password%s%s for the database of tunnel \"%s\": ",
		user ? " of " : "", user ? user : "", spec->name);
	const struct ssh_prompt prompt = {.text = text, .again = login->password != NULL};
	struct ssh_ask ask = tunnels_ask(app);

	if (login->silent || login->tries >= TRIES)
		return false;
	tunnel_login_release(login);
	login->tries++;
	login->password = ask.answer(ask.ctx, &prompt);
	login->role.password = login->password;
	return login->password != NULL;
}

bool tunnel_login_told(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec,
	const struct role *role, const struct err *err)
{
	autofree char *text = role ? tunnel_role_text(role) : NULL;

	if (!role && err->os == EKEYREJECTED && tunnel_login_ask(login, app, spec))
		return true;
	if (role && role->replica)
		sink_info(&app->sink, NULL, "tunnel \"%s\": %s", spec->name, text);
	else if (role)
		sink_warn(&app->sink, NULL,
			"tunnel \"%s\": this server is not a read-only replica: connections are "
			"refused "
			"(%s)",
			spec->name, TUNNEL_WRITER_NEXT);
	else
		sink_warn(&app->sink, NULL,
			"tunnel \"%s\": the database does not say what it is: %s (see \"devenv "
			"tunnel check %s\")",
			spec->name, err->msg, spec->name);
	return false;
}

const char *tunnel_login_next(const struct tunnel_entry *entry, const struct err *failure)
{
	bool mysql = str_eq(entry->engine, "mysql");

	if (failure->os == EKEYREJECTED && entry->spec.user)
		return mysql ? "put the password into ~/.my.cnf, or run this on a terminal"
			     : "put the password into ~/.pgpass, or run this on a terminal";
	if (failure->os == EKEYREJECTED)
		return mysql ? "put user and password into ~/.my.cnf, or give the tunnel a "
			       "\"user\" and run this on a terminal"
			     : "put the password into ~/.pgpass, or give the tunnel a \"user\" and "
			       "run this on a terminal";
	if (failure->kind == ERR_TUNNEL && !failure->os)
		return "check the tunnel's \"user\" and \"database\" in the manifest, or ask "
		       "whoever runs the database";
	return NULL;
}

int tunnel_login_failed(
	const struct tunnel_entry *entry, const struct err *failure, struct err *err)
{
	const char *next = tunnel_login_next(entry, failure);

	err_set(err, ERR_TUNNEL, "tunnel \"%s\": %s", entry->spec.name, failure->msg);
	return next ? err_hint(err, "%s", next) : -1;
}

int tunnel_login_writer(const struct tunnel_spec *spec, struct err *err)
{
	err_set(err, ERR_TUNNEL, "tunnel \"%s\": this server is not a read-only replica",
		spec->name);
	return err_hint(err, "%s", TUNNEL_WRITER_NEXT);
}

bool tunnel_role_read(const json_t *answer, struct role *role)
{
	const json_t *lag = json_object_get(answer, "lag_s");

	*role = (struct role){.replica = json_bool(answer, "replica"),
		.tls = json_bool(answer, "tls"),
		.lag_s = json_is_integer(lag) ? json_integer_value(lag) : -1};
	return json_object_get(answer, "replica") != NULL;
}

static int prove_once(struct tunnel_login *login, const struct tunnel_spec *spec, struct role *role,
	struct err *err)
{
	autodaemon struct daemon daemon = DAEMON_NONE;
	autojson json_t *request = json_object();
	autojson json_t *answer = NULL;

	json_set_str(request, "command", "prove");
	json_set_str(request, "id", spec->id);
	json_object_set_new(request, "login", role_login_json(&login->role));
	answer = daemon_ask(&daemon, false, request, err);
	if (err->kind)
		return -1;
	if (!answer || json_str(answer, "error")) {
		err_set(err, ERR_TUNNEL, "%s", answer ? json_str(answer, "error") : "it is down");
		err->os = json_bool(answer, "password") ? EKEYREJECTED : 0;
		return -1;
	}
	tunnel_role_read(answer, role);
	return 0;
}

int tunnel_login_prove(struct tunnel_login *login, struct app *app, const struct tunnel_spec *spec,
	struct role *role, struct err *err)
{
	while (prove_once(login, spec, role, err) < 0) {
		if (err->os != EKEYREJECTED || !tunnel_login_ask(login, app, spec))
			return -1;
		err_clear(err);
	}
	return 0;
}

char *tunnel_role_text(const struct role *role)
{
	if (!role->replica)
		return xstrdup("a writer");
	if (role->lag_s < 0)
		return xstrdup("a read-only replica");
	return xasprintf("a read-only replica, %lld s behind", (long long)role->lag_s);
}
