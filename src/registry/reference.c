/*
 * reference.c - what a reference to a store means.
 *
 * Registries as docker's reference package reads them (distribution/reference), folders as skopeo's
 * "oci:" transport: the name begins at the first colon, so that it may have colons of its own.
 */
#include "store_priv.h"

#include "devenv/credential.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define REFERENCE_MAX 1024
#define NAME_MAX_LEN 255
#define TAG_MAX 128
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

void reference_release(struct reference *place)
{
	free(place->host);
	free(place->path);
	free(place->scheme);
	free(place->tag);
	free(place->digest);
	free(place->shown);
	*place = (struct reference){0};
}

bool store_is_digest(const char *text)
{
	return str_starts(text, "sha256:") && strlen(text) == STORE_DIGEST - 1 &&
	       strspn(text + strlen("sha256:"), "0123456789abcdef") == 64;
}

/* distribution-spec, "Pulling manifests". */
bool is_tag(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= TAG_MAX && *text != '.' && *text != '-' &&
	       strspn(text, LOWER UPPER "._-") == len;
}

bool is_layout_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= NAME_MAX_LEN && strspn(text, LOWER UPPER "._-:@+/") == len &&
	       strchr(LOWER UPPER, text[0]) && strchr(LOWER UPPER, text[len - 1]);
}

/* Components of lower case, digits and separators, none at an end (distribution-spec, <name>). */
static bool is_repository(const char *text)
{
	size_t len = strlen(text);

	if (!len || strspn(text, LOWER "._-/") != len || strstr(text, ".."))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i + 1 == len || text[i - 1] == '/' || text[i + 1] == '/';

		if (edge && text[i] != '/' && !strchr(LOWER, text[i]))
			return false;
		if (edge && text[i] == '/' && (i == 0 || i + 1 == len || text[i + 1] == '/'))
			return false;
	}
	return true;
}

static bool is_host(const char *text)
{
	return *text && strspn(text, LOWER UPPER ".-:[]_") == strlen(text);
}

/* Cut "@sha256:..." off the end of `text`. */
static int take_digest(char *text, struct reference *place, struct err *err)
{
	char *at = strrchr(text, '@');

	if (!at || strchr(at, '/'))
		return 0;
	if (!store_is_digest(at + 1))
		return err_set(
			err, ERR_USAGE, "\"%s\" is no digest: sha256: and 64 hex digits", at + 1);
	place->digest = xstrdup(at + 1);
	*at = '\0';
	return 0;
}

/* === registries === */

static int parse_registry(const char *reference, struct reference *place, struct err *err)
{
	autofree char *text = xstrdup(reference);
	char *rest = text, *slash, *colon;

	place->kind = PLACE_REGISTRY;
	if (take_digest(text, place, err) < 0)
		return -1;
	place->host = credential_registry(text);
	slash = strchr(text, '/');
	if (slash &&
		(strcspn(text, ".:") < (size_t)(slash - text) || str_starts(text, "localhost/")))
		rest = slash + 1;
	colon = strrchr(rest, ':');
	if (colon) {
		*colon = '\0';
		if (!is_tag(colon + 1))
			return err_set(err, ERR_USAGE, "\"%s\" is no tag", colon + 1);
		place->tag = xstrdup(colon + 1);
	}
	if (!is_host(place->host) || !is_repository(rest) ||
		strlen(place->host) + strlen(rest) > NAME_MAX_LEN)
		return err_set(err, ERR_USAGE,
			"\"%s\" is no repository of a registry: registry/name:tag, in lower case",
			rest);
	place->path = str_eq(place->host, "docker.io") && !strchr(rest, '/')
			      ? xasprintf("library/%s", rest)
			      : xstrdup(rest);
	place->shown = xasprintf("%s/%s", place->host, place->path);
	return 0;
}

/* === layouts === */

/* Cut the name off: all behind the first colon. */
static int take_name(char *text, struct reference *place, struct err *err)
{
	char *colon;

	if (take_digest(text, place, err) < 0)
		return -1;
	colon = strchr(text, ':');
	if (!colon)
		return 0;
	if (!is_layout_name(colon + 1))
		return err_set(err, ERR_USAGE, "\"%s\" is no name for a manifest", colon + 1);
	place->tag = xstrdup(colon + 1);
	*colon = '\0';
	return 0;
}

