/*
 * yaml.c - YAML text to nodes, through libyaml's events.
 *
 * libyaml decides what is YAML; this file decides what is data.  It follows what Compose does
 * (yaml.v3: YAML 1.2 core types, `<<` merges, string keys only, anchors that hold in the documents
 * after theirs, too) and refuses what is never meant: duplicate keys, very deep nesting, and
 * aliases that expand without end.
 * Aliases are copied where they are used, because later steps change trees in place; what they
 * expand to is counted before it is copied.
 */
#include "pipeline.h"
#include "yaml_flow.h"
#include "yaml_syntax.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 64
#define TOO_DEEP "nested more than 64 levels deep"
#define NODES_MAX 200000 /* of one file, aliases expanded; about 30 MB at worst */

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	const char *file;
	struct diags *diags;
	struct node *anchors; /* a map; a value is NULL while it is being read */
	size_t nodes;
	int depth;
	int flow;                        /* how many [ and { are open */
	const char *path[DEPTH_MAX + 2]; /* the keys that lead here, for messages */
	size_t index[DEPTH_MAX + 2];     /* of a list item, where path[] is NULL */
	bool failed;
	bool colons;   /* failed at a word that ends with a colon: yaml_flow.h */
	bool replaced; /* reading what yaml_flow_replace() has made */
};

static struct position place(const struct reader *reader, const yaml_mark_t *mark)
{
	return (struct position){
		.file = reader->file,
		.line = (int)mark->line + 1,
		.column = (int)mark->column + 1,
	};
}

/* "services.web.ports[0]"; NULL at the top. The caller's. */
static char *current_path(const struct reader *reader)
{
	autobuf struct buf path = BUF_INIT(1 << 16);

	for (int i = 0; i < reader->depth; i++) {
		if (str_empty(reader->path[i]) && reader->path[i])
			continue;
		if (reader->path[i])
			buf_addf(&path, "%s%s", path.len ? "." : "", reader->path[i]);
		else
			buf_addf(&path, "[%zu]", reader->index[i]);
	}
	return path.len ? buf_detach(&path) : NULL;
}

static void fail(struct reader *reader, struct position at, const char *help, const char *text)
{
	if (!reader->failed)
		diag_add(reader->diags, DIAG_ERROR, at.file, at.line, at.column, NULL, help, "%s",
			text);
	reader->failed = true;
}

/* Where in the document this is, as part of the message. */
static void fail_here(struct reader *reader, struct position at, const char *help, const char *text)
{
	autofree char *path = current_path(reader);

	if (!reader->failed)
		diag_add(reader->diags, DIAG_ERROR, at.file, at.line, at.column, path, help, "%s",
			text);
	reader->failed = true;
}

/* NUL and bytes that are no UTF-8, with their place: libyaml only gives an offset. */
static void check_bytes(struct reader *reader, const char *text, size_t len)
{
	yaml_mark_t mark = {0};
	size_t start = 0, end;

	if (str_is_utf8(text, len))
		return;
	for (; start < len; start = end + 1) {
		const char *newline = memchr(text + start, '\n', len - start);

		end = newline ? (size_t)(newline - text) : len;
		if (!str_is_utf8(text + start, end - start))
			break;
		mark.line++;
	}
	for (end = start; end < len; mark.column++) {
		size_t size = 1;

		while (end + size < len && ((unsigned char)text[end + size] & 0xc0) == 0x80)
			size++;
		if (!str_is_utf8(text + end, size))
			break;
		end += size;
	}
	fail(reader, place(reader, &mark), "save the file as UTF-8 text",
		end < len && !text[end] ? "a NUL byte: this is not a text file"
					: "bytes that are not UTF-8");
}

/* === anchors === */

static size_t count_nodes(const struct node *node, int depth, int *deepest)
{
	size_t n = 1;

	if (depth > *deepest)
		*deepest = depth;
	for (size_t i = 0; i < node->n; i++)
		n += count_nodes(node->items[i], depth + 1, deepest) + (node->kind == NODE_MAP);
	return n;
}

