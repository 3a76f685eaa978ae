/*
 * merge.c - several trees into one, by the rules of compose-spec 13-merge.md.
 *
 * In general maps merge by key, lists are joined and scalars are replaced.  The tables below are
 * the exceptions (compose-go's override package).  Works on canonical forms, in place: the base is
 * changed and what is taken from `over` is shared with it.
 */
#include "convert.h"
#include "order.h"
#include "pipeline.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 6       /* no rule is longer */
#define COMPARED_MAX 1000 /* of a longer list no two items are compared */

enum rule {
	RULE_NONE,
	RULE_REPLACE,
	/* a map whose null values count: NAME without a value; raw, a list of pairs */
	RULE_VALUES,
	RULE_NAMED,       /* the same, but a map also when it is raw */
	RULE_ADD_NEW,     /* a list: only what is not there yet */
	RULE_ONCE,        /* a list: nothing of it may be there already */
	RULE_VALUES_ONCE, /* as RULE_VALUES, likewise */
	RULE_PAIRS,       /* two lists of KEY=VALUE, likewise, or two maps */
	RULE_LOGGING,
	RULE_IPAM
};

/* What makes two items of a list the same thing; the later one takes the place of the earlier. */
enum identity {
	IDENTITY_NONE,
	IDENTITY_NAME, /* "NAME=value", or the text */
	IDENTITY_TARGET,
	IDENTITY_SECRET, /* target, or source in its usual folder */
	IDENTITY_CONFIG,
	IDENTITY_PORT,
	IDENTITY_PATH
};

struct rule_row {
	const char *pattern; /* from the section on; "*" is any name */
	enum rule rule;
	enum identity identity;
};

static const struct rule_row rule_rows[] = {
	{"networks.*.ipam.config", RULE_IPAM, IDENTITY_NONE},
	{"networks.*.labels", RULE_VALUES, IDENTITY_NAME},
	{"networks.*.ipam.options", RULE_NONE, IDENTITY_NAME},
	{"volumes.*.labels", RULE_VALUES_ONCE, IDENTITY_NONE},
	{"secrets.*.labels", RULE_PAIRS, IDENTITY_NONE},
	{"configs.*.labels", RULE_PAIRS, IDENTITY_NONE},
	{"services.*.annotations", RULE_VALUES, IDENTITY_NAME},
	{"services.*.build.args", RULE_VALUES, IDENTITY_NAME},
	{"services.*.build.additional_contexts", RULE_NAMED, IDENTITY_NAME},
	{"services.*.build.extra_hosts", RULE_ADD_NEW, IDENTITY_NONE},
	{"services.*.build.labels", RULE_VALUES, IDENTITY_NAME},
	{"services.*.build.platforms", RULE_NONE, IDENTITY_NONE},
	{"services.*.build.tags", RULE_NONE, IDENTITY_NAME},
	{"services.*.cap_add", RULE_NONE, IDENTITY_NAME},
	{"services.*.cap_drop", RULE_NONE, IDENTITY_NAME},
	{"services.*.command", RULE_REPLACE, IDENTITY_NONE},
	{"services.*.configs", RULE_NONE, IDENTITY_CONFIG},
	{"services.*.deploy.labels", RULE_VALUES, IDENTITY_NAME},
	{"services.*.device_cgroup_rules", RULE_ONCE, IDENTITY_NONE},
	{"services.*.devices", RULE_NONE, IDENTITY_TARGET},
	{"services.*.dns", RULE_NONE, IDENTITY_NAME},
	{"services.*.dns_opt", RULE_NONE, IDENTITY_NAME},
	{"services.*.dns_search", RULE_NONE, IDENTITY_NAME},
	{"services.*.entrypoint", RULE_REPLACE, IDENTITY_NONE},
	{"services.*.env_file", RULE_NONE, IDENTITY_PATH},
	{"services.*.environment", RULE_VALUES, IDENTITY_NAME},
	{"services.*.expose", RULE_NONE, IDENTITY_NAME},
	{"services.*.external_links", RULE_ONCE, IDENTITY_NONE},
	{"services.*.extra_hosts", RULE_ADD_NEW, IDENTITY_NONE},
	{"services.*.group_add", RULE_ONCE, IDENTITY_NONE},
	{"services.*.healthcheck.test", RULE_REPLACE, IDENTITY_NONE},
	{"services.*.labels", RULE_VALUES, IDENTITY_NAME},
	{"services.*.links", RULE_NONE, IDENTITY_NAME},
	{"services.*.logging", RULE_LOGGING, IDENTITY_NONE},
	{"services.*.networks.*.aliases", RULE_NONE, IDENTITY_NAME},
	{"services.*.networks.*.link_local_ips", RULE_NONE, IDENTITY_NAME},
	{"services.*.ports", RULE_NONE, IDENTITY_PORT},
	{"services.*.profiles", RULE_NONE, IDENTITY_NAME},
	{"services.*.secrets", RULE_NONE, IDENTITY_SECRET},
	{"services.*.security_opt", RULE_ONCE, IDENTITY_NONE},
	{"services.*.sysctls", RULE_VALUES, IDENTITY_NAME},
	{"services.*.tmpfs", RULE_NONE, IDENTITY_NAME},
	{"services.*.ulimits.*", RULE_REPLACE, IDENTITY_NONE},
	{"services.*.volumes", RULE_NONE, IDENTITY_TARGET},
	{"services.*.volumes_from", RULE_ONCE, IDENTITY_NONE},
};

