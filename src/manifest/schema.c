/*
 * schema.c - the table of keys as a JSON Schema (2020-12), for editors and for `devenv schema`.
 *
 * Each shape becomes one entry of $defs, named after its place, so that recursion and repetition
 * cost nothing.  The schema is as strict as check.c about keys, types and words.
 */
#include "keys.h"

#include "devenv/manifest.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

static void define_shape(const struct shape *shape, json_t *defs);

/* "services.NAME.ports[]" -> "services.NAME.ports": what may stand in a URI. The caller's. */
static char *definition_name(const struct shape *shape)
{
	char *name = xmalloc(strlen(shape->place) + 1);
	size_t len = 0;

	for (const char *p = shape->place; *p; p++)
		if (*p != '[' && *p != ']')
			name[len++] = (char)(*p == ' ' ? '-' : *p);
	name[len] = '\0';
	return name;
}

/* "services.NAME.build" -> {"$ref": "#/$defs/services.NAME.build"}, defined on first use. */
static json_t *reference(const struct shape *shape, json_t *defs)
{
	autofree char *name = definition_name(shape);
	autofree char *at = xasprintf("#/$defs/%s", name);

	define_shape(shape, defs);
	return json_pack("{s:s}", "$ref", at);
}

static json_t *type(const char *name)
{
	return json_pack("{s:s}", "type", name);
}

static json_t *scalars(bool numbers, bool others)
{
	json_t *types = json_pack("[s]", "string");

	if (numbers || others)
		json_array_append_new(types, json_string("number"));
	if (others) {
		json_array_append_new(types, json_string("boolean"));
		json_array_append_new(types, json_string("null"));
	}
	return json_pack("{s:o}", "type", types);
}

/* What the items of a list are. */
static json_t *item_schema(const struct key *key, json_t *defs)
{
	json_t *any = json_array();

	if ((key->form == FORM_LIST || key->form == FORM_NONE) && key->shape)
		json_array_append_new(any, reference(key->shape, defs));
	if (!json_array_size(any) || (key->items & A_STRING))
		json_array_append_new(any, type("string"));
	if ((key->items & A_NUMBER) || (key->flags & KEY_NUMBERS))
		json_array_append_new(any, type("number"));
	return json_pack("{s:o}", "anyOf", any);
}

/* What the values of a map of free names are. */
static json_t *member_schema(const struct key *key, json_t *defs)
{
	switch (key->form) {
	case FORM_MAP:
		if (!(key->flags & KEY_NULLS))
			return reference(key->shape, defs);
		return json_pack("{s:[o, o]}", "anyOf", reference(key->shape, defs), type("null"));
	case FORM_ULIMITS:
		return json_pack("{s:[o, o]}", "anyOf", reference(key->shape, defs),
			json_pack("{s:[s, s]}", "type", "integer", "string"));
	case FORM_HOSTS:
	case FORM_MULTI:
		return json_pack("{s:[o, o]}", "anyOf", scalars(true, key->form == FORM_MULTI),
			type("array"));
	default:
		return scalars(true, true);
	}
}

static json_t *map_schema(const struct key *key, json_t *defs)
{
	json_t *map;

	if (key->shape && key->form != FORM_MAP && key->form != FORM_ULIMITS)
		return reference(key->shape, defs);
	map = type("object");
	json_object_set_new(map, "additionalProperties", member_schema(key, defs));
	if (key->flags & KEY_NAMES)
		json_object_set_new(
			map, "propertyNames", json_pack("{s:s}", "pattern", "^[a-zA-Z0-9._-]+$"));
	return map;
}

static json_t *words(const struct key *key)
{
	autostrv struct strv list = STRV_INIT;

	strv_split(&list, key->values, '|');
	return json_pack("{s:o}", "enum", json_from_strv(&list));
}

static json_t *number(const struct key *key, const char *name)
{
	json_t *out = type(name);

	if (key->min || key->max) {
		json_object_set_new(out, "minimum", json_integer(key->min));
		if (key->max != INT64_MAX)
			json_object_set_new(out, "maximum", json_integer(key->max));
	}
	return out;
}

static json_t *key_schema(const struct key *key, json_t *defs)
{
	json_t *any = json_array();
	json_t *out;

	if (key->accepts & A_STRING)
		json_array_append_new(any, key->values ? words(key) : type("string"));
	if (key->accepts & A_NUMBER)
		json_array_append_new(any, number(key, "number"));
	else if (key->accepts & A_INT)
		json_array_append_new(any, number(key, "integer"));
	if (key->accepts & A_BOOL)
		json_array_append_new(any, type("boolean"));
	if (key->accepts & A_NULL)
		json_array_append_new(any, type("null"));
	if (key->accepts & A_LIST)
		json_array_append_new(any,
			json_pack("{s:s, s:o}", "type", "array", "items", item_schema(key, defs)));
	if (key->accepts & A_MAP)
		json_array_append_new(any, map_schema(key, defs));
	if (json_array_size(any) == 1) {
		out = json_incref(json_array_get(any, 0));
		json_decref(any);
	} else {
		out = json_pack("{s:o}", "anyOf", any);
	}
	json_set_str(out, "description", key->doc);
	return out;
}

static void define_shape(const struct shape *shape, json_t *defs)
{
	autofree char *name = definition_name(shape);
	json_t *properties, *required, *out;

	if (json_object_get(defs, name))
		return;
	out = type("object");
	json_object_set_new(defs, name, out);
	properties = json_object();
	required = json_array();
	json_object_set_new(out, "properties", properties);
	for (size_t i = 0; i < shape->n; i++) {
		json_object_set_new(
			properties, shape->keys[i].name, key_schema(&shape->keys[i], defs));
		if (shape->keys[i].flags & KEY_REQUIRED)
			json_array_append_new(required, json_string(shape->keys[i].name));
	}
	if (json_array_size(required))
		json_object_set(out, "required", required);
	json_decref(required);
	if (!shape->closed)
		json_object_set_new(out, "patternProperties", json_pack("{s:{}}", "^x-"));
	json_object_set_new(out, "additionalProperties", json_boolean(shape->open));
}

json_t *manifest_schema(void)
{
	json_t *defs = json_object();
	json_t *root = reference(&shape_document, defs);

	json_object_set_new(
		root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(root, "title", json_string("devenv manifest"));
	json_object_set_new(root, "$defs", defs);
	return root;
}
