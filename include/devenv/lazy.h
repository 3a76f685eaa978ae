/*
 * lazy.h - libraries that are loaded when first used.
 *
 * libcurl, libgit2, libssh2 and libarchive bring some forty more libraries with them: linking them
 * costs every command 15 ms and 10 MB, and `devenv up` on a running workspace takes 20 ms in all.
 * So each one's owner lists the functions that it calls, with their types from the library's own
 * header, and gets them in a struct:
 *
 *	#define CURL_FUNCTIONS(X) X(curl_easy_init) X(curl_easy_perform)
 *	#define LAZY_STRUCT curl
 *	LAZY_LIBRARY(curl, LAZY_CURL, CURL_FUNCTIONS)
 *	...
 *	if (curl_load(err) < 0)
 *		return -1;
 *	curl.curl_easy_init();
 *
 * In the agent, which is one static program (DEVENV_STATIC), the same names are the functions that
 * were linked into it.
 */
#ifndef DEVENV_LAZY_H
#define DEVENV_LAZY_H

#include "devenv/err.h"
#include "devenv/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* The libraries; what they are called on a disk and in packages is in lazy.c's table. */
enum lazy_library {
	LAZY_CURL,
	LAZY_GIT,
	LAZY_SSH2,
	LAZY_ARCHIVE,
	LAZY_ZSTD,
	LAZY_ZLIB,
	LAZY_PQ,
	LAZY_MARIADB,
	LAZY_LIBRARIES
};

/* Is it installed? If not, a line for a person of what is missing, and one of how to get it. */
bool lazy_is_installed(enum lazy_library library, char **missing, char **fix);

struct lazy_symbol {
	const char *name;
	void *slot; /* address of the function pointer */
};

/*
 * Load the library and fill in the `n` symbols, once a process; thread-safe. ERR_FAILED names the
 * library, its packages and what is missing.
 */
int lazy_load(pthread_mutex_t *mutex, int *loaded, enum lazy_library library,
	const struct lazy_symbol *symbols, size_t n, struct err *err);

#define LAZY_FIELD(f) __typeof__(&f) f;
#define LAZY_SYMBOL(f) \
	{#f, &LAZY_STRUCT.f}, /* LAZY_STRUCT: define it to `name` before LAZY_LIBRARY */

#ifdef DEVENV_STATIC
#define LAZY_LINKED(f) f,
#define LAZY_LIBRARY(name, library, FUNCTIONS) \
	static const struct { \
		FUNCTIONS(LAZY_FIELD) \
	} name = {FUNCTIONS(LAZY_LINKED)}; \
	static int name##_load(struct err *err) \
	{ \
		return 0; \
	}
#else
#define LAZY_LIBRARY(name, library, FUNCTIONS) \
	static struct { \
		FUNCTIONS(LAZY_FIELD) \
	} name; \
	static int name##_load(struct err *err) \
	{ \
		static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; \
		static int loaded; \
		static const struct lazy_symbol symbols[] = {FUNCTIONS(LAZY_SYMBOL)}; \
		return lazy_load(&mutex, &loaded, library, symbols, ARRAY_LEN(symbols), err); \
	}
#endif

#endif
