/*
 * snapshot_rows.c - counting rows (snapshot_rows.h).
 *
 * The server itself writes the statements, with its own quoting, and answers in JSON, one object a
 * line: so any name of a table is fit.
 */
#include "snapshot_rows.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

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
