/* ignore.c - the patterns of a .dockerignore: see ignore.h. */
#include "devenv/ignore.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <stdlib.h>
#include <string.h>

/* The end of "[...]" after the bracket, or NULL. */
static const char *class_end(const char *at)
{
	if (*at == '^')
		at++;
	if (*at == ']')
		return NULL;
	for (; *at && *at != ']'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at : NULL;
}

static bool in_class(const char *at, const char *end, char c)
{
	bool negated = *at == '^', found = false;

	for (at += negated; at < end; at++) {
		char low = *at == '\\' && at + 1 < end ? *++at : *at;

		if (at + 2 < end && at[1] == '-') {
			found |= c >= low && c <= at[2];
			at += 2;
		} else {
			found |= c == low;
		}
	}
	return found != negated;
}

static bool glob(const char *pattern, const char *text);

/* `pattern` is behind "**". */
static bool glob_folders(const char *pattern, const char *text)
{
	if (*pattern == '/')
		pattern++;
	if (!*pattern)
		return true;
	if (glob(pattern, text))
		return true;
	for (; *text; text++)
		if (*text == '/' && glob(pattern, text + 1))
			return true;
	return false;
}

/* `pattern` is behind "*". */
static bool glob_star(const char *pattern, const char *text)
{
	for (;; text++) {
		if (glob(pattern, text))
			return true;
		if (!*text || *text == '/')
			return false;
	}
}

static bool glob(const char *pattern, const char *text)
{
	for (; *pattern; pattern++, text++) {
		const char *end = *pattern == '[' ? class_end(pattern + 1) : NULL;

		if (*pattern == '*')
			return pattern[1] == '*' ? glob_folders(pattern + 2, text)
						 : glob_star(pattern + 1, text);
		if (!*text)
			return false;
		if (*pattern == '?') {
			if (*text == '/')
				return false;
			continue;
		}
		if (end) {
			if (*text == '/' || !in_class(pattern + 1, end, *text))
				return false;
			pattern = end;
			continue;
		}
		if (*pattern == '\\' && pattern[1])
			pattern++;
		if (*pattern != *text)
			return false;
	}
	return !*text;
}

static int check_pattern(const char *pattern, struct err *err)
{
	for (const char *at = pattern; *at; at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '[' && !(at = class_end(at + 1)))
			return err_set(
				err, ERR_MANIFEST, "\"%s\" has a \"[\" without end", pattern);
	}
	return 0;
}

int ignore_add(struct ignore *ignore, const char *pattern, struct err *err)
{
	autofree char *copy = xstrdup(pattern);
	char *text = str_trim(copy), *clean;
	bool except = *text == '!';

	if (except)
		text = str_trim(text + 1);
	if (!*text)
		return except ? err_set(err, ERR_MANIFEST, "\"!\" needs a pattern") : 0;
	if (check_pattern(text, err) < 0)
		return -1;
	clean = path_clean(text);
	if (clean[0] == '/' && clean[1])
		memmove(clean, clean + 1, strlen(clean));
	ignore->list = xgrow(ignore->list, ignore->n, sizeof(*ignore->list));
	ignore->list[ignore->n++] = (struct ignore_pattern){clean, except};
	return 0;
}

int ignore_parse(struct ignore *ignore, const char *text, const char *file, struct err *err)
{
	size_t number = 1;

	if (str_starts(text, "\xef\xbb\xbf"))
		text += 3;
	for (; *text; number++) {
		size_t len = strcspn(text, "\n");
		autofree char *line = xstrndup(text, len);

		if (*line != '#' && ignore_add(ignore, line, err) < 0)
			return err_wrap(err, "%s:%zu", file, number);
		text += len + (text[len] == '\n');
	}
	return 0;
}

/* The path itself, or a folder above it. */
static bool pattern_matches(const struct ignore_pattern *pattern, const char *path)
{
	autofree char *part = xstrdup(path);

	for (;;) {
		char *slash;

		if (glob(pattern->glob, part))
			return true;
		slash = strrchr(part, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

bool ignore_matches(const struct ignore *ignore, const char *path)
{
	bool matched = false;

	for (size_t i = 0; i < ignore->n; i++)
		if (ignore->list[i].except == matched && pattern_matches(&ignore->list[i], path))
			matched = !matched;
	return matched;
}

/* Do the pattern's first folders match all of `path`? */
static bool may_lead_below(const char *pattern, const char *path)
{
	autostrv struct strv globs = STRV_INIT, parts = STRV_INIT;

	strv_split(&globs, pattern, '/');
	strv_split(&parts, path, '/');
	for (size_t i = 0; i < parts.n; i++) {
		if (i == globs.n || strstr(globs.v[i], "**"))
			return true;
		if (!glob(globs.v[i], parts.v[i]))
			return false;
	}
	return true;
}

bool ignore_may_hold(const struct ignore *ignore, const char *path)
{
	for (size_t i = 0; i < ignore->n; i++)
		if (ignore->list[i].except && may_lead_below(ignore->list[i].glob, path))
			return true;
	return false;
}

void ignore_release(struct ignore *ignore)
{
	for (size_t i = 0; i < ignore->n; i++)
		free(ignore->list[i].glob);
	free(ignore->list);
	*ignore = (struct ignore){0};
}
