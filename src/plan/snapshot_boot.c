/*
 * snapshot_boot.c - does a server start on a snapshot, and does it hold the rows that were
 * recorded?
 *
 * All of it on a volume and in a container of the moment, which has no network: scratch.h.
 */
#include "devenv/plan_snapshot.h"

#include "dbclient.h"
#include "plan_priv.h"
#include "scratch.h"
#include "snapshot_rows.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>

struct boot {
	struct engine *engine;
	const struct snapshot_boot_ask *ask;
	const json_t *config; /* of the snapshot */
	char *object;
	json_t *image; /* as the engine has it */
	struct scratch *scratch;
	json_t *rows;
	char *proof; /* of its clean end */
};

static void tell(const struct boot *boot, const char *text)
{
	sink_emit(boot->ask->sink,
		&(struct event){.kind = EVENT_PROGRESS, .object = boot->object, .text = text});
}

/* === the server === */

/* By its digest, where a registry gave it one. */
static const char *image_of(const json_t *config)
{
	const char *pinned = json_str(config, "image_digest");

	return pinned ? pinned : json_str(config, "image");
}

static int check_fit(const struct boot *boot, struct err *err)
{
	autofree char *why = NULL;
	enum datadir_verdict verdict = plan_snapshot_fits(boot->config, boot->image,
		model_service(boot->ask->manifest, boot->ask->service), &why);

	if (verdict == DATADIR_REFUSED)
		return err_set(err, ERR_SNAPSHOT, "%s", why);
	if (verdict == DATADIR_WARN)
		sink_warn(boot->ask->sink, boot->object, "%s", why);
	return 0;
}

/* Does the service run another kind of database? An image that is not here does not tell. */
static int check_service(const struct boot *boot, enum datadir_kind kind, struct err *err)
{
	const struct snapshot_boot_ask *ask = boot->ask;
	autofree char *reference = plan_image(ask->manifest, ask->service);
	autojson json_t *image = NULL;
	struct err ignored = ERR_INIT;
	struct datadir_server server;
	enum datadir_kind own;

	if (image_inspect(boot->engine, reference, &image, &ignored) < 0)
		return 0;
	datadir_server_from_env(json_at(image, "Config", "Env", NULL), &server);
	own = server.kind;
	datadir_server_release(&server);
	if (own == kind || own == DATADIR_OPAQUE)
		return 0;
	return err_set(err, ERR_SNAPSHOT, "it is of %s, and service %s runs %s",
		datadir_kind_name(kind), ask->service, datadir_kind_name(own));
}

static int restore(const struct boot *boot, struct err *err)
{
	struct snapshot_restore_ask ask = {.volume = scratch_volume(boot->scratch),
		.name = json_str(boot->ask->record, "digest"),
		.replace = true, /* what the image put there */
		.whole = true,
		.object = boot->object,
		.sink = boot->ask->sink};

	tell(boot, "restoring");
	return plan_snapshot_restore(boot->engine, &ask, err);
}

static int start_server(struct boot *boot, struct err *err)
{
	const struct snapshot_boot_ask *ask = boot->ask;
	struct scratch_spec spec = {.image = image_of(boot->config),
		.ws = ask->ws,
		.manifest = ask->manifest,
		.service = ask->service,
		.volume = ask->volume,
		.object = boot->object,
		.sink = ask->sink};

	if (!spec.image)
		return err_set(err, ERR_SNAPSHOT, "it does not say which image it was saved from");
	if (scratch_image(boot->engine, &spec, &boot->image, err) < 0)
		return err_wrap(err, "the image that it was saved from");
	if (check_fit(boot, err) < 0)
		return -1;
	spec.image = json_str(boot->image, "Id");
	boot->scratch = scratch_open(boot->engine, &spec, err);
	if (!boot->scratch || restore(boot, err) < 0)
		return -1;
	tell(boot, "starting a scratch server");
	return scratch_start(boot->scratch, err);
}

static int count_rows(struct boot *boot, struct err *err)
{
	autodbclient struct dbclient client = {0};

	tell(boot, "counting rows");
	if (dbclient_find(boot->engine, scratch_container(boot->scratch), &client, err) < 0)
		return -1;
	return snapshot_rows_count(&client, &boot->rows, err);
}

/* === its end === */

/* Where the bytes cannot tell, its status 0 has to do. */
static int check_clean(struct boot *boot, struct err *err)
{
	autojson json_t *facts = NULL;
	const char *proof;

	if (plan_snapshot_examine(boot->engine, scratch_volume(boot->scratch), &facts, err) < 0)
		return -1;
	proof = json_str(facts, "proof");
	if (str_eq(json_str(facts, "state"), datadir_state_name(DATADIR_NOT_CLEAN)))
		return err_set(err, ERR_SNAPSHOT, "the server did not stop cleanly: %s", proof);
	boot->proof = xstrdup(proof);
	return 0;
}

static int run(struct boot *boot, struct err *err)
{
	enum datadir_kind kind = datadir_kind_of(
		json_str(json_object_get(boot->config, "engine"), "kind"));

	if (kind == DATADIR_OPAQUE || kind == DATADIR_KINDS)
		return err_set(err, ERR_SNAPSHOT,
			"it holds no database that devenv knows: nothing can be started on it, and "
			"so only its bytes are proven");
	if (check_service(boot, kind, err) < 0 || start_server(boot, err) < 0 ||
		count_rows(boot, err) < 0)
		return -1;
	tell(boot, "stopping the scratch server");
	if (scratch_stop(boot->scratch, err) < 0)
		return -1;
	return check_clean(boot, err);
}

static json_t *result_of(const struct boot *boot)
{
	const json_t *recorded = json_object_get(boot->config, "probes");

	return json_pack("{s:s, s:O, s:b, s:o, s:s*}", "image", image_of(boot->config), "probes",
		boot->rows, "recorded", recorded != NULL, "differ",
		recorded ? snapshot_rows_compare(recorded, boot->rows) : json_array(), "proof",
		boot->proof);
}

int plan_snapshot_boot(struct engine *engine, const struct snapshot_boot_ask *ask, json_t **booted,
	struct err *err)
{
	struct boot boot = {.engine = engine,
		.ask = ask,
		.config = json_object_get(ask->record, "config"),
		.object = xasprintf("snapshot %s", json_str(ask->record, "name"))};
	int status = run(&boot, err);

	if (status == 0)
		*booted = result_of(&boot);
	scratch_close(boot.scratch);
	json_decref(boot.image);
	json_decref(boot.rows);
	free(boot.proof);
	free(boot.object);
	return status < 0 ? err_wrap(err, "boot the snapshot %s", json_str(ask->record, "name"))
			  : 0;
}
