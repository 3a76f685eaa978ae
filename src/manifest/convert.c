/* convert.c - see convert.h. */
#include "convert.h"

#include "date.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static json_t *convert_value(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place);

static void cannot(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place, const char *what)
{
	autofree char *help = key_help(key);

	if (node_is_scalar(node))
		place_error(c->diags, node, place, help, "\"%s\" is not %s", node->text, what);
	else
		place_error(c->diags, node, place, help, "expected %s, not %s", what,
			node_kind_name(node));
}

/* With --no-interpolate "${N}" is kept where a number stands. */
static json_t *uncast(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place, const char *what)
{
	if (c->raw && node->kind == NODE_STRING)
		return json_string_safe(node->text);
	cannot(c, key, node, place, what);
	return NULL;
}

json_t *convert_any(const struct node *node)
{
	char date[DATE_SIZE];
	json_t *out;

	switch (node->kind) {
	case NODE_NULL:
		return json_null();
	case NODE_BOOL:
		return json_boolean(node->boolean);
	case NODE_INT:
		return json_integer(node->integer);
	case NODE_FLOAT:
		if (!isfinite(node->number))
			return json_string_safe(node->text);
		if (node->number == floor(node->number) && fabs(node->number) < 1e15)
			return json_integer((json_int_t)node->number);
		return json_real(node->number);
	case NODE_DATE:
		return json_string_safe(date_parse(node->text, date) ? date : node->text);
	case NODE_STRING:
		return json_string_safe(node->text);
	case NODE_LIST:
		out = json_array();
		for (size_t i = 0; i < node->n; i++)
			json_array_append_new(out, convert_any(node->items[i]));
		return out;
	case NODE_MAP:
		out = json_object();
		for (size_t i = 0; i < node->n; i++)
			json_object_set_new(out, node->keys[i]->text, convert_any(node->items[i]));
		return out;
	}
	return json_null();
}

/* === scalars === */

static json_t *recent_string(const struct convert *c, const char *text)
{
	size_t hash = 0;
	json_t **slot;

	for (const char *s = text; *s; s++)
		hash = hash * 31 + (unsigned char)*s;
	slot = &c->recent[hash % CONVERT_RECENT];
	if (!str_eq(json_string_value(*slot), text)) {
		json_decref(*slot);
		*slot = json_string_safe(text);
	}
	return json_incref(*slot);
}

static json_t *text_value(const struct convert *c, const struct node *node)
{
	autofree char *text = convert_text(node);

	return *text ? recent_string(c, text) : NULL;
}

static json_t *bool_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	bool value;

	if (!key_to_bool(node, &value))
		return uncast(c, key, node, place, "true or false");
	return value || (key->flags & (KEY_KEEP | KEY_ALWAYS)) ? json_boolean(value) : NULL;
}

static json_t *int_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	int64_t value;

	if (!key_to_int(node, &value))
		return uncast(c, key, node, place, "a whole number");
	return value || (key->flags & (KEY_KEEP | KEY_ALWAYS)) ? json_integer(value) : NULL;
}

/* A float32 as Go prints it: the shortest text that reads back as the same float32. */
static json_t *float_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	double value, rounded = 0;

	if (!key_to_float(node, &value) || !isfinite(value) || fabs(value) > (double)FLT_MAX)
		return uncast(c, key, node, place, "a number");
	for (int digits = 0; digits < 9; digits++) {
		autofree char *text = xasprintf("%.*e", digits, (double)(float)value);

		if (parse_double(text, &rounded) && (float)rounded == (float)value)
			break;
	}
	if ((float)value == 0)
		return NULL;
	if (rounded == floor(rounded) && fabs(rounded) < 1e15)
		return json_integer((json_int_t)rounded);
	return json_real(rounded);
}

static json_t *bytes_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	int64_t value = 0;
	bool ok = true;

	if (node->kind == NODE_INT)
		value = node->integer;
	else if (node->kind == NODE_STRING)
		ok = parse_bytes(node->text, &value);
	if (!ok)
		return uncast(c, key, node, place, "a size");
	if (!value && !(key->flags & KEY_ALWAYS))
		return NULL;
	return json_sprintf("%lld", (long long)value);
}

static json_t *duration_value(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place)
{
	autofree char *text = NULL;
	int64_t ns;

	if (!convert_duration(node->text, &ns))
		return uncast(c, key, node, place, "a duration");
	if (!ns && !(key->flags & KEY_KEEP))
		return NULL;
	text = format_duration(ns);
	return json_string(text);
}

/* A string is octal digits; a number is what YAML read (0440 is octal there already). */
static json_t *mode_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	uint64_t mode;

	if (node->kind == NODE_INT)
		mode = (uint64_t)node->integer;
	else if (node->kind != NODE_STRING || !parse_octal(node->text, INT32_MAX, &mode))
		return uncast(c, key, node, place, "a file mode in octal");
	return json_sprintf("0%llo", (unsigned long long)mode);
}