static bool add_nodes(struct reader *reader, size_t n, struct position at)
{
	reader->nodes += n;
	if (reader->nodes <= NODES_MAX)
		return true;
	fail(reader, at, NULL, "the document is too large (aliases included)");
	return false;
}

/* "did you mean *defaults?", or NULL. The caller's. */
static char *suggest_anchor(const struct reader *reader, const char *name)
{
	const struct node *anchors = reader->anchors;
	autofree const char **words = xcalloc(anchors->n + 1, sizeof(*words));
	const char *near;

	for (size_t i = 0; i < anchors->n; i++)
		words[i] = anchors->keys[i]->text;
	near = str_suggest(name, words);
	return near && !str_eq(near, name) ? xasprintf("did you mean *%s?", near) : NULL;
}

static struct node *read_alias(struct reader *reader, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct node *node = node_get(reader->anchors, name);
	struct position at = place(reader, &event->start_mark);
	int deepest = reader->depth;
	autofree char *text = NULL, *help = NULL;

	if (node) {
		if (!add_nodes(reader, count_nodes(node, reader->depth, &deepest), at))
			return NULL;
		if (deepest <= DEPTH_MAX)
			return node_copy(reader->arena, node);
		fail(reader, at, NULL, TOO_DEEP);
		return NULL;
	}
	text = xasprintf(node_get_key(reader->anchors, name)
				 ? "the alias *%s is inside what &%s names"
				 : "the alias *%s has no anchor &%s above it",
		name, name);
	help = suggest_anchor(reader, name);
	fail_here(reader, at, help, text);
	return NULL;
}

/* === values === */

static void apply_tag(struct reader *reader, struct node *node, const char *tag)
{
	static const char *const tags[] = {"!reset", "!override", NULL};
	autofree char *path = NULL;
	const char *near;

	if (str_eq(tag, "!reset")) {
		node->tag = TAG_RESET;
	} else if (str_eq(tag, "!override")) {
		node->tag = TAG_OVERRIDE;
	} else if (*tag == '!') { /* Compose ignores it */
		near = str_suggest(tag, tags);
		path = current_path(reader);
		node_warning(reader->diags, node, path, "the tags are !reset and !override",
			near ? "the tag %s means nothing (did you mean \"%s\"?)"
			     : "the tag %s means nothing",
			tag, near);
	}
}

/* What docker compose reads otherwise than YAML 1.2 has it, or does not read at all. */
static void check_flow_word(struct reader *reader, const struct node *node, char *text)
{
	autofree char *path = NULL, *help = NULL;

	if (reader->replaced && yaml_flow_restore(text)) {
		path = current_path(reader);
		help = xasprintf(
			"for a key put a space after the colon, for a word quotes: \"%s\"", text);
		node_warning(reader->diags, node, path, help,
			"\"%s\" is one word here, with its colon", text);
	} else if (strchr(text, '?')) {
		path = current_path(reader);
		help = xasprintf("put it in quotes: \"%s\"", text);
		node_error(reader->diags, node, path, help,
			"a ? inside of [ ] or { } has to be in quotes");
	}
}

static struct node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct position at = place(reader, &event->start_mark);
	struct node *node = node_new(reader->arena, NODE_STRING, &at);
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;
	char *word;

	if (strlen(text) != event->data.scalar.length) {
		fail(reader, at, NULL, "a NUL character in a string");
		return NULL;
	}
	word = arena_strdup(reader->arena, text);
	node->text = word;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (reader->flow && !node->quoted)
		check_flow_word(reader, node, word);
	if (tag && str_starts(tag, "tag:yaml.org,2002:"))
		node->quoted = str_eq(tag, YAML_STR_TAG);
	else if (tag)
		apply_tag(reader, node, tag);
	node_resolve(node);
	return node;
}

static bool next_event(struct reader *reader, yaml_event_t *event);
static struct node *read_node(struct reader *reader, yaml_event_t *event);

static struct node *read_list(struct reader *reader, const yaml_event_t *start)
{
	struct position at = place(reader, &start->start_mark);
	struct node *list = node_new(reader->arena, NODE_LIST, &at);
	yaml_event_t event;