struct merge {
	struct arena *arena;
	struct diags *diags;
	bool raw;
	const char *parts[PARTS_MAX]; /* the keys that lead here */
	int depth;                    /* may be more than PARTS_MAX */
};

/* The rule of this place. */
static const struct rule_row *find_row(const struct merge *merge)
{
	static const struct rule_row none = {"", RULE_NONE, IDENTITY_NONE};

	if (merge->depth < 3 || merge->depth > PARTS_MAX)
		return &none;
	for (size_t i = 0; i < ARRAY_LEN(rule_rows); i++) {
		if (model_parts_match(merge->parts, merge->depth, rule_rows[i].pattern))
			return &rule_rows[i];
	}
	return &none;
}

static void enter(struct merge *merge, const char *key)
{
	if (merge->depth < PARTS_MAX)
		merge->parts[merge->depth] = key;
	merge->depth++;
}

/* The caller's. */
static char *path_text(const struct merge *merge)
{
	autobuf struct buf path = BUF_INIT(4096);

	for (int i = 0; i < merge->depth && i < PARTS_MAX; i++)
		buf_addf(&path, "%s%s", i ? "." : "", merge->parts[i]);
	return buf_detach(&path);
}

/*
 * `!reset` of one name in what is a list of NAME=value for Compose - written as one, or merged -
 * does nothing there.
 */
static void report_out_of_reach(struct merge *merge, const struct node *item)
{
	autofree char *path = path_text(merge);

	node_warning(merge->diags, item, path,
		"!reset or !override the whole of it, or make a map of what it is merged onto",
		"!reset does not reach into a list, so this stays");
}

/* === lists === */

static const char *text_of(const struct node *node, const char *key, const char *otherwise)
{
	const char *text = node_get_text(node, key);

	return text ? text : otherwise;
}

/* As compose-go's portIndexer has it: the number 80 and the text "80" are two things. */
static const char *identify_port(struct arena *arena, const struct node *item)
{
	const struct node *published = node_get(item, "published");
	const char *kind = !published ? "none" : published->kind == NODE_INT ? "int" : "";

	return arena_printf(arena, "%s:%s%s:%s/%s", text_of(item, "host_ip", "0.0.0.0"), kind,
		text_of(item, "published", ""), text_of(item, "target", ""),
		text_of(item, "protocol", "tcp"));
}

static const char *identify_file(struct arena *arena, const struct node *item, const char *folder)
{
	const char *target = node_get_text(item, "target");

	return target ? target : arena_printf(arena, "%s/%s", folder, text_of(item, "source", ""));
}

