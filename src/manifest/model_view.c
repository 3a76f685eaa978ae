/*
 * model_view.c - the model as `docker compose config` prints it, so that its output can be read again.
 *
 * Compose doubles every `$` of what it prints, and its JSON has neither x- keys (but for those of the
 * top level) nor models.
 */
#include "keys.h"

#include "devenv/buf.h"
#include "devenv/manifest.h"
#include "devenv/mem.h"

#include <string.h>

/* A text of a manifest; it was read within this limit, doubled at most. */
#define TEXT_LIMIT ((size_t)64 << 20)

static char *double_dollars(const char *text)
{
	autobuf struct buf out = BUF_INIT(TEXT_LIMIT);

	for (; *text; text++) {
		if (*text == '$')
			buf_addch(&out, '$');
		buf_addch(&out, *text);
	}
	return buf_detach(&out);
}

static json_t *printed(const json_t *value, const struct shape *shape, bool json);

/* The shape of the maps in `key`'s value, or NULL when its keys are free. */
static const struct shape *shape_below(const struct shape *shape, const char *name, enum form *form)
{
	const struct key *key = shape ? shape_find(shape, name) : NULL;

	*form = key ? key->form : FORM_ANY;
	return key ? key->shape : NULL;
}

static json_t *printed_member(
	const json_t *value, const struct shape *below, enum form form, bool json)
{
	json_t *out;
	const char *name;
	json_t *item;
	size_t i;

	if (form == FORM_MAP && json_is_object(value)) {
		out = json_object();
		json_object_foreach ((json_t *)value, name, item) {
			autofree char *key = double_dollars(name);

			json_object_set_new(out, key, printed(item, below, json));
		}
		return out;
	}
	if (form == FORM_LIST && json_is_array(value)) {
		out = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(out, printed(item, below, json));
		return out;
	}
	return printed(value, form == FORM_SHAPE ? below : NULL, json);
}

static json_t *printed_object(const json_t *object, const struct shape *shape, bool json)
{
	json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		autofree char *key = double_dollars(name);
		enum form form;
		const struct shape *below = shape_below(shape, name, &form);

		if (json && shape && shape != &shape_document && key_is_extension(name))
			continue;
		if (json && shape == &shape_document && strcmp(name, "models") == 0)
			continue;
		json_object_set_new(out, key, printed_member(value, below, form, json));
	}
	return out;
}

static json_t *printed(const json_t *value, const struct shape *shape, bool json)
{
	json_t *out, *item;
	size_t i;

	if (json_is_object(value))
		return printed_object(value, shape, json);
	if (json_is_array(value)) {
		out = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(out, printed(item, NULL, json));
		return out;
	}
	if (json_is_string(value)) {
		autofree char *text = double_dollars(json_string_value(value));

		return json_string(text);
	}
	return json_deep_copy(value);
}

json_t *manifest_printed(const json_t *model, bool json)
{
	return printed(model, &shape_document, json);
}
