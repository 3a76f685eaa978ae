/*
 * ssh_config.c - asking the installed ssh what it would do.
 *
 * `ssh -G` costs 5 ms and is right by definition.  It leaves "~" and tokens in IdentityFile and
 * ProxyCommand, prints the default identities even when none is configured, and runs the commands
 * of `Match exec` as ssh itself would.
 */
#include "devenv/ssh_config.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_LIMIT ((size_t)1 << 20)
#define SSH_TIMEOUT_MS 15000

static const char *const default_identities[] = {"id_ed25519", "id_ecdsa", "id_rsa", NULL};

/* ssh looks for its files in the passwd entry's folder and ignores $HOME. */
static char *home_dir(void)
{
	struct passwd entry, *found = NULL;
	char space[4096];

	if (!getpwuid_r(getuid(), &entry, space, sizeof(space), &found) && found)
		return xstrdup(found->pw_dir);
	return path_expand_home("~");
}

static char *user_name(void)
{
	struct passwd entry, *found = NULL;
	char space[4096];
	const char *name = getenv("USER");

	if (!getpwuid_r(getuid(), &entry, space, sizeof(space), &found) && found)
		return xstrdup(found->pw_name);
	return xstrdup(name ? name : "root");
}

static void set(char **field, char *value)
{
	free(*field);
	*field = value;
}

int ssh_via_parse(const char *via, char **user, char **host, uint16_t *port, struct err *err)
{
	const char *at = strrchr(via, '@');
	autofree char *name = xstrdup(at ? at + 1 : via);
	char *start = name, *port_text = NULL;
	uint16_t number = 0;

	if (*start == '[') {
		char *end = strchr(++start, ']');

		if (!end || (end[1] && end[1] != ':'))
			return err_set(err, ERR_TUNNEL, "\"%s\" is no [USER@]HOST[:PORT]", via);
		port_text = end[1] ? end + 2 : NULL;
		*end = '\0';
	} else if (strchr(start, ':') && strchr(start, ':') == strrchr(start, ':')) {
		port_text = strchr(start, ':') + 1;
		port_text[-1] = '\0';
	}
	if (!*start || *start == '-' || at == via || *via == '-' ||
		(port_text && !parse_port(port_text, &number)))
		return err_set(err, ERR_TUNNEL, "\"%s\" is no [USER@]HOST[:PORT]", via);
	*user = at ? xstrndup(via, (size_t)(at - via)) : NULL;
	*host = xstrdup(start);
	*port = number;
	return 0;
}

/* === tokens (ssh_config(5), TOKENS) === */

static int add_token(const struct ssh_config *config, char token, struct buf *out)
{
	char name[256] = "";

	switch (token) {
	case '%':
		return buf_addch(out, '%');
	case 'h':
		return buf_addstr(out, config->host ? config->host : config->typed);
	case 'n':
		return buf_addstr(out, config->typed);
	case 'k':
		return buf_addstr(out, config->key_alias ? config->key_alias : config->typed);
	case 'p':
		return buf_addf(out, "%u", config->port);
	case 'r':
		return buf_addstr(out, config->user ? config->user : "");
	case 'i':
		return buf_addf(out, "%lu", (unsigned long)getuid());
	case 'l':
	case 'L':
		gethostname(name, sizeof(name) - 1);
		if (token == 'L')
			name[strcspn(name, ".")] = '\0';
		return buf_addstr(out, name);
	default:
		return -1;
	}
}

static int add_owned(struct buf *out, char *text)
{
	autofree char *owned = text;

	return buf_addstr(out, owned);
}

/* "${NAME}" at `text`; returns what comes after it, or NULL. */
static const char *add_variable(const char *text, struct buf *out, struct err *err)
{
	size_t len = strcspn(text + 2, "}");
	autofree char *name = xstrndup(text + 2, len);
	const char *value = getenv(name);

	if (text[2 + len] != '}' || !value) {
		err_set(err, ERR_TUNNEL, "ssh config: the variable %s of \"%s\" is not set", name,
			text);
		return NULL;
	}
	buf_addstr(out, value);
	return text + 2 + len + 1;
}

