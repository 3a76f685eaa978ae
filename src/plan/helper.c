/* helper.c - ids of helpers, and their locks (helper.h). */
#include "helper.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_S (60 * 60)

static char *lock_path(const char *folder, const char *id)
{
	autofree char *state = fs_state_dir();

	return xasprintf("%s/%s/%s", state, folder, id);
}

int helper_new(struct helper *helper, const char *folder, const char *kind, struct err *err)
{
	*helper = HELPER_NONE;
	random_hex(helper->id, HELPER_ID_BYTES);
	helper->path = lock_path(folder, helper->id);
	return lock_take(&helper->lock, helper->path, kind, kind, err);
}

/* `id` comes from a label: it becomes part of a path. */
static bool is_id(const char *id)
{
	return id && strlen(id) == 2 * HELPER_ID_BYTES &&
	       strspn(id, "0123456789abcdef") == 2 * HELPER_ID_BYTES;
}

bool helper_take(struct helper *helper, const char *folder, const char *id)
{
	struct err busy = ERR_INIT;

	*helper = HELPER_NONE;
	if (!is_id(id))
		return false;
	snprintf(helper->id, sizeof(helper->id), "%s", id);
	helper->path = lock_path(folder, id);
	if (fs_exists(helper->path) &&
		lock_take(&helper->lock, helper->path, "a helper", "sweep", &busy) == 0)
		return true;
	helper_release(helper, false);
	return false;
}

void helper_sweep_agents(void)
{
	autofree char *folder = lock_path(HELPER_AGENTS, "");
	autostrv struct strv names = STRV_INIT;
	struct err ignored = ERR_INIT;
	struct helper left;
	struct stat status;

	if (!fs_is_dir(folder) || fs_list(folder, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = lock_path(HELPER_AGENTS, names.v[i]);

		if (stat(path, &status) == 0 && clock_wall() - status.st_mtime > HOUR_S &&
			helper_take(&left, HELPER_AGENTS, names.v[i]))
			helper_release(&left, true);
	}
}

/* The file goes last: without it nobody would know that the rest may be removed. */
void helper_release(struct helper *helper, bool gone)
{
	if (gone && helper->path && helper->lock.fd >= 0)
		unlink(helper->path);
	lock_release(&helper->lock);
	free(helper->path);
	*helper = HELPER_NONE;
}
