/* lazy.c - libraries that are loaded when first used (why: lazy.h). */
#include "devenv/lazy.h"

#include "devenv/strv.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
	const char *sonames;                    /* separated by spaces: the first that is there */
	const char *debian, *fedora, *homebrew; /* packages */
	const char *use;                        /* what there is not without it */
} libraries[] = {
	[LAZY_CURL] = {"libcurl.so.4 libcurl-gnutls.so.4 libcurl.4.dylib", "libcurl4", "libcurl",
		"curl", "snapshots over https"},
	[LAZY_GIT] = {"libgit2.so.1.5 libgit2.so.1.7 libgit2.so.1.8 libgit2.so.1.9 libgit2.dylib",
		"libgit2-1.5, on Debian 13 libgit2-1.9", "libgit2", "libgit2",
		"x-sources and onboard"},
	[LAZY_SSH2] = {"libssh2.so.1 libssh2.1.dylib", "libssh2-1", "libssh2", "libssh2",
		"tunnels"},
	[LAZY_ARCHIVE] = {"libarchive.so.13 libarchive.13.dylib", "libarchive13", "libarchive",
		"libarchive", "snapshots"},
	[LAZY_ZSTD] = {"libzstd.so.1 libzstd.1.dylib", "libzstd1", "libzstd", "zstd", "snapshots"},
	[LAZY_ZLIB] = {"libz.so.1 libz.1.dylib", "zlib1g", "zlib", "zlib", "snapshots"},
	[LAZY_PQ] = {"libpq.so.5 libpq.5.dylib", "libpq5", "libpq", "libpq",
		"tunnels to PostgreSQL that insists on TLS"},
	[LAZY_MARIADB] = {"libmariadb.so.3 libmariadb.3.dylib", "libmariadb3",
		"mariadb-connector-c", "mariadb-connector-c",
		"tunnels to MySQL that insists on TLS"},
};

/* NULL: it is not there; `why` is the loader's word on the first of its names, then. */
static void *open_library(enum lazy_library library, char **name, char **why)
{
	autostrv struct strv names = STRV_INIT;
	void *handle = NULL;

	strv_split(&names, libraries[library].sonames, ' ');
	*name = xstrdup(names.v[0]);
	*why = NULL;
	for (size_t i = 0; i < names.n && !handle; i++) {
		handle = dlopen(names.v[i], RTLD_NOW | RTLD_LOCAL);
		if (!handle && !*why)
			*why = xstrdup(dlerror());
	}
	return handle;
}

static char *how_to_install(enum lazy_library library)
{
	return xasprintf("apt install %s (Fedora: dnf install %s; macOS: brew install %s)",
		libraries[library].debian, libraries[library].fedora, libraries[library].homebrew);
}

bool lazy_is_installed(enum lazy_library library, char **missing, char **fix)
{
	autofree char *name = NULL, *why = NULL;
	void *handle = open_library(library, &name, &why);

	if (handle) {
		dlclose(handle);
		return true;
	}
	*missing = xasprintf("%s is not installed: no %s", name, libraries[library].use);
	*fix = how_to_install(library);
	return false;
}

static int load(
	enum lazy_library library, const struct lazy_symbol *symbols, size_t n, struct err *err)
{
	autofree char *name = NULL, *why = NULL, *fix = how_to_install(library);
	void *handle = open_library(library, &name, &why);

	if (!handle)
		return err_set(err, ERR_FAILED, "the library %s is not installed (%s): %s", name,
			why, fix);
	for (size_t i = 0; i < n; i++) {
		void *address = dlsym(handle, symbols[i].name);

		if (!address)
			return err_set(err, ERR_FAILED, "%s has no %s: its version is too old",
				name, symbols[i].name);
		/* POSIX makes the two kinds of pointers alike; ISO C has no cast for it. */
		memcpy(symbols[i].slot, &address, sizeof(address));
	}
	return 0;
}

int lazy_load(pthread_mutex_t *mutex, int *loaded, enum lazy_library library,
	const struct lazy_symbol *symbols, size_t n, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(mutex);
	if (!*loaded)
		result = load(library, symbols, n, err);
	if (result == 0)
		*loaded = 1;
	pthread_mutex_unlock(mutex);
	return result;
}
