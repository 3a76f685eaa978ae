/*
 * branches.c - what is known of branches, and the folders of those that are put aside.
 *
 * branches.json is the truth: a folder that it does not tell of is left over.  It is one file, so
 * that the volumes of a workspace go from one branch to another together.
 */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define STATES_FILE CACHE_BRANCHES "/branches.json"

json_t *branches_read(struct err *err)
{
	json_t *states;

	if (!fs_exists(STATES_FILE))
		return json_object();
	states = json_parse_file(STATES_FILE, ERR_SNAPSHOT, err);
	if (!states || json_is_object(states))
		return states;
	json_decref(states);
	err_set(err, ERR_SNAPSHOT, "the cache's branches.json is no object");
	return NULL;
}

int branches_write(const json_t *states, struct err *err)
{
	autofree char *text = json_print_pretty(states);

	return fs_write_atomic(STATES_FILE, text, strlen(text), 0600, err);
}

/* Names of branches may have any characters: "feature/x". */
char *branches_path(const char *volume, const char *branch)
{
	char hex[SHA256_HEX];

	sha256_hex(branch, strlen(branch), hex);
	return xasprintf(CACHE_BRANCHES "/%s/%s", volume, hex);
}

struct place {
	const char *volume;
	const json_t *state;
};

/* cache_waste: all but the folders of branches that are put aside. */
static bool is_left_over(void *ctx, const char *name, const char *path)
{
	const struct place *place = ctx;
	const char *branch;
	json_t *each;

	json_object_foreach (json_object_get(place->state, "branches"), branch, each) {
		autofree char *own = branches_path(place->volume, branch);

		if (str_eq(own, path))
			return str_eq(branch, json_str(place->state, "current")) &&
			       !json_object_get(place->state, "to");
	}
	return true;
}

int branches_sweep(struct err *err)
{
	autostrv struct strv volumes = STRV_INIT;
	autojson json_t *states = NULL;

	if (!fs_is_dir(CACHE_BRANCHES))
		return 0;
	states = branches_read(err);
	if (!states || fs_list(CACHE_BRANCHES, &volumes, err) < 0)
		return -1;
	for (size_t i = 0; i < volumes.n; i++) {
		autofree char *folder = path_join(CACHE_BRANCHES, volumes.v[i]);
		struct place place = {volumes.v[i], json_object_get(states, volumes.v[i])};

		if (cache_sweep(folder, is_left_over, &place, err) < 0)
			return -1;
	}
	return 0;
}