	reader->path[reader->depth - 1] = "";
	if (start->data.sequence_start.tag)
		apply_tag(reader, list, (const char *)start->data.sequence_start.tag);
	reader->path[reader->depth - 1] = NULL;
	while (next_event(reader, &event)) {
		struct node *item;

		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return list;
		}
		reader->index[reader->depth - 1] = list->n;
		item = read_node(reader, &event);
		if (!item)
			return NULL;
		if (item->tag != TAG_RESET)
			node_append(reader->arena, list, item);
	}
	return NULL;
}

/* Keys of `from` that `map` has not; the caller has the explicit keys in place already. */
static void merge_missing(struct reader *reader, struct node *map, const struct node *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!node_get(map, from->keys[i]->text))
			node_add(reader->arena, map, from->keys[i], from->items[i]);
	}
}

/* `<<: *a`, `<<: {...}` and `<<: [*a, *b]`; of a list, the first to name a key wins. */
static void apply_merge(
	struct reader *reader, struct node *map, const struct node *key, const struct node *value)
{
	bool list = value->kind == NODE_LIST;

	reader->path[reader->depth - 1] = key->text;
	for (size_t i = 0; i < (list ? value->n : 1); i++) {
		const struct node *from = list ? value->items[i] : value;
		autofree char *path = NULL;

		if (from->kind == NODE_MAP) {
			merge_missing(reader, map, from);
			continue;
		}
		path = current_path(reader);
		node_error(reader->diags, key, path, "for example: <<: *defaults",
			"a merge key (<<) needs a map, or a list of maps, not %s",
			node_kind_name(from));
	}
}

static void duplicate_key(struct reader *reader, const struct node *key, const struct node *first)
{
	autofree char *path = NULL;

	reader->depth--;
	path = current_path(reader);
	reader->depth++;
	diag_add(reader->diags, DIAG_ERROR, key->at.file, key->at.line, key->at.column, path,
		"a key can be given once; merge the two, or remove one",
		"the key \"%s\" is already given at line %d", key->text, first->at.line);
}

/* false after a failure; a key that only needs quotes is reported and used. */
static bool key_is_string(struct reader *reader, const struct node *key)
{
	autofree char *path = NULL, *help = NULL;

	if (key->kind == NODE_STRING)
		return true;
	if (key->kind == NODE_MAP || key->kind == NODE_LIST) {
		fail_here(reader, key->at, "a key is a word, as in: image: nginx",
			"a key has to be a string");
		return false;
	}
	reader->path[reader->depth - 1] = key->text;
	path = current_path(reader);
	help = xasprintf("put it in quotes: \"%s\"", key->text);
	node_error(reader->diags, key, path, help, "the key %s is not a string but %s", key->text,
		node_kind_name(key));
	return true;
}

struct merge_pair {
	struct node *key, *value; /* of `<<`; NULL: there is none */
};

/* One key and its value into `map`; false after a failure. */
static bool read_pair(
	struct reader *reader, yaml_event_t *key_event, struct node *map, struct merge_pair *merge)
{
	struct node *key, *value;
	yaml_event_t event;

	reader->path[reader->depth - 1] = "";
	key = read_node(reader, key_event);
	if (!key || !key_is_string(reader, key))
		return false;
	reader->path[reader->depth - 1] = key->text;
	if (!next_event(reader, &event))
		return false;
	value = read_node(reader, &event);
	if (!value)
		return false;
	if (!key->quoted && str_eq(key->text, "<<") && merge->key)
		duplicate_key(reader, key, merge->key);
	else if (!key->quoted && str_eq(key->text, "<<"))
		*merge = (struct merge_pair){key, value};
	else if (node_get(map, key->text))
		duplicate_key(reader, key, node_get_key(map, key->text));
	else
		node_add(reader->arena, map, key, value);
	return true;
}