static int parse_layout(const char *rest, struct reference *place, struct err *err)
{
	autofree char *text = xstrdup(rest), *home = NULL;

	place->kind = PLACE_LAYOUT;
	if (take_name(text, place, err) < 0)
		return -1;
	if (!*text)
		return err_set(err, ERR_USAGE, "no folder is named: oci:/folder:name");
	home = path_expand_home(text);
	place->path = path_absolute(NULL, home);
	place->shown = xasprintf("oci:%s", place->path);
	return 0;
}

/* HOST/PATH:NAME, without slashes around the path. */
static int parse_host_path(const char *rest, struct reference *place, struct err *err)
{
	size_t host = strcspn(rest, "/");
	autofree char *text = NULL;
	char *path;
	size_t len;

	place->host = xstrndup(rest, host);
	text = xstrdup(rest + host);
	if (!is_host(place->host))
		return err_set(err, ERR_USAGE, "\"%s\" is no host", place->host);
	if (take_name(text, place, err) < 0)
		return -1;
	path = text + strspn(text, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	place->path = xstrndup(path, len);
	return 0;
}

static int parse_web(const char *scheme, const char *rest, struct reference *place, struct err *err)
{
	place->kind = PLACE_WEB;
	place->scheme = xstrdup(scheme);
	if (strpbrk(rest, "?#"))
		return err_set(err, ERR_USAGE, "a layout's address has no \"?\" and no \"#\"");
	if (parse_host_path(rest, place, err) < 0)
		return -1;
	if (str_eq(scheme, "http") && !http_is_local(place->host))
		return err_set(err, ERR_USAGE,
			"write oci+https: without TLS only this machine "
			"itself is read from");
	place->shown = xasprintf("oci+%s://%s/%s", scheme, place->host, place->path);
	return 0;
}

static int parse_s3(const char *rest, struct reference *place, struct err *err)
{
	autofree char *text = xstrdup(rest);
	char *colon;

	place->kind = PLACE_S3;
	/* No port here: the first colon begins the name also without a prefix. */
	colon = strchr(text, ':');
	if (colon && !memchr(text, '/', (size_t)(colon - text))) {
		autofree char *with = xasprintf("%.*s/%s", (int)(colon - text), text, colon);

		if (parse_host_path(with, place, err) < 0)
			return -1;
	} else if (parse_host_path(text, place, err) < 0) {
		return -1;
	}
	place->shown = *place->path ? xasprintf("s3://%s/%s", place->host, place->path)
				    : xasprintf("s3://%s", place->host);
	return 0;
}

/* === all === */

static int parse(const char *text, struct reference *place, struct err *err)
{
	if (strlen(text) > REFERENCE_MAX)
		return err_set(err, ERR_USAGE, "it has over %d characters", REFERENCE_MAX);
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return err_set(err, ERR_USAGE, "it has control characters");
	if (str_starts(text, "oci:"))
		return parse_layout(text + strlen("oci:"), place, err);
	if (str_starts(text, "oci+https://"))
		return parse_web("https", text + strlen("oci+https://"), place, err);
	if (str_starts(text, "oci+http://"))
		return parse_web("http", text + strlen("oci+http://"), place, err);
	if (str_starts(text, "s3://"))
		return parse_s3(text + strlen("s3://"), place, err);
	if (str_starts(text, "docker://"))
		return parse_registry(text + strlen("docker://"), place, err);
	if (strstr(text, "://"))
		return err_set(err, ERR_USAGE,
			"%.*s is not known; there are: registry/name:tag, "
			"oci:/folder:name, oci+https://host/path:name, "
			"s3://bucket/prefix:name",
			(int)(strstr(text, "://") - text), text);
	if (*text == '/' || *text == '.' || *text == '~')
		return err_set(err, ERR_USAGE, "a folder is written oci:%s", text);
	return parse_registry(text, place, err);
}

int reference_parse(const char *reference, struct reference *place, struct err *err)
{
	*place = (struct reference){0};
	if (parse(reference, place, err) == 0)
		return 0;
	reference_release(place);
	return err_wrap(err, "store \"%.200s\"", reference);
}