/* A text that is the same for two items that are the same thing; NULL: it is always its own. */
static const char *identify(struct arena *arena, const struct node *item, enum identity identity)
{
	bool map = item->kind == NODE_MAP;

	if (!map && !node_is_scalar(item))
		return NULL;
	switch (identity) {
	case IDENTITY_NAME:
		if (map)
			return NULL;
		return arena_printf(arena, "%.*s", (int)strcspn(item->text, "="), item->text);
	case IDENTITY_TARGET:
		return map ? node_get_text(item, "target") : item->text;
	case IDENTITY_SECRET:
		return identify_file(arena, item, "/run/secrets");
	case IDENTITY_CONFIG:
		return identify_file(arena, item, "");
	case IDENTITY_PORT:
		return map ? identify_port(arena, item) : item->text;
	case IDENTITY_PATH:
		return map ? node_get_text(item, "path") : item->text;
	default:
		return NULL;
	}
}

/* Drop all but the last of the items that are the same thing; it takes the first one's place. */
static void make_unique(struct node *list, enum identity identity)
{
	struct arena *names;
	struct node *seen;

	if (identity == IDENTITY_NONE || list->n < 2)
		return;
	names = arena_new();
	seen = node_new(names, NODE_MAP, NULL);
	for (size_t i = 0; i < list->n; i++) {
		const char *name = identify(names, list->items[i], identity);

		if (!name)
			name = arena_printf(names, "\n%zu", i);
		node_set(names, seen, name, list->items[i]);
	}
	list->n = seen->n;
	memcpy(list->items, seen->items, seen->n * sizeof(*seen->items));
	arena_free(names);
}

static const struct node *list_find(const struct node *list, const struct node *item)
{
	for (size_t i = 0; i < list->n; i++) {
		if (node_equal(list->items[i], item))
			return list->items[i];
	}
	return NULL;
}

static struct node *merge_lists(
	struct merge *merge, struct node *base, const struct node *over, const struct rule_row *row)
{
	size_t before = base->n;

	for (size_t i = 0; i < over->n; i++) {
		if (row->rule == RULE_ADD_NEW && before < COMPARED_MAX &&
			list_find(base, over->items[i]))
			continue;
		node_append(merge->arena, base, over->items[i]);
	}
	make_unique(base, row->identity);
	return base;
}

/* `extra_hosts: {NAME: !reset }` takes NAME out of what was written as a map. */
static void reset_hosts(struct merge *merge, struct node *base, const struct node *over)
{
	for (size_t i = 0; i < over->n; i++) {
		const struct node *item = over->items[i];
		size_t kept = 0;

		if (item->tag != TAG_RESET)
			continue;
		if (!base->turned)
			report_out_of_reach(merge, item);
		for (size_t j = 0; j < base->n; j++)
			if (!base->turned || !str_starts(base->items[j]->text, item->text))
				base->items[kept++] = base->items[j];
		base->n = kept;
	}
	base->turned = false; /* merged, it is a list */
}

/* === what needs no partner === */

/* Take the merge tags out of a tree that is used as it is; NULL when all of it is reset. */
static struct node *settle(struct merge *merge, struct node *node)
{
	size_t kept = 0;

	if (node->tag == TAG_RESET)
		return NULL;
	node->tag = TAG_NONE;
	for (size_t i = 0; i < node->n; i++) {
		struct node *item;

		if (node->kind == NODE_MAP)
			enter(merge, node->keys[i]->text);
		item = settle(merge, node->items[i]);
		if (node->kind == NODE_MAP)
			merge->depth--;
		if (!item)
			continue;
		if (node->kind == NODE_MAP && kept != i) {
			node_own_keys(merge->arena, node);
			node->keys[kept] = node->keys[i];
		}
		node->items[kept++] = item;
	}
	if (kept != node->n)
		node->index = NULL;
	node->n = kept;
	if (node->kind == NODE_LIST && node->n > 1)
		make_unique(node, find_row(merge)->identity);
	return node;
}

/* === pairs === */

static struct node *merge_nodes(struct merge *merge, struct node *base, struct node *over);

static struct node *merge_maps(struct merge *merge, struct node *base, struct node *over)
{
	for (size_t i = 0; i < over->n; i++) {
		const char *key = over->keys[i]->text;
		struct node *old = node_get(base, key), *merged;

		enter(merge, key);
		merged = merge_nodes(merge, old, over->items[i]);
		if (!merged && old && base->turned) {
			report_out_of_reach(merge, over->items[i]);
			merged = old;
		}
		merge->depth--;
		if (!merged)
			node_remove(merge->arena, base, key);
		else if (old)
			node_set(merge->arena, base, key, merged);
		else
			node_add(merge->arena, base, over->keys[i], merged);
	}
	return base;
}

