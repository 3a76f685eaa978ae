/*
 * mem.h - memory and descriptors that release themselves.
 *
 * The x functions never return NULL: sizes bounded by us are worth an abort.  Sizes that come from
 * outside go through struct buf with a limit.  `auto` variables are released when they leave scope
 * and must be initialised where they are declared (NULL, -1); TAKE() and TAKE_FD() hand over.
 *
 *	autofree char *path = path_join(dir, "compose.yaml");
 *	autoclose int fd = -1;
 *	...
 *	*out = TAKE(path);
 */
#ifndef DEVENV_MEM_H
#define DEVENV_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xaligned(size_t alignment, size_t size); /* both powers of two; free() it */
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/*
 * Grow `array` (of `size` bytes an item, `n` used) so that one more fits. Doubles: amortised O(1).
 */
void *xgrow(void *array, size_t n, size_t size);

void cleanup_free(void *p);
void cleanup_close(int *fd);

/* unused: clang takes a variable that only its cleanup reads for one that nobody does. */
#define autofree __attribute__((cleanup(cleanup_free), unused))
#define autoclose __attribute__((cleanup(cleanup_close), unused))

#define TAKE(p) \
	({ \
		__typeof__(p) take_ = (p); \
		(p) = NULL; \
		take_; \
	})
#define TAKE_FD(fd) \
	({ \
		int take_ = (fd); \
		(fd) = -1; \
		take_; \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
