/*
 * snapshot_rows.c - counting rows, and comparing them (snapshot_rows.h).
 *
 * The server itself writes the statements, with its own quoting, and answers in JSON, one object a
 * line: so any name of a table is fit.
 */
#include "snapshot_rows.h"

#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/str.h"

#include <string.h>

/* A table that somebody has locked is an error, not a wait until he is done. */
#define PATIENCE "10"

static const char mysql_patience[] = "SET SESSION lock_wait_timeout = " PATIENCE ";\n";

/* Some 200 bytes a table. */
#define ANSWER_MAX ((size_t)32 << 20)

static const char mysql_statements[] =
	"SELECT CONCAT('SELECT JSON_OBJECT(''database'', ', QUOTE(table_schema), ', ''table'', ', "
	"QUOTE(table_name), ', ''rows'', COUNT(*)) FROM `', REPLACE(table_schema, '`', '``'), "
	"'`.`', REPLACE(table_name, '`', '``'), '`;') FROM information_schema.tables "
	"WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema NOT IN "
	"('mysql', 'information_schema', 'performance_schema', 'sys') "
	"ORDER BY table_schema, table_name;\n";

static const char postgres_databases[] =
	"SELECT to_json(datname::text) FROM pg_database "
	"WHERE datallowconn AND NOT datistemplate ORDER BY datname;\n";

/* ONLY: what inherits from a table is one by itself. */
static const char postgres_counts[] =
	"SET lock_timeout = '" PATIENCE "s';\n"
	"SELECT format('SELECT json_build_object(''database'', %L::text, ''table'', %L::text, "
	"''rows'', count(*)) FROM ONLY %I.%I', current_database(), n.nspname || '.' || c.relname, "
	"n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' "
	"AND n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname \\gexec\n";

/* The JSON values of an answer, one a line. */
static int add_lines(const struct buf *answer, json_t *list, struct err *err)
{
	autostrv struct strv lines = STRV_INIT;

	strv_split(&lines, buf_str(answer), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		json_t *value = json_parse(
			lines.v[i], strlen(lines.v[i]), "the client's answer", err);

		if (!value)
			return -1;
		json_array_append_new(list, value);
	}
	return 0;
}

static int count_mysql(const struct dbclient *client, json_t *rows, struct err *err)
{
	autobuf struct buf statements = BUF_INIT(ANSWER_MAX), answer = BUF_INIT(ANSWER_MAX);

	buf_addstr(&statements, mysql_patience);
	if (dbclient_ask(client, NULL, mysql_statements, &statements, err) < 0 ||
		dbclient_ask(client, NULL, buf_str(&statements), &answer, err) < 0)
		return -1;
	return add_lines(&answer, rows, err);
}

static int count_postgres(const struct dbclient *client, json_t *rows, struct err *err)
{
	autobuf struct buf names = BUF_INIT(ANSWER_MAX), answer = BUF_INIT(ANSWER_MAX);
	autojson json_t *databases = json_array();
	json_t *database;
	size_t i;

	if (dbclient_ask(client, NULL, postgres_databases, &names, err) < 0 ||
		add_lines(&names, databases, err) < 0)
		return -1;
	json_array_foreach (databases, i, database)
		if (dbclient_ask(
			    client, json_string_value(database), postgres_counts, &answer, err) < 0)
			return -1;
	return add_lines(&answer, rows, err);
}

int snapshot_rows_count(const struct dbclient *client, json_t **rows, struct err *err)
{
	autojson json_t *found = json_array();
	int status = client->kind == DATADIR_POSTGRES ? count_postgres(client, found, err)
						      : count_mysql(client, found, err);

	if (status < 0)
		return err_wrap(err, "count the rows of its tables");
	*rows = TAKE(found);
	return 0;
}

int snapshot_server_ask(const struct dbclient *client, json_t **server, struct err *err)
{
	/* Versions of collations came with PostgreSQL 15: so not by their column's name. */
	static const char postgres[] =
		"SELECT json_strip_nulls(json_build_object('collation', datcollate, "
		"'collation_version', to_jsonb(d) ->> 'datcollversion')) FROM pg_database d "
		"WHERE datname = 'template1';\n";
	static const char mysql[] = "SELECT JSON_OBJECT('collation', @@collation_server, "
				    "'lower_case_table_names', @@lower_case_table_names);\n";
	autobuf struct buf answer = BUF_INIT(ANSWER_MAX);
	autojson json_t *found = json_array();
	bool is_postgres = client->kind == DATADIR_POSTGRES;

	if (dbclient_ask(client, NULL, is_postgres ? postgres : mysql, &answer, err) < 0 ||
		add_lines(&answer, found, err) < 0)
		return err_wrap(err, "ask how the server was set up");
	*server = json_incref(json_array_get(found, 0));
	return 0;
}

int plan_snapshot_rows(struct engine *engine, const char *container, json_t **rows, json_t **server,
	struct err *err)
{
	autodbclient struct dbclient client = {0};
	autojson json_t *inspect = NULL, *found = NULL;

	if (container_inspect(engine, container, &inspect, err) < 0)
		return -1;
	if (!json_bool(json_object_get(inspect, "State"), "Running"))
		return 0;
	if (dbclient_find(engine, container, &client, err) < 0)
		return -1;
	if (snapshot_server_ask(&client, &found, err) < 0 ||
		snapshot_rows_count(&client, rows, err) < 0)
		return -1;
	*server = TAKE(found);
	return 0;
}

/* === comparing === */

/* {NAME: the row of the list}, where NAME has the database, its length first, and the table. */
static json_t *by_name(const json_t *rows)
{
	json_t *named = json_object(), *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *database = json_str(row, "database"), *table = json_str(row, "table");
		autofree char *name = NULL;

		if (!database || !table)
			continue;
		name = xasprintf("%zu %s %s", strlen(database), database, table);
		json_object_set(named, name, row);
	}
	return named;
}

static void add_difference(json_t *list, const json_t *recorded, const json_t *found)
{
	const json_t *either = recorded ? recorded : found;

	json_array_append_new(list,
		json_pack("{s:O, s:O, s:O*, s:O*}", "database", json_object_get(either, "database"),
			"table", json_object_get(either, "table"), "recorded",
			json_object_get(recorded, "rows"), "found",
			json_object_get(found, "rows")));
}

json_t *snapshot_rows_compare(const json_t *recorded, const json_t *found)
{
	autojson json_t *before = by_name(recorded), *after = by_name(found);
	json_t *list = json_array(), *row;
	const char *name;

	json_object_foreach (before, name, row) {
		const json_t *other = json_object_get(after, name);

		if (!other || json_int(other, "rows") != json_int(row, "rows"))
			add_difference(list, row, other);
	}
	json_object_foreach (after, name, row)
		if (!json_object_get(before, name))
			add_difference(list, NULL, row);
	return list;
}
