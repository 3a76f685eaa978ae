/*
 * ssh_config.c - asking the installed ssh what it would do, or else the built-in reader.
 *
 * `ssh -G` costs 5 ms and is right by definition.  It leaves "~" and tokens in IdentityFile and
 * ProxyCommand, prints the default identities even when none is configured, and runs the commands
 * of `Match exec` as ssh itself would.
 */
#include "ssh_config_reader.h"

#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define OUTPUT_LIMIT ((size_t)1 << 20)
#define SSH_TIMEOUT_MS 15000

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

static struct ssh_tokens tokens_of(const struct ssh_config *config)
{
	return (struct ssh_tokens){.typed = config->typed,
		.host = config->host ? config->host : config->typed,
		.user = config->user,
		.alias = config->key_alias ? config->key_alias : config->typed,
		.port = config->port};
}

char *ssh_config_expand(const struct ssh_config *config, const char *text, struct err *err)
{
	struct ssh_tokens tokens = tokens_of(config);

	return ssh_path_expand(&tokens, text, err);
}

/* === `ssh -G` === */

/* What the values of these keys say is expanded already, but by an ssh before 8.4. */
static char *expand_old(const struct ssh_config *config, const char *text, struct err *err)
{
	return *text == '~' ? ssh_config_expand(config, text, err) : xstrdup(text);
}

static int add_files(
	struct ssh_config *config, struct strv *list, const char *text, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	strv_split(&names, text, ' ');
	for (size_t i = 0; i < names.n; i++) {
		char *path;

		if (str_eq(names.v[i], "none"))
			continue;
		path = expand_old(config, names.v[i], err);
		if (!path)
			return -1;
		strv_push_take(list, path);
	}
	return 0;
}

static int add_identity(struct ssh_config *config, const char *text, struct err *err)
{
	char *path;

	if (strcasecmp(text, "none") == 0)
		return 0;
	path = ssh_config_expand(config, text, err);
	if (!path)
		return -1;
	strv_push_take(&config->identities, path);
	return 0;
}

/* What the shell is to run: the shell's own "~" and "$" are left to it. */
static int set_command(struct ssh_config *config, const char *text, struct err *err)
{
	struct ssh_tokens tokens = tokens_of(config);

	set(&config->proxy_command, ssh_tokens_expand(&tokens, text, "hknpr", err));
	return config->proxy_command ? 0 : -1;
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

/* PreferredAuthentications: these and no others, in this order. */
static void prefer(struct ssh_config *config, const char *names)
{
	strv_release(&config->methods);
	strv_split(&config->methods, names, ',');
}

static void allow(struct ssh_config *config, const char *method, const char *value)
{
	if (str_eq(value, "no") || str_eq(value, "false"))
		strv_push(&config->barred, method);
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
	else if (str_eq(key, "bindaddress"))
		set(&config->bind_address, xstrdup(value));
	else if (str_eq(key, "bindinterface"))
		set(&config->bind_interface, xstrdup(value));
	else if (str_eq(key, "addressfamily"))
		config->family = str_eq(value, "inet")    ? AF_INET
				 : str_eq(value, "inet6") ? AF_INET6
							  : AF_UNSPEC;
	else if (str_eq(key, "identitiesonly"))
		config->identities_only = str_eq(value, "yes");
	else if (str_eq(key, "hashknownhosts"))
		config->hash_known_hosts = str_eq(value, "yes");
	else if (str_eq(key, "stricthostkeychecking"))
		config->strict = strict_of(value);
	else if (str_eq(key, "preferredauthentications"))
		prefer(config, value);
	else if (str_eq(key, "pubkeyauthentication"))
		allow(config, "publickey", value);
	else if (str_eq(key, "kbdinteractiveauthentication") ||
		 str_eq(key, "challengeresponseauthentication")) /* before ssh 8.7 */
		allow(config, "keyboard-interactive", value);
	else if (str_eq(key, "passwordauthentication"))
		allow(config, "password", value);
	else if (str_eq(key, "batchmode"))
		config->batch = str_eq(value, "yes");
	else if (str_eq(key, "numberofpasswordprompts"))
		set_int(&config->password_prompts, value);
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
	config->agent = expand_old(config, from, err);
	return config->agent ? 0 : -1;
}

static int set_expanded(
	struct ssh_config *config, const char *key, const char *value, struct err *err)
{
	if (str_eq(key, "identityfile"))
		return add_identity(config, value, err);
	if (str_eq(key, "userknownhostsfile") || str_eq(key, "globalknownhostsfile"))
		return add_files(config, &config->known_hosts, value, err);
	if (str_eq(key, "revokedhostkeys") && !str_eq(value, "none"))
		set(&config->revoked_keys, expand_old(config, value, err));
	if (str_eq(key, "revokedhostkeys") && err->kind)
		return -1;
	if (str_eq(key, "identityagent"))
		return set_agent(config, value, err);
	if (str_eq(key, "proxyjump") && !str_eq(value, "none"))
		set(&config->proxy_jump, xstrdup(value));
	if (str_eq(key, "proxycommand") && !str_eq(value, "none"))
		return set_command(config, value, err);
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
		each_line(config, text, true, "revokedhostkeys", err) < 0 ||
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
	config->password_prompts = 3;
	prefer(config, "publickey,keyboard-interactive,password");
	config->host = xstrdup(config->typed);
	config->user = ssh_local_user();
	config->agent = str_empty(agent) ? NULL : xstrdup(agent);
	config->usual_agent = true;
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
	int rc;

	*config = (struct ssh_config){0};
	if (ssh_via_parse(via, &user, &config->typed, &port, err) < 0)
		return -1;
	set_defaults(config);
	program = proc_find("ssh");
	rc = program ? ask_ssh(config, user, port, &output, err)
		     : ssh_config_builtin(config->typed, user, port, &output, err);
	if (rc < 0 || ssh_config_parse(config, buf_str(&output), err) < 0) {
		ssh_config_release(config);
		return -1;
	}
	if (user)
		set(&config->user, xstrdup(user));
	if (port)
		config->port = port;
	return 0;
}

void ssh_config_jump(struct ssh_config *config, const char *jump)
{
	set(&config->proxy_command, NULL);
	set(&config->proxy_jump, xstrdup(jump));
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
	free(config->revoked_keys);
	free(config->bind_address);
	free(config->bind_interface);
	strv_release(&config->identities);
	strv_release(&config->known_hosts);
	strv_release(&config->methods);
	strv_release(&config->barred);
	*config = (struct ssh_config){0};
}
