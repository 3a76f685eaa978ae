/* restore_snapshot.c - volumes that begin as a snapshot of the cache, or of a store. */
#include "restore.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/str.h"

#include <string.h>

static bool is_store(const char *source)
{
	return str_starts(source, "oci:") || str_starts(source, "oci+https://") ||
	       str_starts(source, "s3://");
}

bool restore_is_archive(const char *source, const char *dir)
{
	static const char *const endings[] = {
		".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".tar.bz2"};
	autofree char *path = NULL;

	if (is_store(source))
		return false;
	if (strstr(source, "://") || strchr("./~", *source))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_ends(source, endings[i]))
			return true;
	path = path_absolute(dir, source);
	return fs_exists(path);
}

int restore_fetch(struct engine *engine, const char *reference, enum pull_policy pull,
	const struct sink *sink, struct err *err)
{
	autojson json_t *record = NULL;
	struct err unknown = ERR_INIT;

	if (pull != PULL_ALWAYS &&
		plan_snapshot_show(engine, reference, sink, &record, &unknown) == 0)
		return 0;
	if (pull == PULL_NEVER) {
		*err = unknown;
		return -1;
	}
	return plan_snapshot_pull(engine, reference, NULL, sink, &record, err);
}

int restore_check(
	struct engine *engine, const struct restore_ask *ask, const json_t *record, struct err *err)
{
	autojson json_t *image = NULL;
	autofree char *why = NULL;
	const char *kind = json_str(json_at(record, "config", "engine", NULL), "kind");
	const char *digest = json_str(record, "digest");
	enum datadir_verdict verdict;

	if (ask->digest && !str_eq(ask->digest, digest))
		return err_set(err, ERR_SNAPSHOT, "snapshot %s is %s, and x-snapshot wants %s",
			ask->reference, digest, ask->digest);
	if (ask->kind && !str_eq(ask->kind, kind))
		return err_set(err, ERR_SNAPSHOT,
			"snapshot %s is of %s, and x-snapshot.engine wants %s", ask->reference,
			kind ? kind : "no database", ask->kind);
	if (image_inspect(engine, ask->image, &image, err) < 0)
		return -1;
	verdict = plan_snapshot_fits(json_object_get(record, "config"), image, ask->service, &why);
	if (verdict == DATADIR_REFUSED)
		return err_set(err, ERR_SNAPSHOT, "snapshot %s does not go with image %s: %s",
			ask->reference, ask->image, why);
	if (verdict == DATADIR_WARN) {
		autofree char *object = xasprintf("volume %s", ask->volume);

		sink_warn(ask->sink, object, "%s", why);
	}
	return 0;
}

int restore_snapshot(
	struct engine *engine, const struct restore_ask *ask, json_t **record, struct err *err)
{
	struct snapshot_restore_ask restore = {.volume = ask->volume, .sink = ask->sink};
	autojson json_t *found = NULL;

	if (plan_snapshot_show(engine, ask->reference, ask->sink, &found, err) < 0)
		return -1;
	restore.name = json_str(found, "digest");
	if (restore_check(engine, ask, found, err) < 0 ||
		plan_snapshot_restore(engine, &restore, err) < 0)
		return -1;
	*record = TAKE(found);
	return 0;
}
