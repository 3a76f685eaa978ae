/* snapshot_scan.c - `devenv snapshot scan`, and the same before a push. */
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

#define CANARIES_FILE_MAX ((size_t)4 << 20)

/* Of what a push is refused for, as warnings. */
#define WARNINGS_MAX 20

/* === what is looked for === */

/* The lines of a file but those that begin with "#". */
static int add_lines(json_t *canaries, const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(CANARIES_FILE_MAX);
	autostrv struct strv lines = STRV_INIT;

	if (fs_read(path, &text, ERR_SNAPSHOT, err) < 0)
		return err_wrap(err, "canaries");
	strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.v[i];

		line[strcspn(line, "\r")] = '\0';
		if (*line && *line != '#')
			json_array_append_new(canaries, json_string_safe(line));
	}
	return 0;
}

struct scan_rules {
	json_t *canaries, *allowed;
};

/* What the manifest says whose volume it is, and the command line. */
static int read_rules(const struct session *session, const char *volume,
	const struct scan_words *words, const struct scan_rules *rules, struct err *err)
{
	for (size_t i = 0; volume && i < session->ws.n; i++) {
		const struct manifest *manifest = &session->ws.manifests[i];
		const json_t *found = snapshots_production(manifest, volume);
		const char *file = json_str(found, "canaries");
		autofree char *path = file ? path_absolute(manifest->dir, file) : NULL;

		if (path && add_lines(rules->canaries, path, err) < 0)
			return -1;
		json_array_extend(rules->allowed, json_object_get(found, "allow"));
	}
	for (size_t i = 0; i < words->allow.n; i++)
		json_array_append_new(rules->allowed, json_string_safe(words->allow.v[i]));
	return words->canaries ? add_lines(rules->canaries, words->canaries, err) : 0;
}

int snapshots_scan(struct app *app, struct session *session, const json_t *record,
	const struct scan_words *words, json_t **found, struct err *err)
{
	autojson json_t *canaries = json_array(), *allowed = json_array();
	const char *volume = json_str(json_object_get(record, "config"), "volume");

	if (read_rules(session, volume, words, &(struct scan_rules){canaries, allowed}, err) < 0)
		return -1;
	return plan_snapshot_scan(session->engine, json_str(record, "name"), canaries, allowed,
		&app->sink, found, err);
}

/* === what was found === */

/* "shop/users.ibd (shop.users)": where a table is known by its file. The caller's. */
static char *place_of(const json_t *record, const json_t *find)
{
	const char *path = json_str(find, "path"), *slash = path ? strchr(path, '/') : NULL;
	const char *dot = path ? strrchr(path, '.') : NULL;
	enum datadir_kind kind = datadir_kind_of(
		json_str(json_at(record, "config", "engine", NULL), "kind"));
	bool table = slash && dot > slash && (kind == DATADIR_MARIADB || kind == DATADIR_MYSQL) &&
		     (str_eq(dot, ".ibd") || str_eq(dot, ".MYD") || str_eq(dot, ".MAD"));

	if (!path)
		return xasprintf("%s (shared; in no file)", json_str(find, "pack"));
	if (json_bool(find, "in_name"))
		return xasprintf("%s (its name or attributes)", path);
	if (table)
		return xasprintf("%s (table %.*s.%.*s)", path, (int)(slash - path), path,
			(int)(dot - slash - 1), slash + 1);
	return xstrdup(path);
}

/* "canary 3"; the other kinds by their names. The caller's. */
static char *kind_of(const json_t *find)
{
	return json_object_get(find, "number")
		       ? xasprintf("canary %lld", (long long)json_int(find, "number") + 1)
		       : xstrdup(json_str(find, "kind"));
}

static int refuse(const json_t *record, const json_t *found, struct err *err)
{
	long long places = json_int(found, "places");

	if (!places)
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"snapshot %s holds what must not leave, in %lld place%s; mask it, rebuild the "
		"tables, and save it again, or allow what may be there (--allow, or the volume's "
		"x-production.allow)",
		json_str(record, "name"), places, places == 1 ? "" : "s");
}

int snapshots_check_clean(struct app *app, struct session *session, const json_t *record,
	const struct scan_words *words, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", json_str(record, "name"));
	autojson json_t *found = NULL;
	json_t *find;
	size_t i;

	if (snapshots_scan(app, session, record, words, &found, err) < 0)
		return -1;
	json_array_foreach (json_object_get(found, "finds"), i, find) {
		autofree char *place = place_of(record, find), *kind = kind_of(find);

		if (i < WARNINGS_MAX)
			sink_warn(&app->sink, object, "%s: %s, %lld times, first at byte %lld: %s",
				place, kind, (long long)json_int(find, "count"),
				(long long)json_int(find, "offset"), json_str(find, "shown"));
	}
	return refuse(record, found, err);
}

/* === the command === */

struct scan_options {
	struct scan_words scan;
};

static const struct option_spec options[] = {SCAN_OPTIONS(struct scan_options), {0}};

static int print(const json_t *record, const json_t *found, struct err *err)
{
	static const char *const headings[] = {"PLACE", "WHAT", "COUNT", "OFFSET", "FIRST", NULL};
	struct table *table = table_new(headings);
	autobuf struct buf text = BUF_INIT(0);
	json_t *find;
	size_t i;

	json_array_foreach (json_object_get(found, "finds"), i, find) {
		autofree char *place = place_of(record, find), *kind = kind_of(find);
		autofree char *count = xasprintf("%lld", (long long)json_int(find, "count"));
		autofree char *offset = xasprintf("%lld", (long long)json_int(find, "offset"));

		table_add(table,
			(const char *[]){place, kind, count, offset, json_str(find, "shown")});
	}
	if (i)
		table_print(table, &text);
	table_free(table);
	return ui_output(buf_str(&text), err);
}

static int scan_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct scan_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	autofree char *object = xasprintf("snapshot %s", argv[0]);
	autojson json_t *record = NULL, *found = NULL;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		plan_snapshot_show(session.engine, argv[0], &app->sink, &record, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Scanning"});
	if (snapshots_scan(app, &session, record, &chosen->scan, &found, err) < 0 ||
		(app->json ? ui_output_json(found, err) : print(record, found, err)) < 0 ||
		refuse(record, found, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_DONE, .object = object, .text = "Scanned"});
	return 0;
}

static const char *const examples[] = {
	"devenv snapshot scan seed",
	"devenv snapshot scan seed --canaries canaries.txt --allow acme.example",
	NULL,
};

const struct command cmd_snapshot_scan = {
	.name = "scan",
	.args = "NAME",
	.summary = "Look for what masking forgot",
	.details =
		"Every byte that a push would send is looked through for e-mail addresses, for "
		"card numbers, and for canaries: strings that only production has. A file of "
		"canaries has one a line (4 to 256 bytes; those that begin with # are comments); "
		"plant some in production, or take names of customers. What is found is told by "
		"file, with the place of the first and enough of it to know it; the exit status is "
		"9 then.\n"
		"\n"
		"--allow takes a domain (addresses there and below are fine), a whole address or a "
		"card number; a * at the end stands for anything. example.com, .test and the like "
		"always are. What holds for a volume stands in its manifest:\n"
		"  x-production: {masking: m.sql, canaries: canaries.txt, allow: [acme.io]}\n"
		"\n"
		"Deleted rows stay in a database's files until their pages are used again: rebuild "
		"tables after masking (OPTIMIZE TABLE, VACUUM FULL), or load a masked dump into a "
		"fresh server. What the database itself compresses or encrypts cannot be seen.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct scan_options),
	.run = scan_run,
};
