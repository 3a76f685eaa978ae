/*
 * ssh_jump.c - ProxyJump: what it names, and the program that leads there.
 *
 * ProxyJump "a,b" means: reach b through a, then the host through b, each hop with its own settings
 * of the ssh configuration.  `ssh -W` does that; where no ssh is installed `devenv __hop` does.
 */
#include "ssh_config_reader.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* === one hop === */

/* "%41nn" and "+" of a URI's user name. NULL: not so, or a NUL. */
static char *uri_decode(const char *text)
{
	struct buf out = BUF_INIT(0);

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (*text == '%') {
			autofree char *digits = xstrndup(text + 1, 2);

			if (!hex_decode(digits, &byte, 1) || !byte) {
				buf_release(&out);
				return NULL;
			}
			text += 2;
		}
		buf_addch(&out, *text == '+' ? ' ' : (char)byte);
	}
	return buf_detach(&out);
}

/* "HOST", "HOST:PORT", "[HOST]:PORT"; of a URI also with an empty path after it. Cuts `text`. */
static bool parse_host(char *text, bool uri, struct ssh_hop *hop)
{
	char *host = text, *rest, *slash;
	char mark;

	if (*text == '[') {
		rest = strchr(text, ']');
		if (!rest)
			return false;
		host++;
		*rest++ = '\0';
		if (*rest && *rest != ':' && *rest != '/')
			return false;
	} else {
		rest = text + strcspn(text, ":/");
	}
	mark = *rest;
	if (mark == '/' && !uri)
		return false;
	if (mark)
		*rest++ = '\0';
	slash = uri && mark == ':' ? strchr(rest, '/') : NULL;
	if (slash)
		*slash++ = '\0';
	if (uri && (!ssh_domain_valid(host) || !str_empty(mark == '/' ? rest : slash)))
		return false;
	if (*host)
		hop->host = xstrndup(host, strlen(host) - (uri && str_ends(host, ".")));
	if (!mark || mark == '/' || (!*rest && !slash))
		return *host;
	return *host && ssh_port_parse(rest, &hop->port);
}

bool ssh_hop_parse(const char *text, struct ssh_hop *hop)
{
	bool uri = str_starts(text, "ssh://");
	autofree char *copy = xstrdup(uri ? text + strlen("ssh://") : text);
	char *at = uri ? strchr(copy, '@') : strrchr(copy, '@');

	*hop = (struct ssh_hop){0};
	if (at) {
		*at++ = '\0';
		if (uri)
			copy[strcspn(copy, ";")] = '\0'; /* parameters of the connection */
		if (*copy)
			hop->user = uri ? uri_decode(copy) : xstrdup(copy);
	}
	if ((!at || hop->user) && parse_host(at ? at : copy, uri, hop))
		return true;
	ssh_hop_release(hop);
	return false;
}

void ssh_hop_release(struct ssh_hop *hop)
{
	free(hop->user);
	free(hop->host);
	*hop = (struct ssh_hop){0};
}

/* Brackets keep an address apart from its port. */
static void add_hop(struct buf *out, const struct ssh_hop *hop)
{
	bool address = strchr(hop->host, ':') ||
		       strspn(hop->host, "0123456789.") == strlen(hop->host);

	if (hop->user)
		buf_addf(out, "%s@", hop->user);
	buf_addf(out, address ? "[%s]" : "%s", hop->host);
	if (hop->port)
		buf_addf(out, ":%u", hop->port);
}

char *ssh_jump_normal(const char *list)
{
	struct buf out = BUF_INIT(0);
	const char *last = strrchr(list, ',');
	bool good = true;

	if (last)
		buf_add(&out, list, (size_t)(last + 1 - list));
	while (good) {
		size_t len = strcspn(list, ",");
		autofree char *text = xstrndup(list, len);
		struct ssh_hop hop;

		good = ssh_hop_parse(text, &hop);
		if (good && !list[len])
			add_hop(&out, &hop);
		ssh_hop_release(&hop);
		if (!list[len])
			break;
		list += len + 1;
	}
	if (good)
		return buf_detach(&out);
	buf_release(&out);
	return NULL;
}

/* === the way there === */

static void ssh_argv(const struct ssh_config *config, const struct ssh_hop *hop, const char *before,
	struct strv *argv)
{
	const char *file = getenv("DEVENV_SSH_CONFIG");

	strv_push(argv, "ssh");
	if (!str_empty(file)) {
		strv_push(argv, "-F");
		strv_push(argv, file);
	}
	if (before) {
		strv_push(argv, "-J");
		strv_push(argv, before);
	}
	if (hop->user) {
		strv_push(argv, "-l");
		strv_push(argv, hop->user);
	}
	if (hop->port) {
		strv_push(argv, "-p");
		strv_pushf(argv, "%u", hop->port);
	}
	strv_push(argv, "-W");
	strv_pushf(argv, "[%s]:%u", config->host, config->port);
	strv_push(argv, "--");
	strv_push(argv, hop->host);
}

static void own_argv(const struct ssh_config *config, const struct ssh_hop *hop, const char *before,
	struct strv *argv)
{
	autofree char *self = proc_self();
	autobuf struct buf via = BUF_INIT(0);

	add_hop(&via, hop);
	strv_push(argv, self);
	strv_push(argv, "__hop");
	strv_push(argv, "--");
	strv_push(argv, buf_str(&via));
	strv_push(argv, config->host);
	strv_pushf(argv, "%u", config->port);
	if (before)
		strv_push(argv, before);
}

int ssh_jump_argv(const struct ssh_config *config, struct strv *argv, struct err *err)
{
	const char *last = strrchr(config->proxy_jump, ',');
	size_t len = last ? (size_t)(last - config->proxy_jump) : 0;
	autofree char *before = last ? xstrndup(config->proxy_jump, len) : NULL;
	autofree char *program = proc_find("ssh");
	struct ssh_hop hop;

	if (!ssh_hop_parse(last ? last + 1 : config->proxy_jump, &hop))
		return err_set(
			err, ERR_TUNNEL, "ssh config: \"%s\" is no ProxyJump", config->proxy_jump);
	if (program)
		ssh_argv(config, &hop, before, argv);
	else
		own_argv(config, &hop, before, argv);
	ssh_hop_release(&hop);
	return 0;
}