static json_t *count_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	int64_t count;

	if (node->kind == NODE_STRING && strcasecmp(node->text, "all") == 0)
		return json_integer(-1);
	if (!key_to_int(node, &count))
		return uncast(c, key, node, place, "a number or \"all\"");
	return count ? json_integer(count) : NULL;
}

/* === lists and maps of strings === */

static json_t *strings_value(const struct node *node)
{
	json_t *out = json_array();

	if (node->kind == NODE_LIST) {
		for (size_t i = 0; i < node->n; i++) {
			autofree char *text = convert_text(node->items[i]);

			json_array_append_new(out, json_string_safe(text));
		}
	} else if (node_is_scalar(node)) {
		json_array_append_new(out, json_string_safe(node->text));
	}
	return out;
}

/* NAME=VALUE in a list: what merging left, or what was not canonical. */
static void add_pair(json_t *out, const char *pair, bool nulls)
{
	const char *equals = strchr(pair, '=');
	autofree char *name = equals ? xstrndup(pair, (size_t)(equals - pair)) : xstrdup(pair);

	json_object_set_new(out, name,
		equals || !nulls ? json_string_safe(equals ? equals + 1 : "") : json_null());
}

static json_t *pairs_value(const struct node *node, bool nulls)
{
	json_t *out = json_object();

	for (size_t i = 0; i < node->n; i++) {
		const struct node *item = node->items[i];
		autofree char *text = convert_text(item);

		if (node->kind == NODE_LIST)
			add_pair(out, text, nulls);
		else if (item->kind == NODE_NULL && nulls)
			json_object_set_new(out, node->keys[i]->text, json_null());
		else
			json_object_set_new(out, node->keys[i]->text, json_string_safe(text));
	}
	return out;
}

static json_t *multi_value(const struct node *node)
{
	json_t *out = json_object();

	for (size_t i = 0; i < node->n; i++)
		json_object_set_new(out, node->keys[i]->text, strings_value(node->items[i]));
	return out;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool host_ok(const struct convert *c, const struct node *item, const struct place *place,
	const char *text, size_t name)
{
	if (c->raw || (text[name] && name && !memchr(text, ':', name)))
		return true;
	place_error(c->diags, item, place, "for example: extra_hosts: [\"api=10.0.0.2\"]",
		"\"%s\" is not HOST=IP", text);
	return false;
}

/*
 * "host=ip" or "host:ip", perhaps "ip,ip"; each as "host=ip", brackets of IPv6 taken off, sorted.
 */
static json_t *hosts_value(
	const struct convert *c, const struct node *node, const struct place *place)
{
	autostrv struct strv list = STRV_INIT;

	for (size_t i = 0; node->kind == NODE_LIST && i < node->n; i++) {
		struct place here = {.up = place, .index = i};
		const char *text = node->items[i]->text;
		size_t name = strchr(text, '=') ? strcspn(text, "=") : strcspn(text, ":");
		autostrv struct strv ips = STRV_INIT;

		if (!host_ok(c, node->items[i], &here, text, name))
			continue;
		strv_split(&ips, text + name + 1, ',');
		if (!ips.n)
			strv_push(&ips, "");
		for (size_t j = 0; j < ips.n; j++) {
			char *ip = ips.v[j];
			size_t len = strlen(ip);

			if (len > 2 && ip[0] == '[' && ip[len - 1] == ']') {
				ip[len - 1] = '\0';
				ip++;
			}
			strv_pushf(&list, "%.*s=%s", (int)name, text, ip);
		}
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), compare_strings);
	return json_from_strv(&list);
}

static json_t *command_value(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place)
{
	json_t *words;

	if (node->kind == NODE_LIST)
		return strings_value(node);
	if (node->kind != NODE_STRING)
		return json_null();
	words = convert_words(node->text);
	return words ? words : uncast(c, key, node, place, "a command line: a quote is not closed");
}

static json_t *test_value(const struct node *node)
{
	if (node->kind == NODE_LIST)
		return strings_value(node);
	return json_pack("[s, o]", "CMD-SHELL", json_string_safe(node->text));
}

static json_t *ulimits_value(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place)
{
	json_t *out = json_object();

	for (size_t i = 0; i < node->n; i++) {
		struct place here = {.up = place, .name = node->keys[i]->text};
		const struct node *item = node->items[i];
		json_t *value;

		if (item->kind == NODE_MAP)
			value = convert_shape(c, key->shape, item, &here);
		else
			value = int_value(c, key, item, &here);
		json_object_set_new(out, here.name, value ? value : json_object());
	}
	return out;
}

static json_t *ssh_value(const struct node *node)
{
	json_t *out = json_array();

	for (size_t i = 0; i < node->n; i++) {
		const struct node *path = node->items[i];

		if (path->kind == NODE_NULL || !*path->text)
			json_array_append_new(out, json_string_safe(node->keys[i]->text));
		else
			json_array_append_new(
				out, json_sprintf("%s: %s", node->keys[i]->text, path->text));
	}
	return out;
}

/* === maps by the table === */

