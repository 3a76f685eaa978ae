/* strv.h - a growing list of strings; owns them.  v is NULL-terminated once anything was added. */
#ifndef DEVENV_STRV_H
#define DEVENV_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t n;
};

#define STRV_INIT ((struct strv){0})

void strv_push(struct strv *list, const char *s); /* copies */
void strv_push_take(struct strv *list, char *s);  /* takes `s` */
void strv_pushf(struct strv *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_extend(struct strv *list, const struct strv *other);
void strv_split(struct strv *list, const char *text, char sep); /* empty parts are left out */
bool strv_has(const struct strv *list, const char *s);
void strv_sort(struct strv *list);
char *strv_join(const struct strv *list, const char *sep); /* the caller's */
void strv_release(struct strv *list);

#define autostrv __attribute__((cleanup(strv_release)))

#endif
