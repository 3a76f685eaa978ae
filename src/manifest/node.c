/*
 * node.c - building and reading the tree.
 *
 * Maps keep the order in which they were written.  Most have a handful of keys, where a linear
 * search is the fastest; `services` of a big project has thousands, so a map over INDEX_FROM keys
 * carries a hash index.  The index is only a hint: a hit is verified and a miss is trusted only
 * while the index knows every key, so code that edits the arrays by hand stays correct.
 */
#include "node.h"

#include "date.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_FROM 32

struct node_index {
	uint32_t *slots; /* position + 1; 0 is free */
	size_t size;     /* a power of two */
	size_t known;
};

struct node *node_new(struct arena *arena, enum node_kind kind, const struct position *at)
{
	struct node *node = arena_alloc(arena, sizeof(*node));

	node->kind = kind;
	node->text = "";
	if (at)
		node->at = *at;
	return node;
}

struct node *node_string(struct arena *arena, const struct position *at, const char *text)
{
	struct node *node = node_new(arena, NODE_STRING, at);

	node->text = arena_strdup(arena, text);
	return node;
}

struct node *node_int(struct arena *arena, const struct position *at, int64_t value)
{
	struct node *node = node_new(arena, NODE_INT, at);

	node->integer = value;
	node->text = arena_printf(arena, "%lld", (long long)value);
	return node;
}

struct node *node_bool(struct arena *arena, const struct position *at, bool value)
{
	struct node *node = node_new(arena, NODE_BOOL, at);

	node->boolean = value;
	node->text = value ? "true" : "false";
	return node;
}

/* === plain scalars === */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* The base by its prefix, as Go's strconv.ParseInt(s, 0, 64): 0x, 0o, 0b, and 0 alone is octal. */
static int number_base(const char **digits)
{
	const char *s = *digits;
	int base = 10;

	if (s[0] != '0' || !s[1])
		return base;
	switch (s[1]) {
	case 'x':
	case 'X':
		base = 16;
		break;
	case 'o':
	case 'O':
		base = 8;
		break;
	case 'b':
	case 'B':
		base = 2;
		break;
	default:
		*digits = s + 1;
		return 8;
	}
	*digits = s + 2;
	return base;
}

static bool resolve_int(const char *text, int64_t *out)
{
	bool negative = *text == '-';
	uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
	size_t n = 0;
	int base;

	if (*text == '-' || *text == '+')
		text++;
	base = number_base(&text);
	for (; *text; text++) {
		int digit = digit_value(*text);

		if (*text == '_')
			continue;
		if (digit >= base || value > (limit - (uint64_t)digit) / (uint64_t)base)
			return false;
		value = value * (uint64_t)base + (uint64_t)digit;
		n++;
	}
	if (n)
		*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return n > 0;
}

/* ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$ as yaml.v3 has it. */
static bool looks_like_float(const char *s)
{
	size_t whole, fraction = 0;

	if (*s == '-' || *s == '+')
		s++;
	whole = strspn(s, "0123456789");
	s += whole;
	if (*s == '.') {
		fraction = strspn(s + 1, "0123456789");
		s += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		if (!*s || s[strspn(s, "0123456789")])
			return false;
		return true;
	}
	return !*s;
}

static bool resolve_float(const char *text, double *out)
{
	static const char *const infinite[] = {
		".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
	static const char *const negative[] = {"-.inf", "-.Inf", "-.INF", NULL};
	static const char *const not_number[] = {".nan", ".NaN", ".NAN", NULL};

	if (is_one_of(text, infinite) || is_one_of(text, negative)) {
		*out = *text == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (is_one_of(text, not_number)) {
		*out = NAN;
		return true;
	}
	if (!looks_like_float(text))
		return false;
	return parse_double(*text == '+' ? text + 1 : text, out);
}

void node_resolve(struct node *scalar)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const truths[] = {"true", "True", "TRUE", NULL};
	static const char *const falsehoods[] = {"false", "False", "FALSE", NULL};
	const char *text = scalar->text;

	scalar->kind = NODE_STRING;
	if (scalar->quoted)
		return;
	if (is_one_of(text, nulls)) {
		scalar->kind = NODE_NULL;
	} else if (is_one_of(text, truths) || is_one_of(text, falsehoods)) {
		scalar->kind = NODE_BOOL;
		scalar->boolean = is_one_of(text, truths);
	} else if (strchr("+-.0123456789", *text)) {
		if (resolve_int(text, &scalar->integer))
			scalar->kind = NODE_INT;
		else if (resolve_float(text, &scalar->number))
			scalar->kind = NODE_FLOAT;
		else if (date_parse(text, NULL))
			scalar->kind = NODE_DATE;
	}
}

/* === maps === */

static size_t hash_text(const char *s)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
	return (size_t)(hash ^ (hash >> 29));
}

