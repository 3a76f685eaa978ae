/* keys.c - reading the table of keys: lookups, examples, and casting a scalar by its key's type. */
#include "keys.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct key *shape_find(const struct shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->keys[i].name, name) == 0)
			return &shape->keys[i];
	return NULL;
}

bool key_is_extension(const char *name)
{
	return str_starts(name, "x-");
}

const char *key_example(const struct key *key)
{
	static const char *const by_form[] = {
		[FORM_TEXT] = "text",
		[FORM_BOOL] = "true",
		[FORM_INT] = "1",
		[FORM_FLOAT] = "0.5",
		[FORM_BYTES] = "512m",
		[FORM_DURATION] = "1m30s",
		[FORM_MODE] = "\"0440\"",
		[FORM_COUNT] = "all",
		[FORM_STRINGS] = "[one, two]",
		[FORM_VARS] = "{NAME: value}",
		[FORM_LABELS] = "{name: value}",
		[FORM_OPTIONS] = "{name: value}",
		[FORM_MULTI] = "{name: value}",
		[FORM_HOSTS] = "[\"host=10.0.0.2\"]",
		[FORM_COMMAND] = "[echo, hello]",
		[FORM_TEST] = "[CMD, \"true\"]",
		[FORM_ULIMITS] = "{nofile: 20000}",
		[FORM_SSH] = "[default]",
		[FORM_SHAPE] = "{key: value}",
		[FORM_LIST] = "[{key: value}]",
		[FORM_MAP] = "{name: {}}",
		[FORM_ANY] = "value",
		[FORM_NONE] = "value",
	};

	if (key->example)
		return key->example;
	if (key->form == FORM_FLOAT && !(key->accepts & A_NUMBER))
		return "50";
	return by_form[key->form];
}

char *key_help(const struct key *key)
{
	if (!key->example && key->values)
		return xasprintf("for example: %s: %.*s", key->name, (int)strcspn(key->values, "|"),
			key->values);
	return xasprintf("for example: %s: %s", key->name, key_example(key));
}

const char *key_expected(unsigned accepts, char *out, size_t size)
{
	static const struct {
		unsigned bit;
		const char *text;
	} names[] = {
		{A_STRING, "a string"},
		{A_INT, "a whole number"},
		{A_NUMBER, "a number"},
		{A_BOOL, "true or false"},
		{A_LIST, "a list"},
		{A_MAP, "a map"},
	};
	size_t left = 0, len = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		left += (accepts & names[i].bit) != 0;
	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names) && len < size; i++) {
		if (!(accepts & names[i].bit))
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s", names[i].text,
			left > 2    ? ", "
			: left == 2 ? " or "
				    : "");
		left--;
	}
	return out;
}

bool key_to_bool(const struct node *node, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true},
		{"y", true},
		{"yes", true},
		{"on", true},
		{"false", false},
		{"n", false},
		{"no", false},
		{"off", false},
	};

	if (node->kind == NODE_BOOL) {
		*out = node->boolean;
		return true;
	}
	for (size_t i = 0; node->kind == NODE_STRING && i < ARRAY_LEN(words); i++)
		if (strcasecmp(node->text, words[i].word) == 0) {
			*out = words[i].value;
			return true;
		}
	return false;
}

bool key_to_int(const struct node *node, int64_t *out)
{
	switch (node->kind) {
	case NODE_INT:
		*out = node->integer;
		return true;
	case NODE_FLOAT:
		if (!(fabs(node->number) < 9e18))
			return false;
		*out = (int64_t)node->number;
		return true;
	case NODE_STRING:
		return parse_i64(node->text[0] == '+' ? node->text + 1 : node->text, INT64_MIN,
			INT64_MAX, out);
	default:
		return false;
	}
}

bool key_to_float(const struct node *node, double *out)
{
	switch (node->kind) {
	case NODE_INT:
		*out = (double)node->integer;
		return true;
	case NODE_FLOAT:
		*out = node->number;
		return true;
	case NODE_STRING:
		return parse_double(node->text, out);
	default:
		return false;
	}
}
