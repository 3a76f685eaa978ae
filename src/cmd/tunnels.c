/* tunnels.c - the x-tunnels of a workspace, as the tunnel commands see them. */
#include "tunnels.h"

#include "session.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MAX 1024

/* Local ports of tunnels that name none: below the ports that the system gives away itself. */
#define PORTS_FIRST 20000
#define PORTS_N 10000

#define PG_SOCKET ".s.PGSQL."

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

static int read_ssh_engine(const json_t *tunnel, bool *openssh, struct err *err)
{
	const char *value = json_str(tunnel, "ssh_engine");

	*openssh = str_eq(value, "openssh");
	if (value && !*openssh && !str_eq(value, "libssh2"))
		return err_set(err, ERR_MANIFEST, "\"ssh_engine\" is libssh2 or openssh");
	return 0;
}

static char *file_of(const struct manifest *manifest, const json_t *tunnel, const char *key)
{
	const char *value = json_str(tunnel, key);
	autofree char *path = value ? path_expand_home(value) : NULL;

	return path ? path_absolute(manifest->dir, path) : NULL;
}

/* PostgreSQL's clients are told of a folder, and know the name in it. */
static int read_socket(const json_t *tunnel, struct tunnel_entry *entry, struct err *err)
{
	autofree char *path = file_of(entry->manifest, tunnel, "socket");
	bool named = path && str_starts(path_basename(path), PG_SOCKET);

	if (path && json_object_get(tunnel, "port"))
		return err_set(err, ERR_MANIFEST, "\"port\" and \"socket\" exclude each other");
	if (path && json_bool(tunnel, "gateway"))
		return err_set(err, ERR_MANIFEST, "\"gateway\" and \"socket\" exclude each other");
	if (path && str_eq(entry->engine, "postgres") && !named)
		entry->socket = path_join(path, PG_SOCKET "5432");
	else
		entry->socket = TAKE(path);
	entry->spec.socket = entry->socket;
	return 0;
}

