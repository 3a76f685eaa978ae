/*
 * model_view.c - the model as `docker compose config --format json` shows it.
 *
 * Compose keeps x- keys out of its JSON (but for those of the top level), and models too; devenv
 * needs both in its own model.
 */
#include "keys.h"

#include "devenv/manifest.h"

#include <string.h>

static json_t *shown_object(const json_t *object, const struct shape *shape);

static json_t *shown_map(const json_t *map, const struct shape *shape)
{
	json_t *out = json_object();
	const char *name;
	json_t *item;

	json_object_foreach ((json_t *)map, name, item)
		json_object_set_new(out, name,
			json_is_object(item) ? shown_object(item, shape) : json_incref(item));
	return out;
}

static json_t *shown_list(const json_t *list, const struct shape *shape)
{
	json_t *out = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		json_array_append_new(
			out, json_is_object(item) ? shown_object(item, shape) : json_incref(item));
	return out;
}

static json_t *shown_value(const struct key *key, json_t *value)
{
	if (!key || !key->shape)
		return json_incref(value);
	if (key->form == FORM_LIST && json_is_array(value))
		return shown_list(value, key->shape);
	if ((key->form == FORM_MAP || key->form == FORM_ULIMITS) && json_is_object(value))
		return shown_map(value, key->shape);
	if (key->form == FORM_SHAPE && json_is_object(value))
		return shown_object(value, key->shape);
	return json_incref(value);
}

/* Compose's copy of what it knows no type for has null for an empty list. */
static json_t *without_empty_lists(json_t *value)
{
	json_t *out, *item;
	const char *name;
	size_t i;

	if (json_is_array(value) && !json_array_size(value))
		return json_null();
	if (json_is_array(value)) {
		out = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(out, without_empty_lists(item));
		return out;
	}
	if (!json_is_object(value))
		return json_incref(value);
	out = json_object();
	json_object_foreach (value, name, item)
		json_object_set_new(out, name, without_empty_lists(item));
	return out;
}

static json_t *shown_object(const json_t *object, const struct shape *shape)
{
	json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		bool top = shape == &shape_document;

		if (top ? strcmp(name, "models") == 0 : key_is_extension(name))
			continue;
		json_object_set_new(out, name,
			key_is_extension(name) ? without_empty_lists(value)
					       : shown_value(shape_find(shape, name), value));
	}
	return out;
}

json_t *manifest_json(const json_t *model)
{
	return shown_object(model, &shape_document);
}

json_t *manifest_raw_json(const json_t *model)
{
	return without_empty_lists((json_t *)model);
}
