/*
 * tunnel.c - `devenv tunnel [NAME...]`: serve the manifests' x-tunnels in the foreground.
 */
#include "devenv/tunnel.h"

#include "commands.h"
#include "devenv/cli.h"
#include "devenv/fs.h"
#include "devenv/manifest.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MAX 1024

/* A tunnel as the manifest has it, with what it owns. */
struct entry {
	struct tunnel_spec spec;
	const struct manifest *manifest;
	const char *engine; /* mysql, postgres, or NULL */
	char *to_host, *identity, *known_hosts;
};

struct entries {
	struct entry *list;
	size_t n;
};

struct context {
	struct app *app;
	const struct entries *entries;
};

/* === from the manifest === */

static const char *required(const json_t *tunnel, const char *key, struct err *err)
{
	const char *value = json_str(tunnel, key);

	if (str_empty(value))
		err_set(err, ERR_MANIFEST, "\"%s\" is missing", key);
	return value;
}

static int read_port(const json_t *tunnel, uint16_t *port, struct err *err)
{
	const json_t *value = json_object_get(tunnel, "port");
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) > 0 &&
		json_integer_value(value) < 65536) {
		*port = (uint16_t)json_integer_value(value);
		return 0;
	}
	if (text && parse_port(text, port))
		return 0;
	return err_set(err, ERR_MANIFEST, "\"port\" is no port number");
}

static char *file_of(const struct manifest *manifest, const json_t *tunnel, const char *key)
{
	const char *value = json_str(tunnel, key);
	autofree char *path = value ? path_expand_home(value) : NULL;

	return path ? path_absolute(manifest->dir, path) : NULL;
}

static int read_entry(const struct manifest *manifest, const char *name, const json_t *tunnel,
	struct entry *entry, struct err *err)
{
	const char *via = required(tunnel, "via", err);
	const char *to = via ? required(tunnel, "to", err) : NULL;
	struct tunnel_spec *spec = &entry->spec;

	if (str_empty(via) || str_empty(to) ||
		tunnel_parse_to(to, &entry->to_host, &spec->to_port, err) < 0 ||
		read_port(tunnel, &spec->port, err) < 0) {
		free(entry->to_host);
		return err_wrap(err, "manifest \"%s\": x-tunnels.%s", manifest->name, name);
	}
	entry->manifest = manifest;
	entry->engine = json_str(tunnel, "engine");
	entry->identity = file_of(manifest, tunnel, "identity");
	entry->known_hosts = file_of(manifest, tunnel, "known_hosts");
	spec->name = name;
	spec->via = via;
	spec->to_host = entry->to_host;
	spec->gateway = json_bool(tunnel, "gateway");
	spec->identity = entry->identity;
	spec->known_hosts = entry->known_hosts;
	spec->host_key = json_str(tunnel, "host_key");
	if (!json_is_false(json_object_get(tunnel, "read_only")))
		spec->guard = entry->engine;
	spec->allow_unverified = json_bool(tunnel, "allow_unverified");
	return 0;
}

static bool is_wanted(const struct manifest *manifest, const char *name, int argc, char **argv)
{
	autofree char *full = xasprintf("%s/%s", manifest->name, name);

	for (int i = 0; i < argc; i++) {
		if (str_eq(argv[i], name) || str_eq(argv[i], full))
			return true;
	}
	return argc == 0;
}

static int collect_manifest(const struct manifest *manifest, int argc, char **argv,
	struct entries *entries, struct err *err)
{
	json_t *tunnels = json_object_get(manifest->model, "x-tunnels"), *tunnel;
	const char *name;

	json_object_foreach (tunnels, name, tunnel) {
		struct entry entry = {0};

		if (!is_wanted(manifest, name, argc, argv))
			continue;
		if (read_entry(manifest, name, tunnel, &entry, err) < 0)
			return -1;
		entries->list = xgrow(entries->list, entries->n, sizeof(*entries->list));
		entries->list[entries->n++] = entry;
	}
	return 0;
}