static void index_put(struct node_index *index, const char *key, size_t i)
{
	size_t slot = hash_text(key) & (index->size - 1);

	while (index->slots[slot])
		slot = (slot + 1) & (index->size - 1);
	index->slots[slot] = (uint32_t)(i + 1);
	index->known++;
}

static void index_build(struct arena *arena, struct node *map)
{
	struct node_index *index = arena_alloc(arena, sizeof(*index));

	index->size = 128;
	while (index->size < map->n * 4)
		index->size *= 2;
	index->slots = arena_alloc(arena, index->size * sizeof(*index->slots));
	for (size_t i = 0; i < map->n; i++)
		index_put(index, map->keys[i]->text, i);
	map->index = index;
}

static void index_note(struct arena *arena, struct node *map)
{
	struct node_index *index = map->index;

	if (map->n <= INDEX_FROM)
		return;
	if (index && index->known == map->n - 1 && map->n * 2 <= index->size)
		index_put(index, map->keys[map->n - 1]->text, map->n - 1);
	else
		index_build(arena, map);
}

static bool key_is(const struct node *map, size_t i, const char *key)
{
	const char *text;

	if (i >= map->n)
		return false;
	text = map->keys[i]->text;
	return *text == *key && strcmp(text, key) == 0; /* most differ in their first letter */
}

/* The position of `key`, or map->n. */
static size_t map_find(const struct node *map, const char *key)
{
	const struct node_index *index = map->index;

	if (index && index->known == map->n) {
		size_t slot = hash_text(key) & (index->size - 1);

		for (; index->slots[slot]; slot = (slot + 1) & (index->size - 1)) {
			if (key_is(map, index->slots[slot] - 1, key))
				return index->slots[slot] - 1;
		}
		return map->n;
	}
	for (size_t i = 0; i < map->n; i++) {
		if (key_is(map, i, key))
			return i;
	}
	return map->n;
}

struct node *node_item(const struct node *list, size_t i)
{
	return list && list->kind == NODE_LIST && i < list->n ? list->items[i] : NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	size_t i;

	if (!map || map->kind != NODE_MAP)
		return NULL;
	i = map_find(map, key);
	return i < map->n ? map->items[i] : NULL;
}

struct node *node_get_key(const struct node *map, const char *key)
{
	size_t i;

	if (!map || map->kind != NODE_MAP)
		return NULL;
	i = map_find(map, key);
	return i < map->n ? map->keys[i] : NULL;
}

const char *node_get_text(const struct node *map, const char *key)
{
	const struct node *value = node_get(map, key);

	return node_is_scalar(value) ? value->text : NULL;
}

static struct node **grow(struct arena *arena, struct node **array, size_t n, size_t cap)
{
	struct node **bigger = arena_alloc(arena, cap * sizeof(struct node *));

	if (n)
		memcpy(bigger, array, n * sizeof(struct node *));
	return bigger;
}

void node_reserve(struct arena *arena, struct node *node, uint32_t cap)
{
	if (cap <= node->cap)
		return;
	node->cap = cap;
	node->items = grow(arena, node->items, node->n, cap);
	if (node->kind == NODE_MAP)
		node->keys = grow(arena, node->keys, node->n, cap);
	node->keys_borrowed = false;
}

void node_borrow_keys(struct arena *arena, struct node *map, struct node *from)
{
	map->items = grow(arena, NULL, 0, from->n);
	map->keys = from->keys;
	map->n = map->cap = from->cap = from->n;
	map->keys_borrowed = from->keys_borrowed = true;
}

void node_own_keys(struct arena *arena, struct node *map)
{
	if (map->keys_borrowed)
		map->keys = grow(arena, map->keys, map->n, map->cap);
	map->keys_borrowed = false;
}