static int read_entry(const struct workspace *ws, const struct manifest *manifest, const char *name,
	const json_t *tunnel, struct tunnel_entry *entry, struct err *err)
{
	const char *via = required(tunnel, "via", err);
	const char *to = via ? required(tunnel, "to", err) : NULL;
	struct tunnel_spec *spec = &entry->spec;

	entry->manifest = manifest;
	entry->engine = json_str(tunnel, "engine");
	if (str_empty(via) || str_empty(to) ||
		tunnel_parse_to(to, &entry->to_host, &spec->to_port, err) < 0 ||
		read_port(tunnel, &spec->port, err) < 0 ||
		read_ssh_engine(tunnel, &spec->openssh, err) < 0 ||
		read_socket(tunnel, entry, err) < 0) {
		free(entry->to_host);
		return err_wrap(err, "manifest \"%s\": x-tunnels.%s", manifest->name, name);
	}
	entry->id = xasprintf("%s/%s/%s", ws->lock_id, manifest->name, name);
	spec->user = json_str(tunnel, "user");
	spec->database = json_str(tunnel, "database");
	entry->identity = file_of(manifest, tunnel, "identity");
	entry->known_hosts = file_of(manifest, tunnel, "known_hosts");
	spec->name = name;
	spec->id = entry->id;
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

static int collect_manifest(const struct workspace *ws, const struct manifest *manifest,
	struct tunnels *tunnels, struct err *err)
{
	json_t *all = json_object_get(manifest->model, "x-tunnels"), *tunnel;
	const char *name;

	json_object_foreach (all, name, tunnel) {
		struct tunnel_entry entry = {0};

		if (read_entry(ws, manifest, name, tunnel, &entry, err) < 0)
			return -1;
		tunnels->list = xgrow(tunnels->list, tunnels->n, sizeof(*tunnels->list));
		tunnels->list[tunnels->n++] = entry;
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

static int check_words(const struct workspace *ws, const struct tunnels *tunnels, int argc,
	char **argv, struct err *err)
{
	if (!argc && !tunnels->n)
		return unknown_name(ws, "", err);
	for (int i = 0; i < argc; i++) {
		bool found = false;

		for (size_t k = 0; k < tunnels->n && !found; k++)
			found = is_wanted(
				tunnels->list[k].manifest, tunnels->list[k].spec.name, 1, &argv[i]);
		if (!found)
			return unknown_name(ws, argv[i], err);
	}
	return 0;
}

/* === local ports === */

static bool port_used(const struct tunnels *tunnels, uint16_t port)
{
	for (size_t i = 0; i < tunnels->n; i++)
		if (tunnels->list[i].spec.port == port)
			return true;
	return false;
}

/* The same each time, so that clients can keep it in their settings. */
static void choose_ports(struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->n; i++) {
		struct tunnel_entry *entry = &tunnels->list[i];
		uint32_t number = 0;
		uint16_t port;

		if (entry->spec.port || entry->socket)
			continue;
		for (const char *c = entry->id; *c; c++)
			number = number * 31 + (unsigned char)*c;
		do
			port = (uint16_t)(PORTS_FIRST + number++ % PORTS_N);
		while (port_used(tunnels, port));
		entry->spec.port = port;
	}
}

/* === in all === */

static void entry_release(struct tunnel_entry *entry)
{
	free(entry->id);
	free(entry->to_host);
	free(entry->socket);
	free(entry->identity);
	free(entry->known_hosts);
}

void tunnels_release(struct tunnels *tunnels)
{
	for (size_t i = 0; i < tunnels->n; i++)
		entry_release(&tunnels->list[i]);
	free(tunnels->list);
	*tunnels = (struct tunnels){0};
}

/* All are read, for the ports of those without one depend on the others. */
static void keep_wanted(struct tunnels *tunnels, int argc, char **argv)
{
	size_t kept = 0;

	for (size_t i = 0; i < tunnels->n; i++) {
		struct tunnel_entry *entry = &tunnels->list[i];

		if (is_wanted(entry->manifest, entry->spec.name, argc, argv))
			tunnels->list[kept++] = *entry;
		else
			entry_release(entry);
	}
	tunnels->n = kept;
}

int tunnels_find(
	const struct workspace *ws, int argc, char **argv, struct tunnels *tunnels, struct err *err)
{
	for (size_t i = 0; i < ws->n; i++)
		if (collect_manifest(ws, &ws->manifests[i], tunnels, err) < 0)
			return -1;
	choose_ports(tunnels);
	keep_wanted(tunnels, argc, argv);
	return check_words(ws, tunnels, argc, argv, err);
}

int tunnels_with(struct app *app, int argc, char **argv, tunnels_fn *act, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	struct tunnels tunnels = {0};
	int rc = session_open(app, 0, &session, err);

	if (rc == 0)
		rc = tunnels_find(&session.ws, argc, argv, &tunnels, err);
	if (rc == 0)
		rc = act(app, &tunnels, err);
	tunnels_release(&tunnels);
	return rc;
}

const char *tunnel_socket_port(const char *path)
{
	const char *name = path_basename(path);

	return str_starts(name, PG_SOCKET) ? name + strlen(PG_SOCKET) : "5432";
}

char *tunnel_local(const struct tunnel_spec *spec, uint16_t port)
{
	if (spec->socket)
		return xstrdup(spec->socket);
	return xasprintf("%s:%u", spec->gateway ? "0.0.0.0" : "127.0.0.1", port);
}

void tunnel_name_error(const struct tunnel_spec *spec, struct err *err)
{
	autofree char *name = xasprintf("tunnel \"%s\"", spec->name);

	if (!str_starts(err->msg, name))
		err_wrap(err, "%s", name);
}

/* === a person === */

static bool confirm(void *ctx, const char *question)
{
	struct app *app = ctx;
	bool yes;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	ui_pause(&app->sink);
	yes = ui_confirm(question);
	ui_resume(&app->sink);
	return yes;
}

/* A line from the terminal, until Ctrl-C or its end. */
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

/* What a server says may not move the cursor, or look like our own words. */
static void prompt_text(const struct ssh_prompt *prompt, struct buf *text)
{
	if (prompt->again)
		buf_addstr(text, "That was not accepted.\n");
	ui_lines(text, prompt->info);
	ui_text(text, prompt->text);
}

static char *answer(void *ctx, const struct ssh_prompt *prompt)
{
	struct app *app = ctx;
	autoclose int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	autobuf struct buf text = BUF_INIT(0);
	struct termios before, quiet;
	char *line = NULL;

	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return NULL;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	prompt_text(prompt, &text);
	ui_pause(&app->sink);
	if (!prompt->echo)
		tcsetattr(fd, TCSAFLUSH, &quiet);
	if (fs_write_all(fd, buf_str(&text), text.len) == 0)
		line = read_line(fd);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (!prompt->echo)
		fs_write_all(fd, "\n", 1);
	ui_resume(&app->sink);
	return line;
}

struct ssh_ask tunnels_ask(struct app *app)
{
	return (struct ssh_ask){.confirm = confirm, .answer = answer, .ctx = app};
}
