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
	/* With "no" ssh takes a changed key, too, but forwards nothing then. */
	if (str_eq(value, "accept-new") || str_eq(value, "no") || str_eq(value, "false"))
		return SSH_STRICT_ACCEPT_NEW;
	return SSH_STRICT_ASK;
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

static bool is_yes(const char *value)
{
	return str_eq(value, "yes") || str_eq(value, "true");
}

static void set_algorithms(struct ssh_config *config, const char *key, const char *value)
{
	int list = ssh_algorithms_find(key);

	if (list >= 0 && !ssh_algorithms_usual((enum ssh_algorithms)list, value))
		set(&config->algorithms[list], xstrdup(value));
}

/* What matters to a tunnel, and libssh2 cannot do. */
static const struct {
	const char *key, *usual, *keyword;
} beyond[] = {
	{"certificatefile", NULL, "CertificateFile"},
	{"checkhostip", "no", "CheckHostIP"},
	{"hostbasedauthentication", "no", "HostbasedAuthentication"},
	{"kbdinteractivedevices", NULL, "KbdInteractiveDevices"},
	{"knownhostscommand", NULL, "KnownHostsCommand"},
	{"pkcs11provider", NULL, "PKCS11Provider"},
	{"proxyusefdpass", "no", "ProxyUseFdpass"},
	{"rekeylimit", "0 0", "RekeyLimit"},
	{"verifyhostkeydns", "false", "VerifyHostKeyDNS"},
};

static void note_unheeded(struct ssh_config *config, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(beyond); i++)
		if (str_eq(key, beyond[i].key) && !str_eq(value, beyond[i].usual))
			strv_pushf(&config->unheeded, "%s %s", beyond[i].keyword, value);
}

struct field {
	const char *key;
	size_t at; /* in struct ssh_config */
};

static const struct field flags[] = {
	{"batchmode", offsetof(struct ssh_config, batch)},
	{"compression", offsetof(struct ssh_config, compression)},
	{"gssapiauthentication", offsetof(struct ssh_config, gssapi)},
	{"hashknownhosts", offsetof(struct ssh_config, hash_known_hosts)},
	{"identitiesonly", offsetof(struct ssh_config, identities_only)},
	{"nohostauthenticationforlocalhost", offsetof(struct ssh_config, trust_loopback)},
};

static const struct field numbers[] = {
	{"connectionattempts", offsetof(struct ssh_config, connect_attempts)},
	{"connecttimeout", offsetof(struct ssh_config, connect_timeout)},
	{"numberofpasswordprompts", offsetof(struct ssh_config, password_prompts)},
	{"requiredrsasize", offsetof(struct ssh_config, rsa_bits)},
	{"serveralivecountmax", offsetof(struct ssh_config, alive_count)},
	{"serveraliveinterval", offsetof(struct ssh_config, alive_interval)},
};

static const struct field texts[] = {
	{"bindaddress", offsetof(struct ssh_config, bind_address)},
	{"bindinterface", offsetof(struct ssh_config, bind_interface)},
	{"hostkeyalias", offsetof(struct ssh_config, key_alias)},
	{"hostname", offsetof(struct ssh_config, host)},
	{"user", offsetof(struct ssh_config, user)},
};

static void set_fields(struct ssh_config *config, const char *key, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (str_eq(key, flags[i].key))
			*(bool *)((char *)config + flags[i].at) = is_yes(value);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (str_eq(key, numbers[i].key))
			set_int((int *)(void *)((char *)config + numbers[i].at), value);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_eq(key, texts[i].key))
			set((char **)(void *)((char *)config + texts[i].at), xstrdup(value));
}

