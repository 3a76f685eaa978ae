/*
 * snapshot_rows.h - how many rows each table of a running database has.
 *
 * Private to src/plan.  What a snapshot's config records as "probes", so that a restored copy can
 * be compared with what was saved:
 *
 *	[{"database": "shop", "table": "order_lines", "rows": 250000}, ...]
 *
 * in the order of names.  PostgreSQL's tables have their schema before them: "public.orders".  The
 * tables that are the server's own are left out, and so are views.
 */
#ifndef PLAN_SNAPSHOT_ROWS_H
#define PLAN_SNAPSHOT_ROWS_H

#include "dbclient.h"

#include "devenv/json.h"

/*
 * Count the rows of all tables, by reading each of them. Nobody else should write meanwhile. *rows
 * is a new reference. ERR_SNAPSHOT.
 */
int snapshot_rows_count(const struct dbclient *client, json_t **rows, struct err *err);

/*
 * What the server was set up with, for the "server" of a config, a new reference: {"collation",
 * and "lower_case_table_names" or "collation_version"}. ERR_SNAPSHOT.
 */
int snapshot_server_ask(const struct dbclient *client, json_t **server, struct err *err);

/*
 * The tables of two such lists that are not the same, a new reference: [{"database", "table",
 * "recorded": rows, "found": rows}, ...] without what is not there. By the order of `recorded`;
 * then what only `found` has.
 */
json_t *snapshot_rows_compare(const json_t *recorded, const json_t *found);

#endif
