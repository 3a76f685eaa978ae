/*
 * check.c - a document against the table of keys, as it was written (short forms included).
 *
 * Everything that is wrong is reported, not only the first: an unknown key with what it was
 * probably meant to be, a key that belongs elsewhere with where, a value of the wrong type with
 * what is expected and an example.  What only shows after merging files (required keys, references)
 * is asked in model.c.
 */
#include "keys.h"
#include "pipeline.h"
#include "place.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Keys of one map that "did you mean" looks at. */
#define SUGGESTED_MAX 1000 /* problems; diag.c keeps fewer than that */
#define SUGGEST_MAX 128

static void check_value(const struct key *key, const struct node *node, const struct place *place,
	struct diags *diags);

/* === keys that are not in the map's shape === */

/* Words of Dockerfiles, of docker run and of the first Compose format that no spelling leads to. */
static const struct {
	const char *word, *key;
} other_words[] = {
	{"cmd", "command"},
	{"dst", "target"},
	{"env", "environment"},
	{"from", "image"},
	{"img", "image"},
	{"log_driver", "logging"},
	{"log_opt", "logging"},
	{"net", "network_mode"},
	{"run", "command"},
	{"src", "source"},
	{"volume_driver", "volumes"},
	{"workdir", "working_dir"},
};

/* Keys of the specification that docker compose 2.40 does not know yet. */
static bool is_newer_key(const struct shape *shape, const char *name)
{
	return (shape == &shape_service && str_eq(name, "pre_start")) ||
	       (shape == &shape_build && str_eq(name, "no_cache_filter"));
}

static const char *suggest_key(const struct shape *shape, const char *text)
{
	const char *words[SUGGEST_MAX + 1];
	autofree char *name = xstrdup(text);
	size_t n = 0;

	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < ARRAY_LEN(other_words); i++)
		if (str_eq(name, other_words[i].word) && shape_find(shape, other_words[i].key))
			return other_words[i].key;
	for (size_t i = 0; i < shape->n && n < SUGGEST_MAX; i++)
		words[n++] = shape->keys[i].name;
	words[n] = NULL;
	return str_suggest(name, words);
}

/* The first place of `list` that has a key `name` and is not `here`; NULL when there is none. */
static const char *belongs_in(
	const struct shape *const *list, const struct shape *here, const char *name)
{
	for (; *list; list++)
		if (*list != here && !key_is_extension((*list)->place) && shape_find(*list, name))
			return (*list)->place;
	return NULL;
}

static const char *place_of_key(const struct shape *here, const char *name)
{
	const struct shape *const *lists[] = {shapes_top, shapes_service, shapes_deploy};
	const char *found = NULL;

	/* Services first for what is near them: that is where a lost key mostly came from. */
	if ((here == &shape_document || str_starts(here->place, "services.")) &&
		(found = belongs_in(shapes_service, here, name)))
		return found;
	for (size_t i = 0; !found && i < ARRAY_LEN(lists); i++)
		found = belongs_in(lists[i], here, name);
	return found;
}

/* A service at the top level, as in the first Compose format. */
static bool is_service(const struct node *value)
{
	return node_get(value, "image") || node_get(value, "build");
}

static void unknown_key(const struct shape *shape, const struct node *key, const struct node *value,
	const struct place *place, struct diags *diags)
{
	bool kept = diags->errors < SUGGESTED_MAX;
	const char *meant = kept ? suggest_key(shape, key->text) : NULL;
	const char *elsewhere = kept ? place_of_key(shape, key->text) : NULL;

	if (shape == &shape_document && is_service(value))
		place_error(diags, key, place,
			"for example: services: {web: {image: \"nginx:1.27\"}}",
			"misplaced service: it belongs below \"services\"");
	else if (is_newer_key(shape, key->text))
		place_error(diags, key, place, "it cannot be used here yet: take it out",
			"not supported: \"%s\" is of a later Compose", key->text);
	else if (elsewhere && meant && str_distance(key->text, meant) <= 1)
		place_error(diags, key, place, NULL,
			"unknown key (did you mean \"%s\"? \"%s\" belongs in %s)", meant, key->text,
			elsewhere);
	else if (elsewhere)
		place_error(diags, key, place, NULL, "misplaced key: \"%s\" belongs in %s",
			key->text, elsewhere);
	else if (meant)
		place_error(diags, key, place, NULL, "unknown key (did you mean \"%s\"?)", meant);
	else
		place_error(diags, key, place, "keys of your own begin with x-", "unknown key");
}

