/*
 * model_references.c - names that must exist, and cycles (the second half of loader/validate.go and
 * graph/cycle.go of compose-go).
 */
#include "model.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* "did you mean" looks at this many names. */
#define SUGGEST_MAX 200

static struct node *get_kind(const struct node *map, const char *key, enum node_kind kind)
{
	struct node *value = node_get(map, key);

	return value && value->kind == kind ? value : NULL;
}

static const char *suggest_name(const struct node *map, const char *name)
{
	const char *words[SUGGEST_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; map && i < map->n && n < SUGGEST_MAX; i++)
		words[n++] = map->keys[i]->text;
	words[n] = NULL;
	return n ? str_suggest(name, words) : NULL;
}

/* `name` is not in `all`, the map of resources that the document calls `kind`. */
static void undefined(const struct model *m, const struct node *at, const struct place *place,
	const char *kind, const char *what, const char *name)
{
	const struct node *all = get_kind(m->doc, kind, NODE_MAP);
	const char *meant = suggest_name(all, name);
	autofree char *help = NULL;

	if (diag_has_error(m->diags, "")) /* a wrong key or include at the top may be the cause */
		return;
	if (meant) {
		place_error(m->diags, at, place, NULL, "undefined %s \"%s\" (did you mean \"%s\"?)",
			what, name, meant);
		return;
	}
	help = xasprintf("define it at the top level: %s: {%s: %s}", kind, name,
		str_eq(kind, "services")                              ? "{image: ...}"
		: str_eq(kind, "volumes") || str_eq(kind, "networks") ? "{}"
		: str_eq(kind, "models")                              ? "{model: ...}"
								      : "{file: ...}");
	place_error(m->diags, at, place, help, "undefined %s \"%s\"", what, name);
}

static bool defined(const struct model *m, const char *kind, const char *name)
{
	return node_get(node_get(m->doc, kind), name) != NULL;
}

/* The keys of a map (networks, models) must be names of resources. */
static void check_names(const struct model *m, const struct node *map, const char *kind,
	const char *what, const struct place *place)
{
	struct place list = {.up = place, .name = kind};

	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++) {
		struct place here = {.up = &list, .name = map->keys[i]->text};

		if (!defined(m, kind, here.name))
			undefined(m, map->keys[i], &here, kind, what, here.name);
	}
}

/* The sources of a list of mounts must be names of resources. */
static void check_sources(const struct model *m, const struct node *map, const char *key,
	const char *kind, const char *what, const struct place *place)
{
	const struct node *items = get_kind(map, key, NODE_LIST);
	struct place list = {.up = place, .name = key};

	for (size_t i = 0; items && i < items->n; i++) {
		struct place here = {.up = &list, .index = i};
		const char *source = node_get_text(items->items[i], "source");

		if (str_eq(key, "volumes") &&
			(!str_eq(node_get_text(items->items[i], "type"), "volume") ||
				str_empty(source)))
			continue;
		if (!source || !defined(m, kind, source))
			undefined(m, items->items[i], &here, kind, what, source ? source : "");
	}
}

/* A service that is needed but not there, or switched off by its profiles. */
static void check_service(const struct model *m, const struct node *at, const struct place *place,
	const char *name, bool required, const json_t *active)
{
	const struct node *service = node_get(m->services, name);
	const struct node *profiles = get_kind(service, "profiles", NODE_LIST);
	autofree char *help = NULL;

	if (json_object_get(active, name))
		return;
	if (!service) {
		undefined(m, at, place, "services", "service", name);
		return;
	}
	if (!required)
		return;
	if (profiles && profiles->n)
		help = xasprintf(
			"add --profile %s, or say required: false", profiles->items[0]->text);
	place_error(m->diags, at, place, help, "service \"%s\" is only in the profile \"%s\"", name,
		profiles && profiles->n ? profiles->items[0]->text : "");
}

static bool same_position(const struct node *a, const struct node *b)
{
	return a && a->at.line == b->at.line && a->at.column == b->at.column &&
	       str_eq(a->at.file, b->at.file);
}

/* The key that a dependency was written in: model_normalize.c implies some from other keys. */
static const char *dependency_origin(const struct node *service, const struct node *at)
{
	static const char *const keys[] = {
		"links", "volumes_from", "network_mode", "ipc", "pid", "uts", "cgroup"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct node *value = node_get(service, keys[i]);

		if (same_position(value, at))
			return keys[i];
		for (size_t j = 0; value && value->kind == NODE_LIST && j < value->n; j++)
			if (same_position(value->items[j], at))
				return keys[i];
	}
	return NULL;
}

static void check_dependencies(const struct model *m, const struct node *service,
	const struct place *place, const json_t *active)
{
	const struct node *all = get_kind(service, "depends_on", NODE_MAP);
	struct place list = {.up = place, .name = "depends_on"};

	for (size_t i = 0; all && i < all->n; i++) {
		struct place here = {.up = &list, .name = all->keys[i]->text};
		const struct node *required = node_get(all->items[i], "required");
		const char *origin = dependency_origin(service, all->keys[i]);
		struct place implied = {.up = place, .name = origin};
		bool must = true;

		if (required)
			key_to_bool(required, &must);
		check_service(m, all->keys[i], origin ? &implied : &here, here.name, must, active);
	}
}

