/*
 * snapshot_sql.c - SQL into a snapshot: a scratch server of the service's own image makes the data
 * directory, its own client loads the dump, and what that leaves is captured.
 */
#include "devenv/plan_snapshot.h"

#include "dbclient.h"
#include "dump_feed.h"
#include "plan_priv.h"
#include "scratch.h"
#include "snapshot_rows.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* Where an archive of pg_dump waits: pg_restore reads it in several places at once. */
#define ARCHIVE_PATH "/tmp/devenv.dump"
#define JOBS_MAX 8

struct sql_import {
	struct engine *engine;
	const struct snapshot_import_ask *ask;
	char *object;
	json_t *image; /* as the engine has it */
	struct scratch *scratch;
	struct dbclient client;
	json_t *rows, *server;
};

static void tell(const struct sql_import *import, const char *text)
{
	sink_emit(import->ask->sink,
		&(struct event){.kind = EVENT_PROGRESS, .object = import->object, .text = text});
}

/* === the server === */

/* Is the dump for that kind of server? */
static int check_kind(const struct sql_import *import, struct err *err)
{
	static const char *const names[] = {"no database", "PostgreSQL", "MariaDB", "MySQL"};
	enum datadir_kind origin = dump_origin(import->ask->dump);
	struct datadir_server server;
	enum datadir_kind kind;

	datadir_server_from_env(json_at(import->image, "Config", "Env", NULL), &server);
	kind = server.kind;
	datadir_server_release(&server);
	if (kind == DATADIR_OPAQUE)
		return err_set(err, ERR_SNAPSHOT,
			"service %s is no MariaDB, MySQL or PostgreSQL, as far as its image tells: "
			"its environment has none of MARIADB_VERSION, MYSQL_VERSION and PG_MAJOR",
			import->ask->service);
	if (origin != DATADIR_OPAQUE && (origin == DATADIR_POSTGRES) != (kind == DATADIR_POSTGRES))
		return err_set(err, ERR_SNAPSHOT, "%s is %s, and service %s runs %s",
			import->ask->path, dump_what(import->ask->dump), import->ask->service,
			names[kind]);
	return 0;
}

static int open_server(struct sql_import *import, struct err *err)
{
	const struct snapshot_import_ask *ask = import->ask;
	autofree char *image = plan_image(ask->manifest, ask->service);
	struct scratch_spec spec = {.image = image,
		.ws = ask->ws,
		.manifest = ask->manifest,
		.service = ask->service,
		.volume = ask->volume,
		.fast = true,
		.object = import->object,
		.sink = ask->sink};

	if (scratch_image(import->engine, &spec, &import->image, err) < 0 ||
		check_kind(import, err) < 0)
		return -1;
	/* By its id: what the tag means may change meanwhile. */
	spec.image = json_str(import->image, "Id");
	tell(import, "starting a scratch server");
	import->scratch = scratch_open(import->engine, &spec, err);
	if (!import->scratch || scratch_start(import->scratch, err) < 0)
		return -1;
	return dbclient_find(
		import->engine, scratch_container(import->scratch), &import->client, err);
}

/* === the dump === */

/* What to do about what people meet first. */
static void hint(struct err *err)
{
	static const struct {
		const char *said, *hint;
	} hints[] = {
		{"No database selected",
			"set MARIADB_DATABASE or MYSQL_DATABASE of the service, or dump with "
			"--databases"},
		{"role \"", "dump with --no-owner --no-privileges, or as an archive: pg_dump -Fc"},
		{"already exists", "a scratch server runs the image's own first scripts, too; dump "
				   "without what they make, and without -C"},
		{"Unknown collation", "the dump is of another kind or a newer version of server"},
	};

	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (strstr(err->msg, hints[i].said)) {
			err_hint(err, "%s", hints[i].hint);
			return;
		}
}

/* PostgreSQL's client of 17.6 and later refuses what is between two \restrict. */
static bool knows_restrict(const struct dbclient *client)
{
	struct err ignored = ERR_INIT;

	return dbclient_ask(client, NULL, "\\restrict devenv\n\\unrestrict devenv\n", NULL,
		       &ignored) == 0;
}

