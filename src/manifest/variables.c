/*
 * variables.c - the variables that a model which is not interpolated asks for.
 */
#include "template.h"

#include "devenv/manifest.h"
#include "devenv/mem.h"

static void add_variable(void *context, const char *name, char op, const char *word)
{
	json_t *out = context;

	if (json_object_get(out, name))
		return;
	json_object_set_new(out, name,
		json_pack("{s:s, s:s, s:s, s:b}", "Name", name, "DefaultValue",
			op == '-' ? word : "", "PresenceValue", op == '+' ? word : "", "Required",
			op == '?'));
}

static void add_all(const json_t *value, json_t *out)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value)) {
		autobuf struct buf scratch = BUF_INIT(0);
		struct template template = {.found = add_variable, .context = out};

		template_expand(&template, json_string_value(value), &scratch);
	}
	json_object_foreach ((json_t *)value, key, item)
		add_all(item, out);
	json_array_foreach (value, i, item)
		add_all(item, out);
}

json_t *manifest_variables(const json_t *model)
{
	json_t *out = json_object();

	add_all(model, out);
	return out;
}