static json_t *list_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	json_t *out = json_array();

	for (size_t i = 0; i < node->n; i++) {
		struct place here = {.up = place, .index = i};
		const struct node *item = node->items[i];

		if (item->kind == NODE_MAP)
			json_array_append_new(out, convert_shape(c, key->shape, item, &here));
		else
			json_array_append_new(out, convert_any(item));
	}
	return out;
}

static json_t *map_value(const struct convert *c, const struct key *key, const struct node *node,
	const struct place *place)
{
	json_t *out = json_object();

	for (size_t i = 0; i < node->n; i++) {
		struct place here = {.up = place, .name = node->keys[i]->text};
		const struct node *item = node->items[i];

		if (item->kind == NODE_MAP)
			json_object_set_new(
				out, here.name, convert_shape(c, key->shape, item, &here));
		else
			json_object_set_new(out, here.name, json_null());
	}
	return out;
}

/* Empty lists and maps are left out. Steals `value`. */
static json_t *not_empty(const struct key *key, json_t *value)
{
	bool keep = key->flags & KEY_ALWAYS || key->form == FORM_SHAPE || key->form == FORM_COMMAND;

	if (keep || json_array_size(value) || json_object_size(value))
		return value;
	json_decref(value);
	return NULL;
}

static json_t *convert_compound(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place)
{
	bool map = key->form == FORM_MULTI || key->form == FORM_ULIMITS || key->form == FORM_SSH ||
		   key->form == FORM_MAP;

	if (map && node->kind != NODE_MAP) /* check.c reported it */
		return NULL;
	switch (key->form) {
	case FORM_STRINGS:
		return strings_value(node);
	case FORM_VARS:
		return pairs_value(node, true);
	case FORM_LABELS:
	case FORM_OPTIONS:
		return pairs_value(node, false);
	case FORM_MULTI:
		return multi_value(node);
	case FORM_HOSTS:
		return hosts_value(c, node, place);
	case FORM_ULIMITS:
		return ulimits_value(c, key, node, place);
	case FORM_SSH:
		return ssh_value(node);
	case FORM_LIST:
		return list_value(c, key, node, place);
	case FORM_MAP:
		return map_value(c, key, node, place);
	case FORM_TEST:
		return test_value(node);
	default:
		return convert_any(node);
	}
}

static json_t *convert_value(const struct convert *c, const struct key *key,
	const struct node *node, const struct place *place)
{
	json_t *value;

	if (node->kind == NODE_NULL)
		return NULL;
	switch (key->form) {
	case FORM_TEXT:
		return text_value(c, node);
	case FORM_BOOL:
		return bool_value(c, key, node, place);
	case FORM_INT:
		return int_value(c, key, node, place);
	case FORM_FLOAT:
		return float_value(c, key, node, place);
	case FORM_BYTES:
		return bytes_value(c, key, node, place);
	case FORM_DURATION:
		return duration_value(c, key, node, place);
	case FORM_MODE:
		return mode_value(c, key, node, place);
	case FORM_COUNT:
		return count_value(c, key, node, place);
	case FORM_COMMAND:
		return command_value(c, key, node, place);
	case FORM_SHAPE:
		return convert_shape(c, key->shape, node, place);
	case FORM_NONE:
		return NULL;
	default:
		value = convert_compound(c, key, node, place);
		return not_empty(key, value);
	}
}

/* What stands for a KEY_ALWAYS key that is not there. */
static json_t *absent(const struct convert *c, const struct key *key, const struct place *place)
{
	switch (key->form) {
	case FORM_SHAPE:
		return convert_shape(c, key->shape, NULL, place);
	case FORM_COMMAND:
		return json_null();
	case FORM_BOOL:
		return json_false();
	case FORM_INT:
		return json_integer(0);
	case FORM_BYTES:
		return json_string("0");
	default:
		return json_string("");
	}
}

static void required(const struct convert *c, const struct key *key, const struct node *map,
	const struct place *place)
{
	autofree char *help = key_help(key);

	place_missing(c->diags, map, place, help, "\"%s\" is missing", key->name);
}

json_t *convert_shape(const struct convert *c, const struct shape *shape, const struct node *map,
	const struct place *place)
{
	json_t *out = json_object();
	bool is_map = map && map->kind == NODE_MAP;

	for (size_t i = 0; i < shape->n; i++) {
		const struct key *key = &shape->keys[i];
		const struct node *node = node_get(map, key->name);
		struct place here = {.up = place, .name = key->name};
		json_t *value = node && !key_is_extension(key->name)
					? convert_value(c, key, node, &here)
					: NULL;

		if (!node && is_map && (key->flags & KEY_REQUIRED))
			required(c, key, map, place);
		if (!value && (key->flags & KEY_ALWAYS))
			value = absent(c, key, &here);
		if (value)
			json_object_set_new(out, key->out ? key->out : key->name, value);
	}
	for (size_t i = 0; is_map && i < map->n; i++)
		if (key_is_extension(map->keys[i]->text))
			json_object_set_new(out, map->keys[i]->text, convert_any(map->items[i]));
	return out;
}