static void all_names(const struct workspace *ws, struct strv *names)
{
	for (size_t i = 0; i < ws->n; i++) {
		json_t *tunnels = json_object_get(ws->manifests[i].model, "x-tunnels"), *tunnel;
		const char *name;

		json_object_foreach (tunnels, name, tunnel)
			strv_push(names, name);
	}
}

static int unknown_name(const struct workspace *ws, const char *word, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	const char *meant;
	autofree char *list = NULL;

	all_names(ws, &names);
	if (!names.n)
		return err_set(err, ERR_USAGE, "no manifest of this workspace has x-tunnels");
	meant = str_suggest(word, (const char *const *)names.v);
	if (meant)
		return err_set(
			err, ERR_USAGE, "no tunnel \"%s\" (did you mean \"%s\"?)", word, meant);
	list = strv_join(&names, ", ");
	return err_set(err, ERR_USAGE, "no tunnel \"%s\"; there are: %s", word, list);
}

static int check_words(const struct workspace *ws, const struct entries *entries, int argc,
	char **argv, struct err *err)
{
	if (!argc && !entries->n)
		return unknown_name(ws, "", err);
	for (int i = 0; i < argc; i++) {
		bool found = false;

		for (size_t k = 0; k < entries->n && !found; k++)
			found = is_wanted(
				entries->list[k].manifest, entries->list[k].spec.name, 1, &argv[i]);
		if (!found)
			return unknown_name(ws, argv[i], err);
	}
	return 0;
}

static void entries_release(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		free(entries->list[i].to_host);
		free(entries->list[i].identity);
		free(entries->list[i].known_hosts);
	}
	free(entries->list);
}

/* === a person === */

static bool confirm(void *ctx, const char *question)
{
	struct context *context = ctx;
	bool yes;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	ui_pause(&context->app->sink);
	yes = ui_confirm(question);
	ui_resume(&context->app->sink);
	return yes;
}

/* A line from the terminal, until Ctrl-C. */
static char *read_line(int fd)
{
	char line[SECRET_MAX];
	size_t len = 0;
	char *copy = NULL;

	while (len < sizeof(line) - 1 && !signals_pending()) {
		struct pollfd pfds[] = {
			{.fd = fd, .events = POLLIN}, {.fd = signals_fd(), .events = POLLIN}};

		if (poll(pfds, 2, -1) < 0 && errno != EINTR)
			break;
		if (!(pfds[0].revents))
			continue;
		if (read(fd, line + len, 1) != 1)
			break;
		if (line[len] == '\n') {
			copy = xstrndup(line, len);
			break;
		}
		len++;
	}
	explicit_bzero(line, sizeof(line));
	return copy;
}

static char *secret(void *ctx, const char *prompt)
{
	struct context *context = ctx;
	autoclose int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	char *line;

	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return NULL;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	ui_pause(&context->app->sink);
	tcsetattr(fd, TCSAFLUSH, &quiet);
	if (write(fd, prompt, strlen(prompt)) < 0)
		line = NULL;
	else
		line = read_line(fd);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (write(fd, "\n", 1) < 0)
		line = NULL;
	ui_resume(&context->app->sink);
	return line;
}

/* === what is shown === */

static const struct entry *entry_of(const struct context *context, const struct tunnel_spec *spec)
{
	for (size_t i = 0; i < context->entries->n; i++) {
		if (str_eq(context->entries->list[i].spec.name, spec->name) &&
			str_eq(context->entries->list[i].spec.to_host, spec->to_host))
			return &context->entries->list[i];
	}
	return NULL;
}

static char *client_line(const char *engine, uint16_t port)
{
	if (str_eq(engine, "mysql") || str_eq(engine, "mariadb"))
		return xasprintf("mysql -h 127.0.0.1 -P %u -u USER -p", port);
	if (str_eq(engine, "postgres"))
		return xasprintf("psql -h 127.0.0.1 -p %u -U USER", port);
	return NULL;
}

