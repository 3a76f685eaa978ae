/* home.c - the user's home, and devenv's own folders. */
#include "devenv/fs.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

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
