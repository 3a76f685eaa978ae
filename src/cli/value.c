/*
 * value.c - option values: text from the command line into the members of an options struct.
 */
#include "table.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <stdlib.h>
#include <string.h>

static int set_flag(bool *out, const char *as, const char *text, struct err *err)
{
	if (!text || str_eq(text, "true"))
		*out = true;
	else if (str_eq(text, "false"))
		*out = false;
	else
		return err_set(err, ERR_USAGE, "%s takes true or false, not \"%s\"", as, text);
	return 0;
}

static int set_int(const struct option_spec *option, int64_t *out, const char *as, const char *text,
	struct err *err)
{
	if (parse_i64(text, option->min, option->max, out))
		return 0;
	return err_set(err, ERR_USAGE, "%s takes a number from %lld to %lld, not \"%s\"", as,
		(long long)option->min, (long long)option->max, text);
}

static int set_seconds(int64_t *out, const char *as, const char *text, struct err *err)
{
	uint64_t seconds = 0;
	int64_t ns = 0;

	if (parse_u64(text, 0, INT64_MAX / 1000, &seconds)) {
		*out = (int64_t)seconds * 1000;
		return 0;
	}
	if (!parse_duration(text, &ns))
		return err_set(err, ERR_USAGE,
			"%s takes seconds or a duration like 1m30s, not \"%s\"", as, text);
	*out = ns / 1000000;
	return 0;
}

static int set_choice(const struct option_spec *option, const char **out, const char *as,
	const char *text, struct err *err)
{
	const char *meant = str_suggest(text, option->choices);
	autofree char *names = option_value_name(option);

	for (size_t i = 0; option->choices[i]; i++) {
		if (str_eq(option->choices[i], text)) {
			*out = option->choices[i];
			return 0;
		}
	}
	err_set(err, ERR_USAGE, "%s takes %s, not \"%s\"", as, names, text);
	return meant ? err_hint(err, " (did you mean \"%s\"?)", meant) : -1;
}

int value_set(const struct option_spec *option, void *options, const char *as, const char *text,
	struct err *err)
{
	void *member = (char *)options + option->offset;

	switch (option->type) {
	case OPT_FLAG:
		return set_flag(member, as, text, err);
	case OPT_STRING:
		*(const char **)member = text;
		return 0;
	case OPT_INT:
		return set_int(option, member, as, text, err);
	case OPT_SECONDS:
		return set_seconds(member, as, text, err);
	case OPT_CHOICE:
		return set_choice(option, member, as, text, err);
	case OPT_LIST:
		strv_push(member, text);
		return 0;
	case OPT_END:
		break;
	}
	return err_set(err, ERR_FAILED, "BUG: option %s has no type", as);
}

void options_default(const struct option_spec *rows, void *options)
{
	for (; rows && rows->type != OPT_END; rows++) {
		struct err err = ERR_INIT;

		/* cli_check_table() has proven that every default can be read. */
		if (rows->def)
			value_set(rows, options, rows->name, rows->def, &err);
	}
}

void *options_new(const struct option_spec *rows, size_t size)
{
	void *options = NULL;

	if (!rows || !size)
		return NULL;
	options = xcalloc(1, size);
	options_default(rows, options);
	return options;
}

void options_clear(const struct option_spec *rows, void *options)
{
	for (; options && rows && rows->type != OPT_END; rows++)
		if (rows->type == OPT_LIST)
			strv_release((struct strv *)((char *)options + rows->offset));
}

void cli_options_free(const struct command *command, void *options)
{
	if (!options)
		return;
	options_clear(command->options, options);
	free(options);
}
