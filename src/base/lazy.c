/* lazy.c - libraries that are loaded when first used (why: lazy.h). */
#include "devenv/lazy.h"

#include "devenv/strv.h"

#include <dlfcn.h>
#include <string.h>

static int lazy_open(
	const char *sonames, const struct lazy_symbol *symbols, size_t n, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	void *library = NULL;

	strv_split(&names, sonames, ' ');
	for (size_t i = 0; i < names.n && !library; i++)
		library = dlopen(names.v[i], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return err_set(err, ERR_FAILED, "the library %s is not installed (%s)", names.v[0],
			dlerror());
	for (size_t i = 0; i < n; i++) {
		void *address = dlsym(library, symbols[i].name);

		if (!address)
			return err_set(err, ERR_FAILED, "%s has no %s: its version is too old",
				names.v[0], symbols[i].name);
		/* POSIX makes the two kinds of pointers alike; ISO C has no cast for it. */
		memcpy(symbols[i].slot, &address, sizeof(address));
	}
	return 0;
}

int lazy_load(pthread_mutex_t *mutex, int *loaded, const char *sonames,
	const struct lazy_symbol *symbols, size_t n, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(mutex);
	if (!*loaded)
		result = lazy_open(sonames, symbols, n, err);
	if (result == 0)
		*loaded = 1;
	pthread_mutex_unlock(mutex);
	return result;
}