static void show_json(const struct tunnel_spec *spec, uint16_t port, const char *client)
{
	autojson json_t *line = json_object();
	autofree char *text = NULL, *shown = NULL;
	struct err ignored = ERR_INIT;

	json_set_str(line, "name", spec->name);
	json_set_str(line, "host", "127.0.0.1");
	json_object_set_new(line, "port", json_integer(port));
	json_setf(line, "to", "%s:%u", spec->to_host, spec->to_port);
	json_set_str(line, "via", spec->via);
	json_set_str(line, "client", client);
	text = json_print(line);
	shown = xasprintf("%s\n", text);
	ui_output(shown, &ignored);
}

static void show_ready(void *ctx, const struct tunnel_spec *spec, uint16_t port)
{
	struct context *context = ctx;
	const struct entry *entry = entry_of(context, spec);
	autofree char *client = client_line(entry ? entry->engine : NULL, port);
	autobuf struct buf text = BUF_INIT(65536);
	struct err ignored = ERR_INIT;

	if (context->app->json) {
		show_json(spec, port, client);
		return;
	}
	ui_text(&text, spec->name);
	buf_addf(&text, "  %s:%u -> ", spec->gateway ? "0.0.0.0" : "127.0.0.1", port);
	ui_text(&text, spec->to_host);
	buf_addf(&text, ":%u via ", spec->to_port);
	ui_text(&text, spec->via);
	buf_addch(&text, '\n');
	if (client)
		buf_addf(&text, "    %s\n", client);
	ui_output(buf_str(&text), &ignored);
}

/* === the command === */

static int serve(struct app *app, const struct entries *entries, struct err *err)
{
	autofree struct tunnel_spec *specs = xcalloc(entries->n, sizeof(*specs));
	struct context context = {.app = app, .entries = entries};
	struct ssh_ask ask = {.confirm = confirm, .secret = secret, .ctx = &context};

	for (size_t i = 0; i < entries->n; i++) {
		specs[i] = entries->list[i].spec;
		if (specs[i].gateway)
			sink_warn(&app->sink, NULL,
				"tunnel \"%s\" listens on all addresses (gateway: true): every "
				"machine of your network can use it",
				specs[i].name);
	}
	return tunnel_serve(specs, entries->n, &ask, &app->sink, show_ready, &context, err);
}

static int tunnel_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct entries entries = {0};
	int rc = session_open(app, 0, &session, err);

	for (size_t i = 0; rc == 0 && i < session.ws.n; i++)
		rc = collect_manifest(&session.ws.manifests[i], argc, argv, &entries, err);
	if (rc == 0)
		rc = check_words(&session.ws, &entries, argc, argv, err);
	if (rc == 0)
		rc = serve(app, &entries, err);
	entries_release(&entries);
	return rc;
}

static const char *const examples[] = {
	"devenv tunnel          # every tunnel of the workspace",
	"devenv tunnel reader   # only this one; Ctrl-C ends it",
	NULL,
};

const struct command cmd_tunnel = {
	.name = "tunnel",
	.group = "Databases far away",
	.args = "[NAME...]",
	.summary = "Open SSH tunnels to databases",
	.details =
		"Opens the tunnels that the manifests describe under x-tunnels, all of them or the "
		"named ones, and serves until Ctrl-C. Each is a port on 127.0.0.1 that leads "
		"through "
		"an ssh server to a database. When the connection is lost it is made again while "
		"the "
		"port stays open.\n"
		"\n"
		"Keys come from the tunnel's \"identity\", the ssh configuration, the ssh agent or "
		"~/.ssh; ~/.ssh/config is read by asking the installed ssh. The server's key must "
		"be "
		"in known_hosts or pinned as \"host_key\"; an unknown one is asked about on a "
		"terminal and refused without.\n"
		"\n"
		"With \"engine: mysql\" or \"engine: postgres\" each connection is asked, once its "
		"login is done and before its first command, whether the server is a read-only "
		"replica; one that reached a writer is refused with an error that the client "
		"shows. "
		"devenv needs no credentials for it, but a login in the clear (the ssh tunnel "
		"encrypts): where TLS or compression hides it the connection is refused too, "
		"unless the tunnel has \"allow_unverified: true\". \"read_only: false\" turns the "
		"check off.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_TUNNEL,
	.run = tunnel_run,
};
