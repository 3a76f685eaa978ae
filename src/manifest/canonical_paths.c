/*
 * canonical_paths.c - relative paths made absolute (compose-go's paths package); see canonical.h.
 */
#include "canonical.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void canonical_set_text(struct arena *arena, struct node *scalar, const char *text)
{
	scalar->kind = NODE_STRING;
	scalar->text = arena_strdup(arena, text);
}

/* paths.ExpandUser: any leading ~, so "~x" is "x" in the home folder too. */
static char *expand_user(const char *path)
{
	const char *home = getenv("HOME");
	autofree char *joined = NULL;

	if (path[0] != '~' || str_empty(home))
		return xstrdup(path);
	joined = xasprintf("%s/%s", home, path + 1);
	return path_clean(joined);
}

/* The text of a path node against rules->dir; the caller's. NULL when the node is no such text. */
static char *absolute(const struct canonical *c, const struct node *text)
{
	autofree char *path = NULL;

	if (!text || text->kind != NODE_STRING)
		return NULL;
	path = expand_user(text->text);
	if (path[0] == '/')
		return TAKE(path);
	return path_absolute(c->rules->dir, path);
}

/* The same as rules->shown wants it. */
static char *shown_path(const struct canonical *c, const struct node *text)
{
	const char *shown = c->rules->shown;
	autofree char *path = NULL, *joined = NULL;

	if (!shown || !text || text->kind != NODE_STRING)
		return absolute(c, text);
	if (!*shown)
		return xstrdup(text->text);
	path = expand_user(text->text);
	if (path[0] == '/')
		return TAKE(path);
	joined = path_join(shown, path);
	return path_clean(joined);
}

void canonical_file(const struct canonical *c, struct node *text)
{
	autofree char *path = absolute(c, text);

	if (path && text->text[0])
		canonical_set_text(c->arena, text, path);
}

void canonical_path_node(const struct canonical *c, struct node *text)
{
	autofree char *path = shown_path(c, text);

	if (path && text->text[0])
		canonical_set_text(c->arena, text, path);
}

/* A drive ("c:\", "c:/") or a UNC path ("\\server\share"): a Windows client's absolute path. */
static bool windows_absolute(const char *path)
{
	if (isalpha((unsigned char)path[0]) && path[1] == ':')
		return path[2] == '\\' || path[2] == '/';
	return path[0] == '\\' && path[1] == '\\';
}

void canonical_host_path(const struct canonical *c, struct node *text)
{
	autofree char *path = NULL;

	if (!text || text->kind != NODE_STRING || windows_absolute(text->text))
		return;
	path = shown_path(c, text);
	canonical_set_text(c->arena, text, path);
}

void canonical_context(const struct canonical *c, struct node *text)
{
	static const char *const remote[] = {
		"https://", "http://", "git://", "ssh://", "github.com/", "git@", "service:"};

	if (!text || text->kind != NODE_STRING || strstr(text->text, "://"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(remote); i++)
		if (str_starts(text->text, remote[i]))
			return;
	canonical_path_node(c, text);
}

/*
 * The first component of `path` that is a symbolic link, replaced by where it leads; the caller's.
 */
static char *follow_link(const char *path)
{
	autofree char *part = xstrdup(path);
	autofree char *real = NULL;
	struct stat st;

	for (size_t end = 1; path[end - 1]; end++) {
		if (path[end] != '/' && path[end] != '\0')
			continue;
		part[end] = '\0';
		if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode)) {
			real = path_real(part);
			return xasprintf("%s%s", real, path + end);
		}
		part[end] = path[end];
		if (path[end] == '\0')
			break;
	}
	return xstrdup(path);
}

void canonical_real_path(const struct canonical *c, struct node *text)
{
	autofree char *path = shown_path(c, text);
	autofree char *real = NULL;

	if (!path || !text->text[0])
		return;
	if (c->rules->shown) {
		canonical_set_text(c->arena, text, path);
		return;
	}
	real = follow_link(path);
	canonical_set_text(c->arena, text, real);
}
