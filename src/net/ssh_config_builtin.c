/*
 * ssh_config_builtin.c - what `ssh -G` prints, where there is no ssh to ask.
 *
 * The order is that of main() in OpenSSH's ssh.c: read the files, settle the host's name, and when
 * that or a `Match final` asks for it read them again with the new name; then the defaults.
 */
#include "ssh_config_reader.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define SYSTEM_CONFIG "/etc/ssh/ssh_config"

/* === reading === */

static int read_files(struct ssh_settings *settings, struct err *err)
{
	const char *file = getenv("DEVENV_SSH_CONFIG");
	autofree char *own = xasprintf("%s/.ssh/config", settings->home);
	int rc;

	settings->files = 0;
	if (str_empty(file))
		return ssh_config_read(settings, own, true, true, err) < 0 ||
				       ssh_config_read(settings, SYSTEM_CONFIG, false, false, err) <
					       0
			       ? -1
			       : 0;
	if (strcasecmp(file, "none") == 0)
		return 0;
	rc = ssh_config_read(settings, file, true, false, err);
	if (rc == 0)
		return err_set(
			err, ERR_TUNNEL, "cannot open %s, which DEVENV_SSH_CONFIG names", file);
	return rc < 0 ? -1 : 0;
}

/* === names === */

static bool is_set(const struct ssh_settings *settings, const char *name, const char *value)
{
	const char *set = ssh_setting(settings, name);

	return set && strcasecmp(set, value) == 0;
}

/* Nothing else makes the connection. */
static bool is_direct(const struct ssh_settings *settings)
{
	const char *command = ssh_setting(settings, "proxycommand");

	return !ssh_setting(settings, "proxyjump") &&
	       (!command || strcasecmp(command, "none") == 0);
}

static bool may_canonicalize(const struct ssh_settings *settings)
{
	return is_set(settings, "canonicalizehostname", "always") ||
	       (is_set(settings, "canonicalizehostname", "true") && is_direct(settings));
}

static struct addrinfo *look_up(const struct ssh_settings *settings, const char *name, int flags)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;

	if (is_set(settings, "addressfamily", "inet"))
		hints.ai_family = AF_INET;
	if (is_set(settings, "addressfamily", "inet6"))
		hints.ai_family = AF_INET6;
	return getaddrinfo(name, NULL, &hints, &list) == 0 ? list : NULL;
}

/* An address as it is usually written: "127.1" is 127.0.0.1. NULL: `name` is none. */
static char *address_of(const struct ssh_settings *settings, const char *name)
{
	struct addrinfo *list = look_up(settings, name, AI_NUMERICHOST);
	char text[NI_MAXHOST];
	bool known = list && !list->ai_next &&
		     getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof(text), NULL, 0,
			     NI_NUMERICHOST) == 0;

	if (list)
		freeaddrinfo(list);
	return known ? xstrdup(text) : NULL;
}

static bool looks_like_address(const char *name)
{
	return strchr(name, '%') || strchr(name, ':') ||
	       strspn(name, "0123456789.") == strlen(name);
}

/* Does the name exist? *alias gets what it is an alias of, or NULL. */
static bool resolves(const struct ssh_settings *settings, const char *name, char **alias)
{
	struct addrinfo *list = look_up(settings, name, AI_CANONNAME);
	const char *canonical = list ? list->ai_canonname : NULL;

	*alias = canonical && ssh_domain_valid(canonical)
			 ? xstrndup(canonical, strlen(canonical) - str_ends(canonical, "."))
			 : NULL;
	if (list)
		freeaddrinfo(list);
	return list != NULL;
}

/* CanonicalizePermittedCNAMEs: an alias may stand in the place of *host. */
static void follow_alias(const struct ssh_settings *settings, char **host, const char *alias)
{
	const struct strv *rules = ssh_setting_list(settings, "canonicalizepermittedcnames");

	if (!alias || str_eq(alias, *host) || !may_canonicalize(settings))
		return;
	for (size_t i = 0; i < rules->n; i++) {
		const char *colon = strchr(rules->v[i], ':');
		autofree char *from = xstrndup(rules->v[i], strcspn(rules->v[i], ":"));

		if (strcasecmp(from, "none") == 0 || !ssh_pattern_list_matches(from, *host, true) ||
			!ssh_pattern_list_matches(colon ? colon + 1 : from, alias, true))
			continue;
		free(*host);
		*host = xstrdup(alias);
		return;
	}
}

static void set_host(struct ssh_settings *settings, char *host)
{
	free(settings->host);
	settings->host = host;
}

