/*
 * agent_api.c - one request to the agent, for tests/e2e/t_agent.sh.
 *
 *	DOCKER_HOST=unix:///path agent_api probe [VOLUME]
 *
 * Prints the result as JSON; status 1 with the error on stderr.
 */
#include "devenv/engine.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <stdio.h>

static int run(struct engine *engine, char **args, json_t **result, struct err *err)
{
	if (str_eq(args[0], "probe"))
		return plan_snapshot_probe(engine, args[1], result, err);
	return err_set(err, ERR_USAGE, "unknown request");
}

int main(int argc, char **argv)
{
	struct engine_where where = {0};
	struct engine *engine = NULL;
	autojson json_t *result = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;
	int status = 1;

	if (argc < 2)
		return 2;
	signals_install();
	if (engine_find(&(struct engine_ask){.no_embedded = true}, &where, &err) == 0 &&
		engine_open(&where, &engine, &err) == 0)
		status = run(engine, argv + 1, &result, &err) == 0 ? 0 : 1;
	engine_close(engine);
	engine_where_release(&where);
	if (status)
		fprintf(stderr, "%s: %s\n", err_kind_name(err.kind), err.msg);
	text = json_print_sorted(result);
	if (result)
		puts(text);
	return status;
}
