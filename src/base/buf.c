/* buf.c - a growing byte buffer with a ceiling. */
#include "devenv/buf.h"

#include "devenv/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t buf_limit(const struct buf *buf)
{
	return buf->limit ? buf->limit : BUF_DEFAULT_LIMIT;
}

char *buf_reserve(struct buf *buf, size_t len)
{
	size_t need;

	if (len > buf_limit(buf) || buf->len > buf_limit(buf) - len) {
		buf->overflow = true;
		return NULL;
	}
	need = buf->len + len + 1;
	if (need > buf->cap) {
		size_t cap = buf->cap ? buf->cap : 64;

		while (cap < need)
			cap *= 2;
		buf->data = xrealloc(buf->data, cap);
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
	char *to = buf_reserve(buf, len);

	if (!to)
		return -1;
	if (len)
		memcpy(to, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_addstr(struct buf *buf, const char *s)
{
	return buf_add(buf, s, strlen(s));
}

int buf_addch(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

int buf_vaddf(struct buf *buf, const char *fmt, va_list args)
{
	char small[256];
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), fmt, again);
	va_end(again);
	if (len < 0)
		return -1;
	if ((size_t)len < sizeof(small))
		return buf_add(buf, small, (size_t)len);
	if (!buf_reserve(buf, (size_t)len))
		return -1;
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
	buf->len += (size_t)len;
	return 0;
}

int buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	int result;

	va_start(args, fmt);
	result = buf_vaddf(buf, fmt, args);
	va_end(args);
	return result;
}

void buf_consume(struct buf *buf, size_t n)
{
	if (n > buf->len)
		n = buf->len;
	if (!n)
		return;
	buf->len -= n;
	memmove(buf->data, buf->data + n, buf->len);
	buf->data[buf->len] = '\0';
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
	if (buf->data)
		buf->data[0] = '\0';
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_detach(struct buf *buf)
{
	char *data = buf->data ? buf->data : xstrdup("");

	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
	return data;
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
}