char *ssh_config_expand(const struct ssh_config *config, const char *text, struct err *err)
{
	autobuf struct buf out = BUF_INIT(65536);
	const char *at = text;

	if (*at == '~' && (at[1] == '/' || !at[1])) {
		add_owned(&out, home_dir());
		at++;
	}
	while (*at) {
		int rc = 0;

		if (*at == '$' && at[1] == '{') {
			at = add_variable(at, &out, err);
			if (!at)
				return NULL;
			continue;
		}
		if (*at != '%')
			rc = buf_addch(&out, *at++);
		else if (at[1] == 'd')
			rc = add_owned(&out, home_dir()), at += 2;
		else if (at[1] == 'u')
			rc = add_owned(&out, user_name()), at += 2;
		else
			rc = add_token(config, at[1], &out), at += 2;
		if (rc < 0) {
			err_set(err, ERR_TUNNEL, "ssh config: cannot expand \"%s\"", text);
			return NULL;
		}
	}
	return buf_detach(&out);
}

/* === `ssh -G` === */

static int expand_push(
	struct ssh_config *config, struct strv *list, const char *text, struct err *err)
{
	char *path = ssh_config_expand(config, text, err);

	if (!path)
		return -1;
	strv_push_take(list, path);
	return 0;
}

static int expand_files(
	struct ssh_config *config, struct strv *list, const char *text, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	strv_split(&names, text, ' ');
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], "none") != 0 &&
			expand_push(config, list, names.v[i], err) < 0)
			return -1;
	}
	return 0;
}

static enum ssh_strict strict_of(const char *value)
{
	if (str_eq(value, "yes") || str_eq(value, "true"))
		return SSH_STRICT_YES;
	if (str_eq(value, "accept-new"))
		return SSH_STRICT_ACCEPT_NEW;
	return SSH_STRICT_ASK; /* "no" would take any key: never that */
}

static void set_int(int *field, const char *value)
{
	uint64_t number;

	if (parse_u64(value, 0, 86400, &number))
		*field = (int)number;
}

/* Values that others' tokens need, and those that need none. */
static void set_plain(struct ssh_config *config, const char *key, const char *value)
{
	if (str_eq(key, "hostname"))
		set(&config->host, xstrdup(value));
	else if (str_eq(key, "user"))
		set(&config->user, xstrdup(value));
	else if (str_eq(key, "port"))
		parse_port(value, &config->port);
	else if (str_eq(key, "hostkeyalias"))
		set(&config->key_alias, xstrdup(value));
	else if (str_eq(key, "identitiesonly"))
		config->identities_only = str_eq(value, "yes");
	else if (str_eq(key, "hashknownhosts"))
		config->hash_known_hosts = str_eq(value, "yes");
	else if (str_eq(key, "stricthostkeychecking"))
		config->strict = strict_of(value);
	else if (str_eq(key, "connecttimeout"))
		set_int(&config->connect_timeout, value);
	else if (str_eq(key, "serveraliveinterval"))
		set_int(&config->alive_interval, value);
	else if (str_eq(key, "serveralivecountmax"))
		set_int(&config->alive_count, value);
}

static int set_agent(struct ssh_config *config, const char *value, struct err *err)
{
	const char *from = value;

	config->usual_agent = str_eq(value, "SSH_AUTH_SOCK");
	if (str_eq(value, "none"))
		from = NULL;
	else if (config->usual_agent)
		from = getenv("SSH_AUTH_SOCK");
	else if (*value == '$' && value[1] != '{')
		from = getenv(value + 1);
	set(&config->agent, NULL);
	if (str_empty(from))
		return 0;
	config->agent = ssh_config_expand(config, from, err);
	return config->agent ? 0 : -1;
}

static int set_expanded(
	struct ssh_config *config, const char *key, const char *value, struct err *err)
{
	if (str_eq(key, "identityfile"))
		return str_eq(value, "none") ? 0
					     : expand_push(config, &config->identities, value, err);
	if (str_eq(key, "userknownhostsfile") || str_eq(key, "globalknownhostsfile"))
		return expand_files(config, &config->known_hosts, value, err);
	if (str_eq(key, "identityagent"))
		return set_agent(config, value, err);
	if (str_eq(key, "proxyjump") && !str_eq(value, "none"))
		set(&config->proxy_jump, xstrdup(value));
	if (str_eq(key, "proxycommand") && !str_eq(value, "none")) {
		set(&config->proxy_command, ssh_config_expand(config, value, err));
		return config->proxy_command ? 0 : -1;
	}
	return 0;
}

