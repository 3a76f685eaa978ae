/* strv.c - a growing list of strings. */
#include "devenv/strv.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

void strv_push_take(struct strv *list, char *s)
{
	/* Room for the item and for the NULL after it. */
	list->v = xgrow(list->v, list->n + 1, sizeof(*list->v));
	if (!list->n)
		list->v = xrealloc(list->v, 4 * sizeof(*list->v));
	list->v[list->n++] = s;
	list->v[list->n] = NULL;
}

void strv_push(struct strv *list, const char *s)
{
	strv_push_take(list, xstrdup(s));
}

void strv_pushf(struct strv *list, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	strv_push_take(list, xvasprintf(fmt, args));
	va_end(args);
}

void strv_extend(struct strv *list, const struct strv *other)
{
	for (size_t i = 0; i < other->n; i++)
		strv_push(list, other->v[i]);
}

void strv_split(struct strv *list, const char *text, char sep)
{
	while (text && *text) {
		const char *end = strchrnul(text, sep);

		if (end > text)
			strv_push_take(list, xstrndup(text, (size_t)(end - text)));
		text = *end ? end + 1 : end;
	}
}

bool strv_has(const struct strv *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), compare);
}

char *strv_join(const struct strv *list, const char *sep)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < list->n; i++)
		buf_addf(&out, "%s%s", i ? sep : "", list->v[i]);
	return buf_detach(&out);
}

void strv_release(struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = STRV_INIT;
}