static void check_contexts(const struct model *m, const struct node *service,
	const struct place *place, const json_t *active)
{
	const struct node *build = get_kind(service, "build", NODE_MAP);
	const struct node *contexts = get_kind(build, "additional_contexts", NODE_MAP);
	struct place up = {.up = place, .name = "build"};

	for (size_t i = 0; contexts && i < contexts->n; i++) {
		const char *text = contexts->items[i]->text;
		const char *name = text + strlen("service:");

		if (!str_starts(text, "service:"))
			continue;
		check_service(m, contexts->items[i], &up, name, true, active);
		if (json_object_get(active, name) &&
			!node_get(node_get(m->services, name), "build"))
			place_error(m->diags, contexts->items[i], &up, NULL,
				"service \"%s\" has no build", name);
	}
}

void model_check_references(
	const struct model *m, const struct node *service, const char *name, const json_t *active)
{
	struct place up = {.name = "services"};
	struct place here = {.up = &up, .name = name};
	struct place build = {.up = &here, .name = "build"};

	check_names(m, node_get(service, "networks"), "networks", "network", &here);
	check_names(m, node_get(service, "models"), "models", "model", &here);
	check_sources(m, service, "volumes", "volumes", "volume", &here);
	check_sources(m, service, "configs", "configs", "config", &here);
	check_sources(m, service, "secrets", "secrets", "secret", &here);
	check_sources(m, node_get(service, "build"), "secrets", "secrets", "secret", &build);
	check_dependencies(m, service, &here, active);
	check_contexts(m, service, &here, active);
}

/* === cycles === */

enum colour { WHITE, GREY, BLACK };

struct search {
	const struct model *m;
	const json_t *active;
	unsigned char *colour; /* of m->services->items[i] */
	size_t *path;          /* indexes into m->services, from the first on */
	size_t depth;
	bool found;
};

static size_t service_index(const struct model *m, const json_t *index, const char *name)
{
	const json_t *at = json_object_get(index, name);

	return at ? (size_t)json_integer_value(at) : m->services->n;
}

/* Which dependency of service `from` is `to`; NULL: none. */
static const struct node *dependency_key(const struct node *services, size_t from, size_t to)
{
	const struct node *all = get_kind(services->items[from], "depends_on", NODE_MAP);

	for (size_t i = 0; all && i < all->n; i++)
		if (str_eq(all->keys[i]->text, services->keys[to]->text))
			return all->keys[i];
	return NULL;
}

/* "a needs b (compose.yaml:3), b needs a (other.yaml:2): remove one". The caller's. */
static char *cycle_help(const struct search *s, size_t start, size_t to)
{
	const struct node *services = s->m->services;
	autobuf struct buf out = BUF_INIT(4096);

	for (size_t i = start; i < s->depth; i++) {
		size_t from = s->path[i], next = i + 1 < s->depth ? s->path[i + 1] : to;
		const struct node *at = dependency_key(services, from, next);

		buf_addf(&out, "%s%s needs %s", i > start ? ", " : "", services->keys[from]->text,
			services->keys[next]->text);
		if (at && at->at.line)
			buf_addf(&out, " (%s:%d)", at->at.file, at->at.line);
	}
	buf_addstr(&out, ": remove one");
	return buf_detach(&out);
}

static void report_cycle(struct search *s, size_t to)
{
	const struct node *services = s->m->services;
	size_t last = s->path[s->depth - 1], start = 0;
	const struct node *at = dependency_key(services, last, to);
	const char *origin = dependency_origin(services->items[last], at);
	autofree char *text = NULL, *help = NULL;
	autostrv struct strv names = STRV_INIT;
	struct place up = {.name = "services"};
	struct place service = {.up = &up, .name = services->keys[last]->text};
	struct place list = {.up = &service, .name = origin ? origin : "depends_on"};

	while (s->path[start] != to)
		start++;
	for (size_t i = start; i < s->depth; i++)
		strv_push(&names, services->keys[s->path[i]]->text);
	strv_push(&names, services->keys[to]->text);
	text = strv_join(&names, " -> ");
	help = cycle_help(s, start, to);
	place_error(s->m->diags, at, &list, help, "the services wait for each other: %s", text);
}

/*
 * One step deeper; iterative, for the depth is the document's. `next` are positions in depends_on.
 */
static void search_from(struct search *s, size_t start, const json_t *index, size_t *next)
{
	const struct node *services = s->m->services;

	s->depth = 0;
	s->path[s->depth++] = start;
	s->colour[start] = GREY;
	next[start] = 0;
	while (s->depth) {
		size_t here = s->path[s->depth - 1];
		const struct node *all = get_kind(services->items[here], "depends_on", NODE_MAP);
		size_t to;

		if (!all || next[here] >= all->n) {
			s->colour[here] = BLACK;
			s->depth--;
			continue;
		}
		to = service_index(s->m, index, all->keys[next[here]++]->text);
		if (to == services->n || !json_object_get(s->active, services->keys[to]->text))
			continue;
		if (s->colour[to] == GREY) {
			report_cycle(s, to);
		} else if (s->colour[to] == WHITE) {
			s->colour[to] = GREY;
			next[to] = 0;
			s->path[s->depth++] = to;
		}
	}
}

void model_check_cycles(const struct model *m, const json_t *active)
{
	size_t n = m->services ? m->services->n : 0;
	autojson json_t *index = json_object();
	autofree unsigned char *colour = xcalloc(n + 1, 1);
	autofree size_t *path = xcalloc(n + 1, sizeof(*path));
	autofree size_t *next = xcalloc(n + 1, sizeof(*next));
	struct search s = {.m = m, .active = active, .colour = colour, .path = path};

	for (size_t i = 0; i < n; i++)
		json_object_set_new(index, m->services->keys[i]->text, json_integer((json_int_t)i));
	for (size_t i = 0; i < n; i++)
		if (colour[i] == WHITE && json_object_get(active, m->services->keys[i]->text))
			search_from(&s, i, index, next);
}
