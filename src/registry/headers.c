/*
 * headers.c - the few header values that carry a structure: Link, Content-Range, Range,
 * Retry-After, Location.
 */
#include "store_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define RETRY_MAX_S 3600

/* === Link === */

/* Do the parameters (";rel="next"; title=...") up to the next link say rel=next? */
static bool says_next(const char *parameters, size_t len)
{
	autofree char *text = xstrndup(parameters, len);
	const char *rel = strcasestr(text, "rel=");

	if (!rel)
		return false;
	rel += strlen("rel=");
	rel += *rel == '"';
	return strncasecmp(rel, "next", 4) == 0 && (!rel[4] || strchr("\"; \t", rel[4]));
}

char *link_next(const char *header)
{
	const char *open, *close, *end;

	for (; header && (open = strchr(header, '<')); header = end) {
		close = strchr(open, '>');
		if (!close)
			return NULL;
		end = strchr(close, '<');
		if (says_next(close + 1, end ? (size_t)(end - close - 1) : strlen(close + 1)))
			return xstrndup(open + 1, (size_t)(close - open - 1));
	}
	return NULL;
}

/* === ranges === */

bool content_range(const char *header, uint64_t *first)
{
	autofree char *number = NULL;
	const char *dash;

	if (!header || strncasecmp(header, "bytes ", 6) != 0)
		return false;
	header += 6;
	dash = strchr(header, '-');
	number = dash ? xstrndup(header, (size_t)(dash - header)) : NULL;
	return number && parse_u64(number, 0, UINT64_MAX, first);
}

bool upload_range(const char *header, uint64_t *there)
{
	uint64_t last;

	if (!header)
		return false;
	if (strncasecmp(header, "bytes=", 6) == 0)
		header += 6;
	if (!str_starts(header, "0-") || !parse_u64(header + 2, 0, UINT64_MAX - 1, &last))
		return false;
	*there = last + 1;
	return true;
}

/* === Retry-After === */

int64_t retry_after(const char *header, int64_t wall)
{
	struct tm tm = {0};
	uint64_t seconds;
	int64_t left;

	if (!header)
		return -1;
	if (parse_u64(header, 0, RETRY_MAX_S, &seconds))
		return (int64_t)seconds * 1000;
	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
	if (!strptime(header, "%a, %d %b %Y %H:%M:%S", &tm))
		return -1;
	left = (int64_t)timegm(&tm) - wall;
	if (left > RETRY_MAX_S)
		return -1;
	return left < 0 ? 0 : left * 1000;
}

/* === Location === */

/* The length of "scheme://host:port"; 0 when the URL has none. */
static size_t origin_length(const char *url)
{
	const char *rest = strstr(url, "://");

	return rest ? (size_t)(rest + 3 - url) + strcspn(rest + 3, "/?#") : 0;
}

bool url_same_origin(const char *a, const char *b)
{
	size_t len = origin_length(a);

	return len && len == origin_length(b) && strncasecmp(a, b, len) == 0;
}

char *url_resolve(const char *base, const char *location)
{
	size_t origin = origin_length(base), path = strcspn(base, "?#");
	const char *scheme = strstr(location, "://");

	if (scheme && strcspn(location, "/?#") > (size_t)(scheme - location))
		return xstrdup(location);
	if (str_starts(location, "//"))
		return xasprintf("%.*s%s", (int)strcspn(base, "/"), base, location);
	if (*location == '/')
		return xasprintf("%.*s%s", (int)origin, base, location);
	while (path > origin && base[path - 1] != '/')
		path--;
	return xasprintf("%.*s%s%s", (int)path, base, path == origin ? "/" : "", location);
}