/* "NAME." exists: NAME, or its alias, becomes the host. */
static bool take_if_resolves(struct ssh_settings *settings, const char *full)
{
	autofree char *alias = NULL, *name = NULL;

	if (!resolves(settings, full, &alias))
		return false;
	name = xstrndup(full, strlen(full) - 1);
	follow_alias(settings, &name, alias);
	set_host(settings, TAKE(name));
	return true;
}

static size_t count_dots(const char *name)
{
	size_t n = 0;

	for (; *name; name++)
		n += *name == '.';
	return n;
}

/* CanonicalizeHostname. 1 when the name was found, 0 when it stays what it is, -1 with err. */
static int canonicalize(struct ssh_settings *settings, struct err *err)
{
	const struct strv *domains = ssh_setting_list(settings, "canonicaldomains");
	const char *dots = ssh_setting(settings, "canonicalizemaxdots");
	uint64_t most = 1;

	if (!may_canonicalize(settings))
		return 0;
	if (dots)
		parse_u64(dots, 0, UINT64_MAX, &most);
	if (str_ends(settings->host, ".")) {
		if (take_if_resolves(settings, settings->host))
			return 1;
	} else if (count_dots(settings->host) > most) {
		return 0;
	}
	for (size_t i = 0; i < domains->n && !str_ends(settings->host, "."); i++) {
		autofree char *full = xasprintf("%s.%s.", settings->host, domains->v[i]);

		if (strcasecmp(domains->v[i], "none") == 0)
			break;
		if (take_if_resolves(settings, full))
			return 1;
	}
	if (is_set(settings, "canonicalizefallbacklocal", "no"))
		return err_set(err, ERR_TUNNEL,
			"the host \"%s\" is in none of the domains of CanonicalDomains",
			settings->host);
	return 0;
}

/* The rules for aliases hold also where nothing was made canonical. */
static int follow_bare(struct ssh_settings *settings, struct err *err)
{
	const struct strv *rules = ssh_setting_list(settings, "canonicalizepermittedcnames");
	autofree char *alias = NULL;

	if (!rules->n || strcasecmp(rules->v[0], "none") == 0)
		return 0;
	if (!is_direct(settings) && !is_set(settings, "canonicalizehostname", "always"))
		return 0;
	if (resolves(settings, settings->host, &alias))
		follow_alias(settings, &settings->host, alias);
	else if (is_direct(settings))
		return err_set(
			err, ERR_TUNNEL, "the name \"%s\" cannot be resolved", settings->host);
	return 0;
}

/* HostName, in small letters or as an address, and made canonical. */
static int settle_host(struct ssh_settings *settings, struct err *err)
{
	struct ssh_tokens tokens = {.host = settings->host};
	const char *name = ssh_setting(settings, "hostname");
	autofree char *address = NULL;
	int found = 0;

	if (name) {
		char *expanded = ssh_tokens_expand(&tokens, name, "h", err);

		if (!expanded)
			return -1;
		set_host(settings, expanded);
		ssh_setting_put(settings, "hostname", expanded);
	}
	address = address_of(settings, settings->host);
	if (address) {
		if (strcasecmp(address, settings->host) != 0)
			set_host(settings, TAKE(address));
		return 0;
	}
	if (!looks_like_address(settings->host)) {
		ssh_lower(settings->host);
		found = canonicalize(settings, err);
	}
	return found ? (found < 0 ? -1 : 0) : follow_bare(settings, err);
}

static int read_all(struct ssh_settings *settings, struct err *err)
{
	const char *canonical;

	if (read_files(settings, err) < 0 || settle_host(settings, err) < 0)
		return -1;
	canonical = ssh_setting(settings, "canonicalizehostname");
	if (!settings->wants_final && (!canonical || str_eq(canonical, "false")))
		return 0;
	settings->final = true;
	ssh_setting_put(settings, "hostname", settings->host);
	return read_files(settings, err);
}

/* === defaults === */

static void clear_none(struct ssh_settings *settings, const char *name)
{
	if (is_set(settings, name, "none"))
		ssh_setting_put(settings, name, NULL);
}

/* A host that is to be reached through itself. */
static int check_loop(const struct ssh_settings *settings, struct err *err)
{
	const char *jump = ssh_setting(settings, "proxyjump"), *last;
	const char *user = ssh_setting(settings, "user"), *port = ssh_setting(settings, "port");
	struct ssh_hop hop;
	uint16_t number = 22;
	bool same;

	if (!jump)
		return 0;
	last = strrchr(jump, ',');
	if (!ssh_hop_parse(last ? last + 1 : jump, &hop))
		return err_set(err, ERR_TUNNEL, "\"%s\" is no ProxyJump", jump);
	if (port)
		parse_port(port, &number);
	same = str_eq(hop.host, settings->host) && (hop.port ? hop.port : 22) == number &&
	       str_eq(hop.user ? hop.user : user, user);
	ssh_hop_release(&hop);
	return same ? err_set(err, ERR_TUNNEL, "ProxyJump of %s leads through %s itself",
			      settings->typed, settings->host)
		    : 0;
}