/* Options belong to a driver: another driver starts afresh. */
static struct node *merge_logging(struct merge *merge, struct node *base, struct node *over)
{
	const char *ours = node_get_text(base, "driver"), *theirs = node_get_text(over, "driver");

	if (ours && theirs && !str_eq(ours, theirs))
		return over;
	return merge_maps(merge, base, over);
}

static size_t find_subnet(const struct node *list, const char *subnet)
{
	size_t i = 0;

	while (i < list->n && !str_eq(node_get_text(list->items[i], "subnet"), subnet))
		i++;
	return i;
}

/* Pools merge by subnet; compose-go drops a pool whose subnet no override names. */
static struct node *merge_ipam(struct merge *merge, struct node *base, struct node *over)
{
	struct node *out = node_new(merge->arena, NODE_LIST, &over->at);

	for (size_t i = 0; i < base->n; i++) {
		for (size_t j = 0; j < over->n; j++) {
			const char *ours = node_get_text(base->items[i], "subnet");
			const char *theirs = node_get_text(over->items[j], "subnet");
			struct node *pool;
			size_t at;

			if (!str_eq(ours, theirs) && find_subnet(out, theirs) == out->n) {
				node_append(merge->arena, out, over->items[j]);
				continue;
			}
			pool = merge_maps(
				merge, node_copy(merge->arena, base->items[i]), over->items[j]);
			at = find_subnet(out, node_get_text(pool, "subnet"));
			if (at < out->n)
				out->items[at] = pool;
			else
				node_append(merge->arena, out, pool);
		}
	}
	return out;
}

/* === raw forms, where a short one may meet a long one === */

static bool is_sequence(
	const struct node *base, const struct node *over, const struct rule_row *row)
{
	if (row->rule == RULE_VALUES || row->rule == RULE_VALUES_ONCE || row->rule == RULE_ADD_NEW)
		return true;
	return row->identity == IDENTITY_NAME && row->rule == RULE_NONE &&
	       (base->kind == NODE_STRING || over->kind == NODE_STRING);
}

static int compare_texts(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;

	return strcmp((*left)->text, (*right)->text);
}

static void append_pair(
	struct arena *arena, struct node *list, const char *name, const struct node *value)
{
	autofree char *text = node_is_scalar(value) ? convert_text(value) : NULL;
	autofree char *pair = text ? xasprintf("%s=%s", name, text) : xstrdup(name);

	node_append(arena, list, node_string(arena, &value->at, pair));
}

/* compose-go's convertIntoSequence: {NAME: value} -> [NAME=value], sorted; "one" -> [one]. */
static struct node *sequence(struct arena *arena, struct node *node)
{
	struct node *list;

	if (node->kind == NODE_LIST)
		return node;
	list = node_new(arena, NODE_LIST, &node->at);
	if (node->kind != NODE_MAP)
		node_append(arena, list, node);
	for (size_t i = 0; node->kind == NODE_MAP && i < node->n; i++) {
		const struct node *value = node->items[i];

		for (size_t j = 0; value->kind == NODE_LIST && j < value->n; j++)
			append_pair(arena, list, node->keys[i]->text, value->items[j]);
		if (value->kind != NODE_LIST)
			append_pair(arena, list, node->keys[i]->text, value);
	}
	if (node->kind == NODE_MAP && list->n > 1)
		qsort(list->items, list->n, sizeof(struct node *), compare_texts);
	return list;
}

static struct node *merge_sequences(
	struct merge *merge, struct node *base, struct node *over, const struct rule_row *row)
{
	for (size_t i = 0; over->kind == NODE_MAP && i < over->n; i++)
		if (over->items[i]->tag == TAG_RESET)
			node_remove(merge->arena, base, over->keys[i]->text);
	over = sequence(merge->arena, settle(merge, over));
	return merge_lists(merge, sequence(merge->arena, base), over, row);
}

