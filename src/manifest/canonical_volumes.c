/*
 * canonical_volumes.c - "./src:/app:ro" -> {type, source, target, read_only, ...}, and devices.
 *
 * The grammar is compose-go's format.ParseVolume: sections between colons, where a colon after a
 * single letter is a Windows drive and one inside ${...} counts for nothing.
 */
#include "canonical.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <ctype.h>
#include <string.h>

struct mount_spec {
	const char *source, *target; /* of the arena; NULL: not written */
	bool read_only, nocopy;
	const char *propagation, *selinux;
};

static void mount_options(struct arena *arena, const char *text, struct mount_spec *spec)
{
	static const char *const propagations[] = {
		"rprivate", "private", "rshared", "shared", "rslave", "slave"};
	autostrv struct strv words = STRV_INIT;

	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *word = words.v[i];

		if (str_eq(word, "ro"))
			spec->read_only = true;
		else if (str_eq(word, "rw"))
			spec->read_only = false;
		else if (str_eq(word, "nocopy"))
			spec->nocopy = true;
		else if (str_eq(word, "z") || str_eq(word, "Z"))
			spec->selinux = arena_strdup(arena, word);
		for (size_t j = 0; j < ARRAY_LEN(propagations); j++)
			if (str_eq(word, propagations[j]))
				spec->propagation = propagations[j];
	}
}

/* One section of the text, ended by a colon or (last) by the end. NULL, or what is wrong. */
static const char *mount_section(
	struct arena *arena, const char *text, bool last, struct mount_spec *spec)
{
	if (!*text)
		return "there is nothing between two colons";
	if (!spec->source && last)
		spec->target = text;
	else if (!spec->source)
		spec->source = text;
	else if (!spec->target)
		spec->target = text;
	else if (!last)
		return "there are too many colons";
	else
		mount_options(arena, text, spec);
	return NULL;
}

static const char *mount_parse(struct arena *arena, const char *text, struct mount_spec *spec)
{
	char *copy = arena_strdup(arena, text);
	char *start = copy;
	int depth = 0;
	const char *wrong;

	for (char *p = copy;; p++) {
		bool last = *p == '\0';

		if (*p == '$' && p[1] == '{')
			depth++;
		else if (*p == '}' && depth > 0)
			depth--;
		if (!last && (*p != ':' || depth > 0))
			continue;
		if (!last && p == start + 1 && isalpha((unsigned char)*start)) /* a Windows drive */
			continue;
		*p = '\0';
		wrong = mount_section(arena, start, last, spec);
		if (wrong || last)
			return wrong;
		start = p + 1;
	}
}

static bool is_host_path(const char *source)
{
	if (!source)
		return false;
	if (strchr("./~", source[0]) || str_starts(source, "\\\\"))
		return true;
	return isalpha((unsigned char)source[0]) && source[1] == ':';
}

static void set_text(const struct canonical *c, struct node *map, const char *key,
	const struct position *at, const char *text)
{
	if (text)
		node_set(c->arena, map, key, node_string(c->arena, at, text));
}

static void set_options(const struct canonical *c, struct node *mount,
	const struct mount_spec *spec, const struct position *at)
{
	bool bind = is_host_path(spec->source);
	struct node *map = node_new(c->arena, NODE_MAP, at);

	if (bind || spec->propagation || spec->selinux) {
		set_text(c, map, "selinux", at, spec->selinux);
		set_text(c, map, "propagation", at, spec->propagation);
		if (bind)
			node_set(c->arena, map, "create_host_path", node_bool(c->arena, at, true));
		node_set(c->arena, mount, "bind", map);
	}
	if (!bind || spec->nocopy) {
		map = node_new(c->arena, NODE_MAP, at);
		if (spec->nocopy)
			node_set(c->arena, map, "nocopy", node_bool(c->arena, at, true));
		node_set(c->arena, mount, "volume", map);
	}
}

static struct node *mount_map(
	const struct canonical *c, const struct mount_spec *spec, const struct position *at)
{
	struct node *map = node_new(c->arena, NODE_MAP, at);
	autofree char *target = spec->target ? path_clean(spec->target) : NULL;

	set_text(c, map, "type", at, is_host_path(spec->source) ? "bind" : "volume");
	set_text(c, map, "source", at, spec->source);
	set_text(c, map, "target", at, target);
	if (spec->read_only)
		node_set(c->arena, map, "read_only", node_bool(c->arena, at, true));
	set_options(c, map, spec, at);
	return map;
}

static struct node *mount_long(
	const struct canonical *c, struct node *item, const struct place *place)
{
	struct mount_spec spec = {0};
	const char *wrong;
	struct node *map;

	if (strlen(item->text) == 1 || strlen(item->text) == 2) {
		map = node_new(c->arena, NODE_MAP, &item->at);
		set_text(c, map, "type", &item->at, "volume");
		set_text(c, map, "target", &item->at, item->text);
		return map;
	}
	wrong = *item->text ? mount_parse(c->arena, item->text, &spec) : "it is empty";
	if (!wrong)
		return mount_map(c, &spec, &item->at);
	if (!strchr(item->text, '$'))
		place_error(c->diags, item, place,
			"for example: \"./src:/app\", \"data:/var/lib/data\" or "
			"\"/etc/app:/etc/app:ro\"",
			"\"%s\" is not a mount: %s", item->text, wrong);
	return item;
}

static void mount_paths(const struct canonical *c, struct node *mount, const struct place *place)
{
	struct node *source = node_get(mount, "source");

	if (!str_eq(node_get_text(mount, "type"), "bind"))
		return;
	if (source)
		canonical_host_path(c, source);
	else
		place_error(c->diags, mount, place, "for example: source: ./src",
			"a bind mount needs a source");
}

/* "/dev/a:/dev/b:rw" */
static struct node *device_long(
	const struct canonical *c, struct node *item, const struct place *place)
{
	autostrv struct strv parts = STRV_INIT;
	struct node *map = node_new(c->arena, NODE_MAP, &item->at);
	const char *source, *target;

	strv_split(&parts, item->text, ':');
	if (parts.n == 0 || parts.n > 3) {
		if (!strchr(item->text, '$'))
			place_error(c->diags, item, place,
				"for example: \"/dev/ttyUSB0:/dev/ttyUSB0:rwm\"",
				"\"%s\" is not a device mapping", item->text);
		return item;
	}
	source = parts.v[0];
	target = parts.n > 1 ? parts.v[1] : source;
	set_text(c, map, "source", &item->at, source);
	set_text(c, map, "target", &item->at, target);
	set_text(c, map, "permissions", &item->at, parts.n > 2 ? parts.v[2] : "rwm");
	return map;
}

void canonical_mounts(const struct canonical *c, struct node *service, const struct place *place)
{
	struct node *volumes = node_get(service, "volumes");
	struct node *devices = node_get(service, "devices");
	struct place list = {.up = place, .name = "volumes"};
	struct place here = {.up = &list};

	for (size_t i = 0; volumes && volumes->kind == NODE_LIST && i < volumes->n; i++) {
		here.index = i;
		if (volumes->items[i]->kind == NODE_STRING)
			volumes->items[i] = mount_long(c, volumes->items[i], &here);
		if (volumes->items[i]->kind == NODE_MAP)
			mount_paths(c, volumes->items[i], &here);
	}
	list.name = "devices";
	for (size_t i = 0; devices && devices->kind == NODE_LIST && i < devices->n; i++) {
		here.index = i;
		if (devices->items[i]->kind == NODE_STRING)
			devices->items[i] = device_long(c, devices->items[i], &here);
	}
}