static struct node *read_map(struct reader *reader, const yaml_event_t *start)
{
	struct position at = place(reader, &start->start_mark);
	struct node *map = node_new(reader->arena, NODE_MAP, &at);
	struct merge_pair merge = {0};
	yaml_event_t event;

	reader->path[reader->depth - 1] = "";
	if (start->data.mapping_start.tag)
		apply_tag(reader, map, (const char *)start->data.mapping_start.tag);
	while (next_event(reader, &event)) {
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			if (merge.value)
				apply_merge(reader, map, merge.key, merge.value);
			return reader->failed ? NULL : map;
		}
		if (!read_pair(reader, &event, map, &merge))
			return NULL;
	}
	return NULL;
}

static const yaml_char_t *event_anchor(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* The list or map that `event` starts. */
static struct node *read_collection(struct reader *reader, const yaml_event_t *event)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	bool flow = list ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
			 : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	struct node *node;

	reader->depth++;
	reader->flow += flow;
	node = list ? read_list(reader, event) : read_map(reader, event);
	reader->flow -= flow;
	reader->depth--;
	return node;
}

/* The node that `event` starts; releases the event. NULL after a failure. */
static struct node *read_node(struct reader *reader, yaml_event_t *event)
{
	struct position at = place(reader, &event->start_mark);
	struct node *node = NULL;
	const char *anchor = (const char *)event_anchor(event);

	if (event->type == YAML_ALIAS_EVENT) {
		node = read_alias(reader, event);
		yaml_event_delete(event);
		return node;
	}
	if (anchor) {
		anchor = arena_strdup(reader->arena, anchor);
		node_set(reader->arena, reader->anchors, anchor, NULL);
	}
	if (!add_nodes(reader, 1, at)) {
		node = NULL;
	} else if (event->type == YAML_SCALAR_EVENT) {
		node = read_scalar(reader, event);
	} else if (reader->depth >= DEPTH_MAX) {
		fail(reader, at, NULL, TOO_DEEP);
	} else {
		node = read_collection(reader, event);
	}
	yaml_event_delete(event);
	if (node && anchor)
		node_set(reader->arena, reader->anchors, anchor, node);
	return node;
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
	const yaml_parser_t *parser = &reader->parser;

	if (reader->failed)
		return false;
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	reader->failed = true;
	reader->colons = !reader->replaced && yaml_flow_colon(parser);
	if (!reader->colons)
		yaml_syntax_error(parser, reader->file, reader->diags);
	return false;
}

/* A list of the documents; NULL when something is wrong. */
static struct node *read_stream(struct reader *reader)
{
	struct node *documents = node_new(reader->arena, NODE_LIST, NULL);
	yaml_event_t event;

	while (next_event(reader, &event)) {
		yaml_event_type_t type = event.type;
		struct node *root = NULL;

		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
			type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT)
			yaml_event_delete(&event);
		else
			root = read_node(reader, &event);
		if (root)
			node_append(reader->arena, documents, root);
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	return reader->failed ? NULL : documents;
}

/* As read_stream(), for a text; diags has no error when it is one for yaml_flow_replace(). */
static struct node *read_text(struct reader *reader, const char *text, size_t len)
{
	struct node *documents = NULL;

	reader->anchors = node_new(reader->arena, NODE_MAP, NULL);
	check_bytes(reader, text, len);
	if (!reader->failed && yaml_parser_initialize(&reader->parser)) {
		yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, len);
		documents = read_stream(reader);
		yaml_parser_delete(&reader->parser);
	}
	return documents;
}

struct node *yaml_parse(
	struct arena *arena, const char *file, const char *text, size_t len, struct diags *diags)
{
	struct reader reader = {
		.arena = arena,
		.file = arena_strdup(arena, file),
		.diags = diags,
	};
	struct reader again = reader;
	struct node *documents = read_text(&reader, text, len);
	autofree char *replaced = NULL;

	if (!reader.colons)
		return documents;
	replaced = yaml_flow_replace(text, &len);
	again.replaced = true;
	again.nodes = reader.nodes; /* they are in the arena, too */
	return read_text(&again, replaced ? replaced : text, len);
}