static const char *kind_name(const struct node *node)
{
	return node->turned ? "a list" : node_kind_name(node);
}

static struct node *mismatch(struct merge *merge, const struct node *base, const struct node *over)
{
	autofree char *path = path_text(merge);

	node_error(merge->diags, over, path, "use !override to replace it, or !reset to remove it",
		"%s cannot be merged with %s of %s:%d", kind_name(over), kind_name(base),
		base->at.file ? base->at.file : "another file", base->at.line);
	return (struct node *)base;
}

/* What is in both: Compose refuses it, even where it would be the same once. */
static void refuse_same(struct merge *merge, const struct node *base, const struct node *over)
{
	for (size_t i = 0; i < over->n && base->n < COMPARED_MAX; i++) {
		const struct node *item = over->items[i];
		const struct node *same = over->kind == NODE_MAP
						  ? node_get(base, over->keys[i]->text)
						  : list_find(base, item);
		autofree char *path = NULL;

		if (item->tag != TAG_NONE || !same || !node_equal(same, item))
			continue;
		path = path_text(merge);
		node_error(merge->diags, item, path,
			"remove one of them, or use !override to replace all",
			"\"%s\" is given already, at %s:%d",
			over->kind == NODE_MAP ? over->keys[i]->text : item->text,
			same->at.file ? same->at.file : "another file", same->at.line);
	}
}

/* Is NAME without a value one, too? */
static bool has_values(const struct rule_row *row)
{
	return row->rule == RULE_VALUES ||
	       (row->rule == RULE_ONCE && row->identity == IDENTITY_NAME);
}

/* What `over` makes of `base` (NULL: absent) at this place; NULL: nothing is left. */
static struct node *merge_nodes(struct merge *merge, struct node *base, struct node *over)
{
	const struct rule_row *row = find_row(merge);

	if (over->tag == TAG_RESET)
		return NULL;
	if (!base || over->tag == TAG_OVERRIDE || row->rule == RULE_REPLACE)
		return settle(merge, over);
	if (over->kind == NODE_NULL) {
		bool value = merge->depth == 4 || merge->depth == 5;

		/* NAME without a value replaces NAME=value; elsewhere nothing changes nothing. */
		merge->depth--;
		value = value && has_values(find_row(merge));
		merge->depth++;
		return value ? over : base;
	}
	if (merge->raw && is_sequence(base, over, row))
		return merge_sequences(merge, base, over, row);
	if (base->kind != NODE_MAP && base->kind != NODE_LIST)
		return settle(merge, over);
	if (over->kind != base->kind || (row->rule == RULE_PAIRS && over->turned != base->turned))
		return mismatch(merge, base, over);
	if (row->rule == RULE_ONCE || row->rule == RULE_VALUES_ONCE ||
		(row->rule == RULE_PAIRS && (over->turned || over->kind == NODE_LIST)))
		refuse_same(merge, base, over);
	if (row->rule == RULE_LOGGING)
		return merge_logging(merge, base, over);
	if (row->rule == RULE_IPAM)
		return merge_ipam(merge, base, over);
	if (row->rule == RULE_ADD_NEW)
		reset_hosts(merge, base, over);
	if (base->kind == NODE_LIST)
		return merge_lists(merge, base, settle(merge, over), row);
	merge_maps(merge, base, over);
	base->turned |= row->rule == RULE_VALUES; /* Compose makes a list of the two */
	return base;
}

struct node *merge_documents(
	struct arena *arena, struct node *base, struct node *over, bool raw, struct diags *diags)
{
	struct merge merge = {.arena = arena, .diags = diags, .raw = raw};
	struct node *merged = merge_nodes(&merge, base, over);

	return merged ? merged : node_new(arena, NODE_MAP, &over->at);
}

struct node *merge_service(struct arena *arena, const char *name, struct node *base,
	struct node *over, bool raw, struct diags *diags)
{
	struct merge merge = {.arena = arena,
		.diags = diags,
		.raw = raw,
		.parts = {"services", name},
		.depth = 2};
	struct node *merged = merge_nodes(&merge, base, over);

	return merged ? merged : node_new(arena, NODE_MAP, &over->at);
}
