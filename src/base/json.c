/* json.c - jansson's loading and printing, with the flags chosen once. */
#include "devenv/json.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Far above any engine's answer or config file. */
#define JSON_FILE_MAX ((size_t)64 << 20)

void cleanup_json(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

json_t *json_parse(const char *text, size_t len, const char *what, struct err *err)
{
	json_error_t problem;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);

	if (!json)
		err_set(err, ERR_FAILED, "%s:%d:%d: not JSON: %s", what, problem.line,
			problem.column, problem.text);
	return json;
}

json_t *json_parse_file(const char *path, enum err_kind kind, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_FILE_MAX);
	json_t *json;

	if (fs_read(path, &text, kind, err) < 0)
		return NULL;
	json = json_parse(buf_str(&text), text.len, path, err);
	if (!json)
		err->kind = kind;
	return json;
}

static char *json_dump(const json_t *json, size_t flags)
{
	char *text = json_dumps(json, JSON_ENCODE_ANY | flags);

	return text ? text : xstrdup("null");
}

char *json_print(const json_t *json)
{
	return json_dump(json, JSON_COMPACT);
}

char *json_print_sorted(const json_t *json)
{
	return json_dump(json, JSON_COMPACT | JSON_SORT_KEYS);
}

char *json_print_pretty(const json_t *json)
{
	return json_dump(json, JSON_INDENT(2));
}

json_t *json_at(const json_t *json, const char *key, ...)
{
	va_list args;

	va_start(args, key);
	for (; key && json; key = va_arg(args, const char *))
		json = json_object_get(json, key);
	va_end(args);
	return (json_t *)json;
}

const char *json_str(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t json_int(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool json_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *json_string_safe(const char *s)
{
	autofree char *copy = NULL;
	json_t *json = json_string(s);

	if (json)
		return json;
	copy = xstrdup(s ? s : "");
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(copy);
}

void json_set_str(json_t *object, const char *key, const char *s)
{
	if (s)
		json_object_set_new(object, key, json_string_safe(s));
}

void json_setf(json_t *object, const char *key, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	json_set_str(object, key, text);
}

json_t *json_from_strv(const struct strv *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string_safe(list->v[i]));
	return array;
}

void json_to_strv(const json_t *array, struct strv *out)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (json_is_string(item))
			strv_push(out, json_string_value(item));
}