/* Values that others' tokens need, and those that need none. */
static void set_plain(struct ssh_config *config, const char *key, const char *value)
{
	set_fields(config, key, value);
	set_algorithms(config, key, value);
	note_unheeded(config, key, value);
	if (str_eq(key, "port"))
		parse_port(value, &config->port);
	else if (str_eq(key, "addressfamily"))
		config->family = str_eq(value, "inet")    ? AF_INET
				 : str_eq(value, "inet6") ? AF_INET6
							  : AF_UNSPEC;
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
	config->connect_attempts = 1;
	config->rsa_bits = 1024;
	prefer(config, "publickey,keyboard-interactive,password");
	config->host = xstrdup(config->typed);
	config->user = ssh_local_user();
	config->agent = str_empty(agent) ? NULL : xstrdup(agent);
	config->usual_agent = true;
}

/* What ssh makes of a file (NULL: of the usual ones) for a host. */
static int ask_ssh(const struct ssh_config *config, const char *file, const char *user,
	uint16_t port, struct buf *output, struct err *err)
{
	autobuf struct buf errors = BUF_INIT(65536);
	autofree char *port_text = xasprintf("%u", port);
	const char *argv[16];
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

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncasecmp(text, line, len) == 0 && (!text[len] || text[len] == '\n'))
			return true;
	}
	return false;
}

/* What another ssh than 9.2 has by default looks as if somebody had set it. */
static void forget_defaults(struct ssh_config *config, const char *defaults)
{
	struct strv unheeded = config->unheeded;

	config->unheeded = STRV_INIT;
	for (size_t i = 0; i < unheeded.n; i++)
		if (!has_line(defaults, unheeded.v[i]))
			strv_push(&config->unheeded, unheeded.v[i]);
	strv_release(&unheeded);
	for (int i = 0; i < SSH_ALGORITHMS; i++) {
		autofree char *line = xasprintf("%s %s", ssh_algorithms_keyword(i),
			config->algorithms[i] ? config->algorithms[i] : "");

		if (has_line(defaults, line))
			set(&config->algorithms[i], NULL);
	}
}

static int resolve_by_ssh(
	struct ssh_config *config, const char *user, uint16_t port, struct err *err)
{
	autobuf struct buf output = BUF_INIT(OUTPUT_LIMIT), defaults = BUF_INIT(OUTPUT_LIMIT);
	bool unusual;

	if (ask_ssh(config, getenv("DEVENV_SSH_CONFIG"), user, port, &output, err) < 0 ||
		ssh_config_parse(config, buf_str(&output), err) < 0)
		return -1;
	unusual = config->unheeded.n > 0;
	for (int i = 0; i < SSH_ALGORITHMS; i++)
		unusual |= config->algorithms[i] != NULL;
	if (!unusual)
		return 0;
	if (ask_ssh(config, "none", NULL, 0, &defaults, err) < 0)
		return -1;
	forget_defaults(config, buf_str(&defaults));
	return 0;
}

static int resolve_here(struct ssh_config *config, const char *user, uint16_t port, struct err *err)
{
	autobuf struct buf output = BUF_INIT(OUTPUT_LIMIT);

	if (ssh_config_builtin(config->typed, user, port, &output, err) < 0)
		return -1;
	return ssh_config_parse(config, buf_str(&output), err);
}

int ssh_config_resolve(const char *via, struct ssh_config *config, struct err *err)
{
	autofree char *user = NULL, *program = NULL;
	uint16_t port = 0;
	int rc;

	*config = (struct ssh_config){0};
	if (ssh_via_parse(via, &user, &config->typed, &port, err) < 0)
		return -1;
	set_defaults(config);
	program = proc_find("ssh");
	rc = program ? resolve_by_ssh(config, user, port, err)
		     : resolve_here(config, user, port, err);
	if (rc < 0) {
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
	for (int i = 0; i < SSH_ALGORITHMS; i++)
		free(config->algorithms[i]);
	strv_release(&config->unheeded);
	strv_release(&config->identities);
	strv_release(&config->known_hosts);
	strv_release(&config->methods);
	strv_release(&config->barred);
	*config = (struct ssh_config){0};
}