static void make_room(struct arena *arena, struct node *node)
{
	if (node->n == node->cap)
		node_reserve(arena, node, node->cap ? node->cap * 2 : 4);
}

void node_add(struct arena *arena, struct node *map, struct node *key, struct node *value)
{
	make_room(arena, map);
	map->keys[map->n] = key;
	map->items[map->n++] = value;
	index_note(arena, map);
}

void node_set(struct arena *arena, struct node *map, const char *key, struct node *value)
{
	size_t i = map_find(map, key);

	if (i < map->n)
		map->items[i] = value;
	else
		node_add(arena, map, node_string(arena, value ? &value->at : NULL, key), value);
}

bool node_remove(struct arena *arena, struct node *map, const char *key)
{
	size_t i, rest;

	if (!map || map->kind != NODE_MAP)
		return false;
	i = map_find(map, key);
	if (i == map->n)
		return false;
	node_own_keys(arena, map);
	map->n--;
	rest = (map->n - i) * sizeof(struct node *);
	memmove(map->items + i, map->items + i + 1, rest);
	memmove(map->keys + i, map->keys + i + 1, rest);
	map->index = NULL;
	return true;
}

void node_append(struct arena *arena, struct node *list, struct node *item)
{
	make_room(arena, list);
	list->items[list->n++] = item;
}

/* === whole trees === */

struct node *node_copy(struct arena *arena, const struct node *node)
{
	struct node *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *node;
	if (node->kind != NODE_LIST && node->kind != NODE_MAP)
		return copy;
	copy->index = NULL;
	copy->cap = node->n;
	copy->items = NULL;
	copy->keys = NULL;
	copy->keys_borrowed = false;
	if (node->n)
		copy->items = arena_alloc(arena, node->n * sizeof(struct node *));
	if (node->n && node->kind == NODE_MAP)
		copy->keys = arena_alloc(arena, node->n * sizeof(struct node *));
	for (size_t i = 0; i < node->n; i++) {
		copy->items[i] = node_copy(arena, node->items[i]);
		if (copy->keys)
			copy->keys[i] = node->keys[i]; /* keys are never changed */
	}
	if (copy->kind == NODE_MAP && copy->n > INDEX_FROM)
		index_build(arena, copy);
	return copy;
}

static bool scalar_equal(const struct node *a, const struct node *b)
{
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_INT:
		return a->integer == b->integer;
	case NODE_FLOAT:
		return !(a->number < b->number) && !(a->number > b->number);
	default:
		return strcmp(a->text, b->text) == 0;
	}
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (!a || !b || a->kind != b->kind || a->n != b->n)
		return a == b;
	if (a->kind != NODE_MAP && a->kind != NODE_LIST)
		return scalar_equal(a, b);
	for (size_t i = 0; i < a->n; i++) {
		const struct node *other = a->kind == NODE_MAP ? node_get(b, a->keys[i]->text)
							       : b->items[i];

		if (!other || !node_equal(a->items[i], other))
			return false;
	}
	return true;
}

bool node_is_scalar(const struct node *node)
{
	return node && node->kind >= NODE_BOOL && node->kind <= NODE_STRING;
}

const char *node_kind_name(const struct node *node)
{
	static const char *const names[] = {"nothing", "true or false", "a whole number",
		"a number", "a date", "a string", "a list", "a map"};

	return node ? names[node->kind] : names[NODE_NULL];
}

__attribute__((format(printf, 6, 0))) static void report(struct diags *diags, enum diag_level level,
	const struct node *node, const char *path, const char *help, const char *fmt, va_list args)
{
	autofree char *text = xvasprintf(fmt, args);
	const char *file = node && node->at.file ? node->at.file : "";

	diag_add(diags, level, file, node ? node->at.line : 0, node ? node->at.column : 0, path,
		help, "%s", text);
}

void node_error(struct diags *diags, const struct node *node, const char *path, const char *help,
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(diags, DIAG_ERROR, node, path, help, fmt, args);
	va_end(args);
}

void node_warning(struct diags *diags, const struct node *node, const char *path, const char *help,
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(diags, DIAG_WARNING, node, path, help, fmt, args);
	va_end(args);
}