static int expand_list(const struct ssh_tokens *tokens, struct strv *list, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char *path;

		if (strcasecmp(list->v[i], "none") == 0)
			continue;
		path = ssh_path_expand(tokens, list->v[i], err);
		if (!path)
			return -1;
		free(list->v[i]);
		list->v[i] = path;
	}
	return 0;
}

static int expand_paths(struct ssh_settings *settings, struct err *err)
{
	const char *alias = ssh_setting(settings, "hostkeyalias");
	const char *port = ssh_setting(settings, "port");
	struct ssh_tokens tokens = {.typed = settings->typed,
		.host = settings->host,
		.user = ssh_setting(settings, "user"),
		.alias = alias ? alias : settings->typed,
		.port = 22};
	struct strv *known = ssh_setting_list(settings, "userknownhostsfile");

	if (port)
		parse_port(port, &tokens.port);
	if (!known->n) {
		strv_push(known, "~/.ssh/known_hosts");
		strv_push(known, "~/.ssh/known_hosts2");
	}
	return expand_list(&tokens, known, err) < 0 ||
			       expand_list(&tokens, ssh_setting_list(settings, "identityagent"),
				       err) < 0
		       ? -1
		       : 0;
}

static void expand_algorithms(struct ssh_settings *settings)
{
	for (int i = 0; i < SSH_ALGORITHMS; i++) {
		autofree char *key = xstrdup(ssh_algorithms_keyword(i)), *names = NULL;
		const char *set;

		ssh_lower(key);
		set = ssh_setting(settings, key);
		if (!set)
			continue;
		names = ssh_algorithms_expand(i, set);
		ssh_setting_put(settings, key, names);
	}
}

static int fill_in(struct ssh_settings *settings, struct err *err)
{
	struct strv *alias = ssh_setting_list(settings, "hostkeyalias");
	struct strv *rekey = ssh_setting_list(settings, "rekeylimit");

	if (rekey->n == 1)
		strv_push(rekey, "0");
	ssh_setting_put(settings, "host", settings->typed);
	ssh_setting_put(settings, "hostname", settings->host);
	if (!ssh_setting(settings, "user"))
		ssh_setting_put(settings, "user", settings->user);
	clear_none(settings, "proxycommand");
	clear_none(settings, "proxyjump");
	clear_none(settings, "knownhostscommand");
	clear_none(settings, "pkcs11provider");
	expand_algorithms(settings);
	if (alias->n)
		ssh_lower(alias->v[0]);
	if (is_set(settings, "connectionattempts", "0"))
		return err_set(err, ERR_TUNNEL, "ConnectionAttempts cannot be 0");
	return check_loop(settings, err) < 0 || expand_paths(settings, err) < 0 ? -1 : 0;
}

/* === what comes from the command line === */

static bool has_control_or(const char *text, const char *forbidden)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text) || strchr(forbidden, *text))
			return true;
	return false;
}

/* Names from outside end up in commands (%h, %r): nothing that a shell could take for its own. */
static int check_names(const char *host, const char *user, struct err *err)
{
	if (*host == '-' || has_control_or(host, " '`\"$\\;&<>|(){},"))
		return err_set(err, ERR_TUNNEL, "\"%s\" is no host's name", host);
	if (user && (*user == '-' || has_control_or(user, "'`\";&<>|(){}") || strstr(user, " -") ||
			    str_ends(user, "\\")))
		return err_set(err, ERR_TUNNEL, "\"%s\" is no user's name", user);
	return 0;
}

int ssh_config_builtin(
	const char *host, const char *user, uint16_t port, struct buf *out, struct err *err)
{
	struct ssh_settings settings;
	int rc;

	if (check_names(host, user, err) < 0)
		return -1;
	ssh_settings_init(&settings, host);
	ssh_setting_put(&settings, "requesttty", "false");
	ssh_setting_put(&settings, "user", user);
	if (port) {
		autofree char *text = xasprintf("%u", port);

		ssh_setting_put(&settings, "port", text);
	}
	rc = read_all(&settings, err);
	if (rc == 0)
		rc = fill_in(&settings, err);
	if (rc == 0)
		ssh_settings_print(&settings, out);
	ssh_settings_release(&settings);
	return rc;
}