/* A key of devenv's own, misspelt or misplaced? Compose ignores it, so that is but a warning. */
static void check_extension(const struct shape *shape, const struct node *key,
	const struct place *place, struct diags *diags)
{
	const char *elsewhere = place_of_key(shape, key->text);

	for (size_t i = 0; i < shape->n; i++) {
		const char *name = shape->keys[i].name;

		if (key_is_extension(name) && str_distance(name, key->text) == 1) {
			place_error(
				diags, key, place, NULL, "not read (did you mean \"%s\"?)", name);
			return;
		}
	}
	if (elsewhere)
		place_error(diags, key, place, NULL, "not read here: \"%s\" belongs in %s",
			key->text, elsewhere);
}

static void check_shape(const struct shape *shape, const struct node *map,
	const struct place *place, struct diags *diags)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct node *name = map->keys[i];
		struct place here = {.up = place, .name = name->text};
		const struct key *key = shape_find(shape, name->text);

		if (key && key->warning)
			place_warning(diags, name, &here, NULL, "%s", key->warning);
		if (key)
			check_value(key, map->items[i], &here, diags);
		else if (!shape->open && (shape->closed || !key_is_extension(name->text)))
			unknown_key(shape, name, map->items[i], &here, diags);
		else if (key_is_extension(name->text))
			check_extension(shape, name, &here, diags);
	}
}

/* === scalars === */

static unsigned kind_bit(const struct node *node)
{
	switch (node->kind) {
	case NODE_NULL:
		return A_NULL;
	case NODE_BOOL:
		return A_BOOL;
	case NODE_INT:
		return A_INT | A_NUMBER;
	case NODE_FLOAT: /* JSON Schema: 1.0 is a whole number */
		return node->number == floor(node->number) ? A_INT | A_NUMBER : A_NUMBER;
	case NODE_DATE: /* nothing accepts one */
		return 0;
	case NODE_STRING:
		return A_STRING;
	case NODE_LIST:
		return A_LIST;
	case NODE_MAP:
		return A_MAP;
	}
	return 0;
}

static void wrong_type(const struct key *key, unsigned accepts, bool example,
	const struct node *node, const struct place *place, struct diags *diags)
{
	autofree char *help = NULL;
	char expected[128];

	key_expected(accepts, expected, sizeof(expected));
	if (key->form == FORM_DURATION && node->kind == NODE_INT)
		help = xasprintf("give it a unit: %s: %ss", key->name, node->text);
	else if (node_is_scalar(node) && node->kind != NODE_STRING && (accepts & A_STRING))
		help = xasprintf("quote it: \"%s\"", node->text);
	else if (node->kind == NODE_STRING && (accepts & A_MAP) && strchr(node->text, ':') &&
		 !node->quoted)
		help = xstrdup("put a space after the colon");
	else if (example)
		help = key_help(key);
	if (node->kind == NODE_NULL)
		place_error(diags, node, place, help, "expected %s, but it is empty", expected);
	else
		place_error(diags, node, place, help, "expected %s, not %s", expected,
			node_kind_name(node));
}

/* true when `node` is of one of the kinds; else reported, perhaps with an example. */
static bool check_kind(const struct key *key, unsigned accepts, bool example,
	const struct node *node, const struct place *place, struct diags *diags)
{
	if (kind_bit(node) & accepts)
		return true;
	wrong_type(key, accepts, example, node, place, diags);
	return false;
}

static bool word_among(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (*words) {
		size_t next = strcspn(words, "|");

		if (next == len && strncmp(words, word, len) == 0)
			return true;
		words += next + (words[next] == '|');
	}
	return false;
}

static void check_words(const struct key *key, const struct node *node, const struct place *place,
	struct diags *diags)
{
	autostrv struct strv words = STRV_INIT;
	autofree char *listed = NULL;
	const char *meant;

