/*
 * origin.c - what is at a path already: a checkout of which repository?
 *
 * Read from .git/config by hand, because asking libgit2 would cost every `up` its loading time.
 */
#include "clone.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>

#define CONFIG_MAX ((size_t)1 << 20)

char *clone_temporary(const char *path)
{
	autofree char *dir = path_dirname(path);

	return xasprintf("%s/.%s.devenv-clone", str_eq(dir, "/") ? "" : dir, path_basename(path));
}

void clone_discard(const char *temporary)
{
	autoclose int fd = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct err ignored = ERR_INIT;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		fs_remove_tree(temporary, &ignored);
}

/* The value of "key = value" in `line`, or NULL. Borrowed. */
static char *config_value(char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncasecmp(line, key, len) != 0)
		return NULL;
	line = str_trim(line + len);
	return *line == '=' ? str_trim(line + 1) : NULL;
}

char *clone_origin(const char *path)
{
	autofree char *file = path_join(path, ".git/config");
	autobuf struct buf text = BUF_INIT(CONFIG_MAX);
	autostrv struct strv lines = STRV_INIT;
	struct err ignored = ERR_INIT;
	bool inside = false;

	if (fs_read(file, &text, ERR_FAILED, &ignored) < 0)
		return NULL;
	strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = str_trim(lines.v[i]);
		char *value = inside ? config_value(line, "url") : NULL;

		if (*line == '[')
			inside = str_eq(line, "[remote \"origin\"]");
		if (value)
			return xstrdup(value);
	}
	return NULL;
}

/* HOST/PATH without scheme, user, port 22 or 443, ".git" and slashes at the end. */
static char *url_core(const char *url)
{
	const char *rest = strstr(url, "://"), *at;
	bool scheme = rest != NULL;
	char *core;
	size_t host, len;

	rest = scheme ? rest + 3 : url;
	host = strcspn(rest, "/");
	at = memchr(rest, '@', host);
	core = xstrdup(at ? at + 1 : rest);
	host = strcspn(core, ":/");
	/* The scp form's colon; of a URL it begins a port, which may stay where it is. */
	if (core[host] == ':' && !scheme)
		core[host] = '/';
	len = strlen(core);
	while (len && core[len - 1] == '/')
		core[--len] = '\0';
	if (str_ends(core, ".git"))
		core[len - 4] = '\0';
	return core;
}

bool clone_same(const char *a, const char *b)
{
	autofree char *left = url_core(a), *right = url_core(b);

	return str_eq(left, right);
}

static bool dir_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..");
	closedir(dir);
	return empty;
}

static enum source_state other(char **detail, char *text)
{
	if (detail)
		*detail = text;
	else
		free(text);
	return SOURCE_OTHER;
}

enum source_state source_check(const struct source *source, char **detail)
{
	autofree char *git = path_join(source->path, ".git");
	autofree char *origin = NULL;

	if (detail)
		*detail = NULL;
	if (!fs_exists(source->path))
		return SOURCE_MISSING;
	if (!fs_is_dir(source->path))
		return other(detail, xasprintf("%s is no folder", source->path));
	if (dir_is_empty(source->path))
		return SOURCE_MISSING;
	if (!fs_exists(git))
		return other(
			detail, xasprintf("%s has files in it and is no checkout", source->path));
	origin = clone_origin(source->path);
	/* A worktree, or a repository that somebody began by hand: it is theirs to know. */
	if (!origin || clone_same(origin, source->url))
		return SOURCE_READY;
	return other(detail, xasprintf("%s is a checkout of %s", source->path, origin));
}