/* One pass over the "key value" lines. */
static int each_line(struct ssh_config *config, const char *text, bool expanded, const char *only,
	struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		autofree char *line = xstrndup(text, len);
		char *value = strchr(line, ' ');

		text += len + (text[len] == '\n');
		if (!value)
			continue;
		*value++ = '\0';
		if (!expanded)
			set_plain(config, line, value);
		else if ((!only || str_eq(line, only)) &&
			 set_expanded(config, line, value, err) < 0)
			return -1;
	}
	return 0;
}

int ssh_config_parse(struct ssh_config *config, const char *text, struct err *err)
{
	each_line(config, text, false, NULL, err);
	/* ssh prints the system's known_hosts files first; the user's must come first here. */
	if (each_line(config, text, true, "userknownhostsfile", err) < 0 ||
		each_line(config, text, true, "globalknownhostsfile", err) < 0 ||
		each_line(config, text, true, "identityfile", err) < 0 ||
		each_line(config, text, true, "identityagent", err) < 0 ||
		each_line(config, text, true, "proxyjump", err) < 0)
		return -1;
	if (config->proxy_jump)
		return 0;
	return each_line(config, text, true, "proxycommand", err);
}

static void set_defaults(struct ssh_config *config)
{
	const char *agent = getenv("SSH_AUTH_SOCK");

	config->port = 22;
	config->alive_count = 3;
	config->host = xstrdup(config->typed);
	config->user = user_name();
	config->agent = str_empty(agent) ? NULL : xstrdup(agent);
	config->usual_agent = true;
}

static void set_default_files(struct ssh_config *config)
{
	autofree char *home = home_dir();

	for (size_t i = 0; default_identities[i]; i++)
		strv_pushf(&config->identities, "%s/.ssh/%s", home, default_identities[i]);
	strv_pushf(&config->known_hosts, "%s/.ssh/known_hosts", home);
	strv_pushf(&config->known_hosts, "%s/.ssh/known_hosts2", home);
	strv_push(&config->known_hosts, "/etc/ssh/ssh_known_hosts");
}

static int ask_ssh(struct ssh_config *config, const char *user, uint16_t port, struct buf *output,
	struct err *err)
{
	autobuf struct buf errors = BUF_INIT(65536);
	const char *file = getenv("DEVENV_SSH_CONFIG"), *argv[16];
	autofree char *port_text = xasprintf("%u", port);
	size_t n = 0;
	int status;

	argv[n++] = "ssh";
	argv[n++] = "-T";
	argv[n++] = "-G";
	if (!str_empty(file)) {
		argv[n++] = "-F";
		argv[n++] = file;
	}
	if (user) {
		argv[n++] = "-l";
		argv[n++] = user;
	}
	if (port) {
		argv[n++] = "-p";
		argv[n++] = port_text;
	}
	argv[n++] = "--";
	argv[n++] = config->typed;
	argv[n] = NULL;
	status = proc_run(&(struct proc_spec){.argv = argv, .timeout_ms = SSH_TIMEOUT_MS}, output,
		&errors, err);
	if (status > 0) {
		autofree char *words = buf_detach(&errors);

		return err_set(err, ERR_TUNNEL, "ssh does not accept its configuration for %s: %s",
			config->typed, str_trim(words));
	}
	return status;
}

int ssh_config_resolve(const char *via, struct ssh_config *config, struct err *err)
{
	autobuf struct buf output = BUF_INIT(OUTPUT_LIMIT);
	autofree char *user = NULL, *program = NULL;
	uint16_t port = 0;

	*config = (struct ssh_config){0};
	if (ssh_via_parse(via, &user, &config->typed, &port, err) < 0)
		return -1;
	set_defaults(config);
	program = proc_find("ssh");
	if (!program) {
		set_default_files(config);
	} else if (ask_ssh(config, user, port, &output, err) < 0 ||
		   ssh_config_parse(config, buf_str(&output), err) < 0) {
		ssh_config_release(config);
		return -1;
	}
	if (user)
		set(&config->user, xstrdup(user));
	if (port)
		config->port = port;
	return 0;
}

void ssh_config_release(struct ssh_config *config)
{
	free(config->typed);
	free(config->host);
	free(config->user);
	free(config->key_alias);
	free(config->agent);
	free(config->proxy_command);
	free(config->proxy_jump);
	strv_release(&config->identities);
	strv_release(&config->known_hosts);
	*config = (struct ssh_config){0};
}
