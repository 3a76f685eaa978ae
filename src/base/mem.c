/* mem.c - allocation that aborts instead of returning NULL, and cleanup handlers. */
#include "devenv/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("devenv: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xaligned(size_t alignment, size_t size)
{
	return checked(aligned_alloc(alignment, size));
}

void *xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xvasprintf(const char *fmt, va_list args)
{
	char *out = NULL;

	if (vasprintf(&out, fmt, args) < 0)
		out = NULL;
	return checked(out);
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *out;

	va_start(args, fmt);
	out = xvasprintf(fmt, args);
	va_end(args);
	return out;
}

void *xgrow(void *array, size_t n, size_t size)
{
	size_t bytes;

	/* Full exactly at the powers of two: the capacity need not be stored. */
	if (n & (n - 1) || (n && n < 4))
		return array;
	if (__builtin_mul_overflow(n < 4 ? (size_t)4 : n * 2, size, &bytes))
		return checked(NULL);
	return xrealloc(array, bytes);
}

void cleanup_free(void *p)
{
	free(*(void **)p);
}

void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}
