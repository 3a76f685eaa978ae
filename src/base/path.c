/* path.c - paths as text. */
#include "devenv/fs.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
	if (*name == '/' || str_empty(dir))
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, str_ends(dir, "/") ? "" : "/", name);
}

char *path_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	if (slash == path)
		return xstrdup("/");
	return xstrndup(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_clean(const char *path)
{
	autostrv struct strv parts = STRV_INIT, kept = STRV_INIT;
	autofree char *joined = NULL;
	bool rooted = *path == '/';

	strv_split(&parts, path, '/');
	for (size_t i = 0; i < parts.n; i++) {
		const char *part = parts.v[i];

		if (str_eq(part, "."))
			continue;
		if (str_eq(part, "..") && kept.n && !str_eq(kept.v[kept.n - 1], "..")) {
			free(kept.v[--kept.n]);
			kept.v[kept.n] = NULL;
		} else if (!str_eq(part, "..") || !rooted) {
			strv_push(&kept, part);
		}
	}
	joined = strv_join(&kept, "/");
	if (!rooted && !*joined)
		return xstrdup(".");
	return xasprintf("%s%s", rooted ? "/" : "", joined);
}

char *path_absolute(const char *base, const char *path)
{
	char cwd[PATH_MAX];
	autofree char *joined = NULL;
	autofree char *start = NULL;

	if (!base || *base != '/') {
		if (!getcwd(cwd, sizeof(cwd)))
			memcpy(cwd, "/", 2);
		start = path_join(cwd, base ? base : "");
		base = start;
	}
	joined = path_join(base, path);
	return path_clean(joined);
}

const char *path_below(const char *root, const char *path)
{
	size_t len = str_eq(root, "/") ? 0 : strlen(root);

	if (strncmp(root, path, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

char *path_relative(const char *from, const char *path)
{
	autostrv struct strv there = STRV_INIT, here = STRV_INIT, out = STRV_INIT;
	autofree char *joined = NULL;
	size_t same = 0;

	strv_split(&here, from, '/');
	strv_split(&there, path, '/');
	while (same < here.n && same < there.n && str_eq(here.v[same], there.v[same]))
		same++;
	for (size_t i = same; i < here.n; i++)
		strv_push(&out, "..");
	for (size_t i = same; i < there.n; i++)
		strv_push(&out, there.v[i]);
	joined = strv_join(&out, "/");
	return path_clean(joined);
}

char *path_real(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : path_absolute(NULL, path);
}
