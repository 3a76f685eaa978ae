/*
 * buf.h - a growing byte buffer with a ceiling.
 *
 * Binary safe and always followed by a NUL.  `data` is never NULL once something was added; use
 * buf_str() to read it as a string at any time.  Going over `limit` truncates nothing: the add
 * fails, `overflow` is set and stays, so a caller may add many things and check once.
 *
 *	autobuf struct buf body = BUF_INIT(1 << 20);
 *	buf_addf(&body, "%s\n", line);
 *	return buf_detach(&body);
 */
#ifndef DEVENV_BUF_H
#define DEVENV_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t limit; /* 0: BUF_DEFAULT_LIMIT */
	bool overflow;
};

#define BUF_DEFAULT_LIMIT ((size_t)64 << 20)
#define BUF_INIT(max) ((struct buf){.limit = (max)})

/* Each add returns 0, or -1 when the limit would be passed. */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_addstr(struct buf *buf, const char *s);
int buf_addch(struct buf *buf, char c);
int buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *buf, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/*
 * Make room for `len` more bytes and return where they go; then set buf->len. NULL over the limit.
 */
char *buf_reserve(struct buf *buf, size_t len);

/* Drop the first `n` bytes. */
void buf_consume(struct buf *buf, size_t n);

void buf_reset(struct buf *buf);            /* empty; keeps the memory */
const char *buf_str(const struct buf *buf); /* borrowed; "" when empty */
char *buf_detach(struct buf *buf);          /* the caller's; never NULL */
void buf_release(struct buf *buf);

#define autobuf __attribute__((cleanup(buf_release)))

#endif