static int load_sql(struct sql_import *import, struct dump_feed *feed, struct err *err)
{
	/* Nothing but SQL in them: no commands of the client, no line ends changed. */
	static const char *const mysql[] = {
		"--batch", "--binary-mode", "--max-allowed-packet=1073741824", NULL};
	static const char *const postgres[] = {
		"-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-", NULL};
	bool is_postgres = import->client.kind == DATADIR_POSTGRES;

	if (is_postgres && knows_restrict(&import->client))
		dump_keep_restrict(feed->dump);
	return dbclient_run(&import->client,
		&(struct dbclient_run){.argv = is_postgres ? postgres : mysql,
			.database = import->client.database,
			.read = dump_feed_read,
			.ctx = feed},
		err);
}

/* The engine's processors. */
static int count_jobs(struct engine *engine)
{
	autojson json_t *info = NULL;
	struct err ignored = ERR_INIT;
	int64_t n = 1;

	if (engine_get(engine, &info, &ignored, "/info") == 0)
		n = json_int(info, "NCPU");
	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (int)n;
}

static int load_archive(struct sql_import *import, struct dump_feed *feed, struct err *err)
{
	autofree char *jobs = xasprintf("--jobs=%d", count_jobs(import->engine));
	autofree char *database = xasprintf("--dbname=%s", import->client.database);
	const char *const put[] = {"of=" ARCHIVE_PATH, "bs=65536", NULL};
	bool is_tar = strstr(dump_what(feed->dump), "-Ft") != NULL;
	const char *const restore[] = {"--exit-on-error", "--no-owner", "--no-privileges", database,
		ARCHIVE_PATH, is_tar ? NULL : jobs, NULL};

	if (dbclient_run(&import->client,
		    &(struct dbclient_run){
			    .program = "dd", .argv = put, .read = dump_feed_read, .ctx = feed},
		    err) < 0)
		return -1;
	tell(import, "pg_restore");
	return dbclient_run(&import->client,
		&(struct dbclient_run){.program = "pg_restore",
			.argv = restore,
			.database = import->client.database},
		err);
}

static int load(struct sql_import *import, struct err *err)
{
	struct dump_feed feed = {
		.dump = import->ask->dump, .object = import->object, .sink = import->ask->sink};
	int status = dump_kind(feed.dump) == DUMP_SQL ? load_sql(import, &feed, err)
						      : load_archive(import, &feed, err);

	if (status == 0)
		return 0;
	hint(err);
	scratch_explain(import->scratch, err);
	return -1;
}

/* A dump may bring users with other passwords: then nobody is left to count. */
static void count_rows(struct sql_import *import)
{
	struct err err = ERR_INIT;

	tell(import, "counting rows");
	if (snapshot_server_ask(&import->client, &import->server, &err) < 0 ||
		snapshot_rows_count(&import->client, &import->rows, &err) < 0)
		sink_warn(import->ask->sink, import->object,
			"its rows are not recorded, so that `verify --boot` cannot compare them: "
			"%s",
			err.msg);
}

/* === the snapshot === */

static int capture(struct sql_import *import, json_t **saved, struct err *err)
{
	const struct snapshot_import_ask *ask = import->ask;
	autofree char *image = plan_image(ask->manifest, ask->service);
	autojson json_t *config = json_object();
	struct snapshot_save_ask save = {.volume = scratch_volume(import->scratch),
		.name = ask->name,
		.parent = ask->parent,
		.ended = true,
		.config = config,
		.object = import->object,
		.sink = ask->sink};

	json_object_update(config, (json_t *)ask->config);
	plan_snapshot_note_image(config, image, import->image);
	if (import->rows)
		json_object_set(config, "probes", import->rows);
	if (import->server)
		json_object_set(config, "server", import->server);
	return plan_snapshot_save(import->engine, &save, saved, err);
}

static int run(struct sql_import *import, json_t **saved, struct err *err)
{
	if (open_server(import, err) < 0)
		return -1;
	tell(import, "loading");
	if (load(import, err) < 0)
		return -1;
	count_rows(import);
	tell(import, "stopping the scratch server");
	if (scratch_stop(import->scratch, err) < 0)
		return -1;
	return capture(import, saved, err);
}

int plan_snapshot_import_sql(struct engine *engine, const struct snapshot_import_ask *ask,
	json_t **saved, struct err *err)
{
	struct sql_import import = {
		.engine = engine, .ask = ask, .object = xasprintf("snapshot %s", ask->name)};
	int status = run(&import, saved, err);

	dbclient_release(&import.client);
	scratch_close(import.scratch);
	json_decref(import.image);
	json_decref(import.rows);
	json_decref(import.server);
	cleanup_free(&import.object);
	return status < 0 ? err_wrap(err, "import %s", ask->path) : 0;
}