	if (word_among(key->values, node->text))
		return;
	strv_split(&words, key->values, '|');
	listed = strv_join(&words, ", ");
	meant = str_suggest(node->text, (const char *const *)words.v);
	if (meant)
		place_error(diags, node, place, NULL,
			"\"%s\" is not one of %s (did you mean \"%s\"?)", node->text, listed,
			meant);
	else
		place_error(
			diags, node, place, NULL, "\"%s\" is not one of %s", node->text, listed);
}

/* compose-spec.json: the two patterns of the schema, which need to match somewhere in the text. */
static bool pattern_ok(const struct key *key, const char *text)
{
	static const char *const policies[] = {"always", "never", "build", "if_not_present",
		"missing", "refresh", "daily", "weekly"};
	const char *every;

	if (str_eq(key->name, "container_name")) {
		for (; *text; text++)
			if (isalnum((unsigned char)text[0]) &&
				(isalnum((unsigned char)text[1]) ||
					(text[1] && strchr("_.-", text[1]))))
				return true;
		return false;
	}
	if (!str_eq(key->name, "pull_policy"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (strstr(text, policies[i]))
			return true;
	every = strstr(text, "every_");
	if (!every)
		return false;
	every += strlen("every_");
	every += strspn(every, "0123456789");
	return isdigit((unsigned char)every[-1]) && *every && strchr("wdhms", *every);
}

static bool number_ok(const struct key *key, const struct node *node)
{
	int64_t whole;
	double number;
	bool truth;

	switch (key->form) {
	case FORM_BOOL:
		return key_to_bool(node, &truth);
	case FORM_INT:
		return key_to_int(node, &whole) &&
		       ((!key->min && !key->max) || (whole >= key->min && whole <= key->max));
	case FORM_BYTES:
		return node->kind != NODE_INT || (!key->min && !key->max) ||
		       (node->integer >= key->min && node->integer <= key->max);
	case FORM_FLOAT:
		return key_to_float(node, &number) &&
		       ((key->accepts & A_NUMBER) || number == floor(number)) &&
		       ((!key->min && !key->max) ||
			       (number >= (double)key->min && number <= (double)key->max));
	default:
		return true;
	}
}

/* As Compose casts it, and warns. */
static void check_truth(const struct node *node, const struct place *place, struct diags *diags)
{
	static const char *const yes[] = {"y", "yes", "on"}, *const no[] = {"n", "no", "off"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (strcasecmp(node->text, yes[i]) == 0 || strcasecmp(node->text, no[i]) == 0)
			place_warning(diags, node, place, NULL,
				"\"%s\" is no boolean of YAML 1.2: write %s", node->text,
				strcasecmp(node->text, yes[i]) == 0 ? "true" : "false");
}

static void check_scalar(const struct key *key, const struct node *node, const struct place *place,
	struct diags *diags)
{
	autofree char *help = NULL;
	char expected[128];

	if (!node_is_scalar(node) || strchr(node->text, '$')) /* an uninterpolated ${NAME} */
		return;
	if (key->values && node->kind == NODE_STRING)
		check_words(key, node, place, diags);
	if (key->form == FORM_BOOL)
		check_truth(node, place, diags);
	if (number_ok(key, node) && pattern_ok(key, node->text))
		return;
	help = key_help(key);
	if (key->min || key->max) {
		if (key->max == INT64_MAX)
			place_error(diags, node, place, help,
				"expected a number from %lld, not \"%s\"", (long long)key->min,
				node->text);
		else
			place_error(diags, node, place, help,
				"expected a number from %lld to %lld, not \"%s\"",
				(long long)key->min, (long long)key->max, node->text);
	} else if (key->form == FORM_TEXT) {
		place_error(diags, node, place, help, "\"%s\" is not a valid %s", node->text,
			key->name);
	} else {
		place_error(diags, node, place, help, "expected %s, not \"%s\"",
			key_expected(
				key->accepts & ~(unsigned)A_STRING, expected, sizeof(expected)),
			node->text);
	}
}

/* === lists and maps === */

static bool name_ok(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

/* Equal items are wrong where compose-spec.json says uniqueItems and compose does not drop them. */
static void check_unique(const struct key *key, const struct node *list, const struct place *place,
	struct diags *diags)
{
	if (!(key->flags & KEY_UNIQUE) ||
		list->n > 1000) /* a quadratic look at hostile lists: no */
		return;
	for (size_t i = 1; i < list->n; i++)
		for (size_t j = 0; j < i; j++)
			if (node_equal(list->items[i], list->items[j])) {
				struct place here = {.up = place, .index = i};

				place_error(diags, list->items[i], &here, NULL, "written twice");
				break;
			}
}

/* A list whose items are scalars of `accepts`, or maps when the key has a shape. */
static void check_list(const struct key *key, const struct node *list, unsigned accepts,
	const struct place *place, struct diags *diags)
{
	if (key->shape && key->form != FORM_MAP && key->form != FORM_ULIMITS)
		accepts |= A_MAP;
	for (size_t i = 0; i < list->n; i++) {
		struct place here = {.up = place, .index = i};
		const struct node *item = list->items[i];

		if (item->tag == TAG_RESET)
			continue;
		if (!check_kind(key, accepts, true, item, &here, diags))
			continue;
		if (item->kind == NODE_MAP && key->shape)
			check_shape(key->shape, item, &here, diags);
	}
	check_unique(key, list, place, diags);
}

/* A map of free names; values are scalars of `accepts`, lists of scalars, or maps of the shape. */
static void check_names(const struct key *key, const struct node *map, unsigned accepts,
	const struct place *place, struct diags *diags)
{
	for (size_t i = 0; i < map->n; i++) {
		struct place here = {.up = place, .name = map->keys[i]->text};
		const struct node *value = map->items[i];

		if ((key->flags & KEY_NAMES) && !name_ok(here.name))
			place_error(diags, map->keys[i], &here, NULL,
				"a name may have letters, digits, \".\", \"_\" and \"-\" only");
		if (value->tag == TAG_RESET ||
			!check_kind(key, accepts, false, value, &here, diags))
			continue;
		if (value->kind == NODE_MAP && key->shape)
			check_shape(key->shape, value, &here, diags);
		else if (value->kind == NODE_LIST)
			check_list(key, value, accepts & ~(unsigned)A_LIST, &here, diags);
	}
}

static unsigned value_kinds(const struct key *key)
{
	unsigned null = key->flags & KEY_NULLS ? A_NULL : 0;

	switch (key->form) {
	case FORM_VARS:
	case FORM_LABELS:
	case FORM_SSH:
		return A_STRING | A_NUMBER | A_BOOL | A_NULL;
	case FORM_OPTIONS:
		return A_STRING | A_NUMBER | null;
	case FORM_MULTI:
		return A_STRING | A_NUMBER | A_BOOL | A_LIST;
	case FORM_HOSTS:
		return A_STRING | A_LIST;
	case FORM_ULIMITS:
		return A_INT | A_STRING | A_MAP;
	case FORM_MAP:
		return A_MAP | null;
	default:
		return 0;
	}
}

static void check_value(const struct key *key, const struct node *node, const struct place *place,
	struct diags *diags)
{
	unsigned items = A_STRING;
	unsigned values = value_kinds(key);

	if (node->tag == TAG_RESET || !check_kind(key, key->accepts, true, node, place, diags))
		return;
	if (node->kind == NODE_LIST) {
		if (key->form == FORM_LIST || (key->form == FORM_NONE && key->items))
			items = key->items;
		else if (key->flags & KEY_NUMBERS)
			items |= A_NUMBER;
		if (key->form != FORM_ANY)
			check_list(key, node, items, place, diags);
	} else if (node->kind == NODE_MAP) {
		if (values)
			check_names(key, node, values, place, diags);
		else if (key->shape)
			check_shape(key->shape, node, place, diags);
	} else {
		check_scalar(key, node, place, diags);
	}
}

void check_document(const struct node *doc, struct diags *diags)
{
	if (doc->kind == NODE_MAP)
		check_shape(&shape_document, doc, NULL, diags);
	else
		node_error(diags, doc, NULL,
			"for example: services: {web: {image: \"nginx:1.27\"}}",
			"expected a map of services, volumes, ..., not %s", node_kind_name(doc));
}
