/* snapshot_import.c - `devenv snapshot import`. */
#include "common_options.h"
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct import_options {
	bool replace;
	struct production_words words;
};

#define AT(member) OPT_AT(struct import_options, member)

static const struct option_spec options[] = {
	{OPTION_MASKING, AT(words.masking)},
	{OPTION_PRODUCTION, AT(words.production)},
	{.name = "replace",
		.type = OPT_FLAG,
		AT(replace),
		.help = "Take the name from the snapshot that has it"},
	{0},
};

struct import {
	struct session session;
	struct snapshot_place place; /* place.volume NULL: none was named */
	struct dump *dump;
	const char *path;
	char *name;
};

static void import_release(struct import *import)
{
	dump_close(import->dump);
	snapshot_place_release(&import->place);
	session_close(&import->session);
	cleanup_free(&import->name);
}

/* "dumps/shop 1.sql.gz" is "shop-1". */
static char *name_of_file(const char *path)
{
	static const char *const endings[] = {
		".gz", ".zst", ".tgz", ".tzst", ".tar", ".sql", ".dump", ".backup"};
	char *name = xstrdup(path_basename(path));

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_ends(name, endings[i]))
			name[strlen(name) - strlen(endings[i])] = '\0';
	for (char *at = name; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *at))
			*at = '-';
	return name;
}

static int choose_name(struct import *import, const char *word, struct err *err)
{
	if (word)
		import->name = xstrdup(word);
	else if (import->place.volume)
		import->name = snapshots_default_name(import->place.volume);
	else
		import->name = name_of_file(import->path);
	if (!*import->name || str_eq(import->name, "-"))
		return err_set(err, ERR_USAGE,
			"the snapshot needs a name: devenv snapshot import - SERVICE NAME");
	return 0;
}

/* SQL needs a server, and so a service. */
static int check_service(const struct import *import, struct err *err)
{
	if (dump_kind(import->dump) == DUMP_TAR || import->place.service)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s is %s: name the service whose server shall load it: devenv snapshot import %s "
		"SERVICE [NAME]",
		import->path, dump_what(import->dump), import->path);
}

/* A data directory that the service cannot read is kept, with a word about it. */
static void check_fit(struct app *app, struct import *import, const json_t *record)
{
	const struct snapshot_place *place = &import->place;
	autofree char *image = place->service ? plan_image(place->manifest, place->service) : NULL;
	autojson json_t *inspected = NULL;
	autofree char *why = NULL;
	struct err ignored = ERR_INIT;

	if (image && image_inspect(import->session.engine, image, &inspected, &ignored) == 0 &&
		plan_snapshot_fits(json_object_get(record, "config"), inspected,
			snapshots_service(place), &why) != DATADIR_FITS)
		sink_warn(&app->sink, NULL, "%s", why);
}

static int import_dump(struct app *app, struct import *import, const json_t *config,
	const char *parent, json_t **saved, struct err *err)
{
	struct snapshot_place *place = &import->place;
	autofree char *object = xasprintf("snapshot %s", import->name);
	struct snapshot_import_ask ask = {.dump = import->dump,
		.path = import->path,
		.name = import->name,
		.parent = parent,
		.config = config,
		.ws = &import->session.ws,
		.manifest = place->manifest,
		.service = place->service,
		.volume = place->volume,
		.sink = &app->sink};

	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Importing"});
	if (dump_kind(import->dump) == DUMP_TAR) {
		if (plan_snapshot_import(import->session.engine, &ask, saved, err) < 0)
			return -1;
		check_fit(app, import, *saved);
	} else if (plan_snapshot_import_sql(import->session.engine, &ask, saved, err) < 0) {
		return -1;
	}
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_DONE, .object = object, .text = "Imported"});
	return 0;
}

static int import_all(struct app *app, struct import *import, const struct import_options *chosen,
	int argc, char **argv, json_t **saved, struct err *err)
{
	struct production_words words = chosen->words;
	autojson json_t *list = NULL, *config = NULL;
	const json_t *parent = NULL;

	import->dump = dump_open(import->path, err);
	if (!import->dump ||
		session_open(app, SESSION_ENGINE | SESSION_ALL, &import->session, err) < 0)
		return -1;
	if (argc > 1 && snapshots_place(&import->session, argv[1], &import->place, err) < 0)
		return -1;
	if (check_service(import, err) < 0 ||
		choose_name(import, argc > 2 ? argv[2] : NULL, err) < 0 ||
		plan_snapshot_check_name(import->name, err) < 0 ||
		plan_snapshot_list(import->session.engine, &app->sink, &list, err) < 0)
		return -1;
	if (!chosen->replace && snapshots_check_free(list, import->name, err) < 0)
		return -1;
	words.elsewhere = true;
	config = snapshots_config(&import->session, &import->place, &words, err);
	if (!config)
		return -1;
	json_set_str(config, "source", dump_what(import->dump));
	if (import->place.volume)
		parent = snapshots_newest(list, import->place.volume);
	return import_dump(app, import, config, json_str(parent, "name"), saved, err);
}

static int import_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct import import = {.session = SESSION_INIT, .path = argv[0]};
	autojson json_t *saved = NULL;
	int status = import_all(app, &import, opts, argc, argv, &saved, err);
	autofree char *text = xasprintf("%s\n", import.name ? import.name : "");

	import_release(&import);
	if (status < 0)
		return -1;
	return app->json ? ui_output_json(saved, err) : ui_output(text, err);
}

static const char *const examples[] = {
	"devenv snapshot import shop.sql.gz db monday      # a dump, loaded by db's own server",
	"ssh host pg_dump -Fc shop | devenv snapshot import - db monday",
	"devenv snapshot import datadir.tar.zst            # files, as they are",
	NULL,
};

const struct command cmd_snapshot_import = {
	.name = "import",
	.args = "FILE|- [SERVICE|VOLUME] [NAME]",
	.summary = "Make a snapshot of a dump, or of a tar of a data directory",
	.details =
		"What FILE is is told by its content; .gz and .zst are understood. The name is "
		"printed.\n"
		"\n"
		"A tar must be of a data directory that was shut down cleanly, which is proven "
		"from the files as `devenv snapshot save` does; or of any files. The volume says "
		"whose snapshot it is.\n"
		"\n"
		"SQL, and archives of pg_dump -Fc and -Ft, are loaded into a new data directory "
		"by a server of the service's own image, with the service's environment, in a "
		"container without a network. It runs without the safety that only a crash would "
		"need, so it loads faster than the service would. The first error ends it, with "
		"its line. Then the server is stopped cleanly and its files become the snapshot. "
		"The service and its data are not touched: `devenv snapshot restore` brings them, "
		"as often as you like, in the time that copying takes. Owners and grants of an "
		"archive are left out. The rows of all tables are recorded.",
	.examples = examples,
	.min_args = 1,
	.max_args = 3,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct import_options),
	.run = import_run,
};
