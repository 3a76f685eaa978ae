/* state.c - the workspace lock, the journal and what is known of volumes. */
#include "devenv/state.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

char *state_dir(const char *id, struct err *err)
{
	autofree char *base = fs_state_dir();
	autofree char *dir = xasprintf("%s/workspaces/%s", base, id);

	if (fs_mkdirs(dir, 0700, err) < 0)
		return NULL;
	return TAKE(dir);
}

static int take(const char *id, const char *name, const char *what, const char *command,
	struct lock *lock, struct err *err)
{
	autofree char *dir = state_dir(id, err);
	autofree char *path = dir ? path_join(dir, name) : NULL;

	if (!dir)
		return -1;
	return lock_take(lock, path, what, command, err);
}

int state_lock(const char *id, const char *workspace, const char *command, struct lock *lock,
	struct err *err)
{
	autofree char *what = xasprintf("workspace \"%s\"", workspace);

	return take(id, "lock", what, command, lock, err);
}

int state_lock_watch(const char *id, const char *workspace, const char *command, struct lock *lock,
	struct err *err)
{
	autofree char *what = xasprintf("the watch of workspace \"%s\"", workspace);

	return take(id, "watch", what, command, lock, err);
}

static char *journal_path(const char *id)
{
	struct err ignored = ERR_INIT;
	autofree char *dir = state_dir(id, &ignored);

	return dir ? path_join(dir, "under-way") : NULL;
}

char *state_begin(const char *id, const char *command)
{
	autofree char *path = journal_path(id);
	struct buf earlier = BUF_INIT(4096);
	struct err ignored = ERR_INIT;

	if (!path)
		return NULL;
	if (!fs_exists(path) || fs_read(path, &earlier, ERR_FAILED, &ignored) < 0)
		buf_reset(&earlier);
	fs_write_atomic(path, command, strlen(command), 0600, &ignored);
	if (!earlier.len) {
		buf_release(&earlier);
		return NULL;
	}
	return buf_detach(&earlier);
}

void state_end(const char *id)
{
	autofree char *path = journal_path(id);

	if (path)
		unlink(path);
}

/* === volumes === */

static char *volume_path(const char *id, const char *volume, struct err *err)
{
	autofree char *dir = state_dir(id, err);
	autofree char *folder = dir ? path_join(dir, "volumes") : NULL;

	if (!dir || strchr(volume, '/') || fs_mkdirs(folder, 0700, err) < 0)
		return NULL;
	return xasprintf("%s/%s.json", folder, volume);
}

static int write_note(const char *path, const char *text, const char *what, struct err *err)
{
	if (fs_write_atomic(path, text, strlen(text), 0600, err) == 0)
		return 0;
	if (err->os == ENOSPC || err->os == EDQUOT)
		err_hint(err, "make room there");
	return err_wrap(err, "note %s", what);
}

int state_volume_write(const char *id, const char *volume, const json_t *record, struct err *err)
{
	autofree char *path = volume_path(id, volume, err);
	autofree char *text = json_print(record),
		      *what = xasprintf("the state of volume %s", volume);

	if (!path)
		return err_wrap(err, "note %s", what);
	return write_note(path, text, what, err);
}

json_t *state_volume_read(const char *id, const char *volume)
{
	struct err ignored = ERR_INIT;
	autofree char *path = volume_path(id, volume, &ignored);

	if (!path || !fs_exists(path))
		return NULL;
	return json_parse_file(path, ERR_FAILED, &ignored);
}

void state_volume_forget(const char *id, const char *volume)
{
	struct err ignored = ERR_INIT;
	autofree char *path = volume_path(id, volume, &ignored);

	if (path)
		unlink(path);
}

/* === services that are stopped for a while === */

static char *stopped_path(const char *id, struct err *err)
{
	autofree char *dir = state_dir(id, err);

	return dir ? path_join(dir, "stopped.json") : NULL;
}

int state_stopped_write(const char *id, const struct strv *services, struct err *err)
{
	autofree char *path = stopped_path(id, err), *text = NULL;
	autojson json_t *list = json_from_strv(services);

	if (!path)
		return err_wrap(err, "note what is stopped");
	if (!services->n && (unlink(path) == 0 || errno == ENOENT))
		return 0;
	text = json_print(list);
	return write_note(path, text, "what is stopped", err);
}

void state_stopped_read(const char *id, struct strv *services)
{
	struct err ignored = ERR_INIT;
	autofree char *path = stopped_path(id, &ignored);
	autojson json_t *list = NULL;

	if (!path || !fs_exists(path))
		return;
	list = json_parse_file(path, ERR_FAILED, &ignored);
	json_to_strv(list, services);
}
