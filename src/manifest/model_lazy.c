/*
 * model_lazy.c - what a service must not say when it restores its volume itself (x-snapshot with
 * `lazy: true`): its container waits on its own address, and makes files of any owner.
 */
#include "model.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <string.h>

#define HELP "leave `lazy` out, or this"

static bool is_lazy(const struct model *m, const struct node *mount)
{
	const char *source = node_get_text(mount, "source");
	const struct node *volume = source ? node_get(node_get(m->doc, "volumes"), source) : NULL;
	const struct node *lazy = node_get(node_get(volume, "x-snapshot"), "lazy");
	const struct node *reads = node_get(mount, "read_only");
	bool is = false, read_only = false;

	if (!str_eq(node_get_text(mount, "type"), "volume") || !lazy || !key_to_bool(lazy, &is))
		return false;
	if (reads)
		key_to_bool(reads, &read_only);
	return is && !read_only;
}

static bool is_root(const char *user)
{
	autofree char *name = xstrndup(user, strcspn(user, ":"));

	return !*name || str_eq(name, "root") || str_eq(name, "0");
}

/* Without "CAP_", in capitals. The caller's. */
static char *capability(const char *text)
{
	char *name = xstrdup(text);

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (str_starts(name, "CAP_"))
		memmove(name, name + 4, strlen(name + 4) + 1);
	return name;
}

static bool adds(const struct node *service, const char *wanted)
{
	const struct node *added = node_get(service, "cap_add");

	for (size_t i = 0; added && added->kind == NODE_LIST && i < added->n; i++) {
		autofree char *name = capability(added->items[i]->text);

		if (str_eq(name, wanted) || str_eq(name, "ALL"))
			return true;
	}
	return false;
}

/* The capability that `dropped` takes away; NULL: none that is needed. */
static const char *lacks(const struct node *service, const struct node *dropped)
{
	static const char *const needed[] = {"CHOWN", "DAC_OVERRIDE", "FOWNER"};
	autofree char *name = capability(dropped->text);

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if ((str_eq(name, "ALL") || str_eq(name, needed[i])) && !adds(service, needed[i]))
			return needed[i];
	return NULL;
}

static void check_capabilities(const struct model *m, const struct node *service,
	const char *volume, const struct place *place)
{
	const struct node *dropped = node_get(service, "cap_drop");
	struct place list = {.up = place, .name = "cap_drop"};

	for (size_t i = 0; dropped && dropped->kind == NODE_LIST && i < dropped->n; i++) {
		const char *lacking = lacks(service, dropped->items[i]);
		struct place here = {.up = &list, .index = i};

		if (lacking)
			place_error(m->diags, dropped->items[i], &here, HELP,
				"volume \"%s\" is restored by the container itself "
				"(x-snapshot.lazy), which needs the capability %s for it",
				volume, lacking);
	}
}

static void check(const struct model *m, const struct node *service, const struct node *mount,
	const struct place *place)
{
	const struct node *user = node_get(service, "user");
	const struct node *mode = node_get(service, "network_mode");
	const struct node *subpath = node_get(node_get(mount, "volume"), "subpath");
	const char *volume = node_get_text(mount, "source");
	struct place at_user = {.up = place, .name = "user"};
	struct place at_mode = {.up = place, .name = "network_mode"};
	struct place at_volumes = {.up = place, .name = "volumes"};

	if (user && node_is_scalar(user) && !is_root(user->text))
		place_error(m->diags, user, &at_user, HELP,
			"volume \"%s\" is restored by the container itself (x-snapshot.lazy), "
			"which has to begin as root, not as \"%s\"",
			volume, user->text);
	if (mode && node_is_scalar(mode) && *mode->text && !str_eq(mode->text, "bridge"))
		place_error(m->diags, mode, &at_mode, HELP,
			"volume \"%s\" is restored on the first connection (x-snapshot.lazy), and "
			"with the network \"%s\" the container has no address of its own",
			volume, mode->text);
	if (subpath)
		place_error(m->diags, subpath, &at_volumes, HELP,
			"x-snapshot.lazy restores the whole volume \"%s\", not a part of it",
			volume);
	check_capabilities(m, service, volume, place);
}

void model_check_lazy(const struct model *m, const struct node *service, const char *name)
{
	const struct node *volumes = node_get(service, "volumes");
	struct place up = {.name = "services"};
	struct place here = {.up = &up, .name = name};

	for (size_t i = 0; volumes && volumes->kind == NODE_LIST && i < volumes->n; i++)
		if (is_lazy(m, volumes->items[i])) {
			check(m, service, volumes->items[i], &here);
			return;
		}
}
