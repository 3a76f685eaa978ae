/* path.c - paths as text, and devenv's own folders. */
#include "devenv/fs.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <limits.h>
#include <pwd.h>
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

static const char *home_dir(void)
{
	const char *home = getenv("HOME");
	struct passwd *user;

	if (!str_empty(home))
		return home;
	user = getpwuid(getuid());
	return user && user->pw_dir ? user->pw_dir : "/";
}

char *path_expand_home(const char *path)
{
	if (str_eq(path, "~"))
		return xstrdup(home_dir());
	if (str_starts(path, "~/"))
		return path_join(home_dir(), path + 2);
	return xstrdup(path);
}

char *path_real(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : path_absolute(NULL, path);
}

static char *xdg_dir(const char *variable, const char *fallback)
{
	const char *base = getenv(variable);
	autofree char *own = NULL;

	if (!str_empty(base) && *base == '/')
		return path_join(base, "devenv");
	own = path_join(home_dir(), fallback);
	return path_join(own, "devenv");
}

char *fs_state_dir(void)
{
	return xdg_dir("XDG_STATE_HOME", ".local/state");
}

char *fs_cache_dir(void)
{
	return xdg_dir("XDG_CACHE_HOME", ".cache");
}

char *fs_config_dir(void)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config");
}

char *fs_runtime_dir(void)
{
	autofree char *state = NULL;

	if (!str_empty(getenv("XDG_RUNTIME_DIR")))
		return xdg_dir("XDG_RUNTIME_DIR", "");
	state = fs_state_dir();
	return path_join(state, "run");
}
