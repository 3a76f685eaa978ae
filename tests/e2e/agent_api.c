/*
 * agent_api.c - one call of plan_snapshot.h, for tests/e2e/t_agent.sh.
 *
 *	DOCKER_HOST=unix:///path agent_api probe [VOLUME]
 *	... agent_api save VOLUME NAME [PARENT]        with the parent's deltas
 *	... agent_api restore NAME VOLUME [replace]
 *	... agent_api list | show NAME | verify NAME | remove NAME | prune
 *	... agent_api push NAME REFERENCE | pull REFERENCE [NAME]
 *
 * Prints the result as JSON, and warnings and the error on stderr; status 1 for an error.
 */
#include "devenv/engine.h"
#include "devenv/mem.h"
#include "devenv/plan_snapshot.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <stdio.h>

static void on_event(void *ctx, const struct event *event)
{
	if (event->kind == EVENT_WARNING)
		fprintf(stderr, "warning: %s: %s\n", event->object ? event->object : "-",
			event->text);
}

static const struct sink sink = {on_event, NULL};

typedef int call_fn(struct engine *engine, char **args, json_t **result, struct err *err);

static int probe(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_probe(engine, args[0], result, err);
}

static int save(struct engine *engine, char **args, json_t **result, struct err *err)
{
	struct snapshot_save_ask ask = {.volume = args[0],
		.name = args[1],
		.parent = args[2],
		.deltas = true,
		.sink = &sink};

	return plan_snapshot_save(engine, &ask, result, err);
}

static int restore(struct engine *engine, char **args, json_t **result, struct err *err)
{
	struct snapshot_restore_ask ask = {.name = args[0],
		.volume = args[1],
		.replace = str_eq(args[2], "replace"),
		.sink = &sink};

	if (plan_snapshot_restore(engine, &ask, err) < 0)
		return -1;
	return plan_snapshot_show(engine, ask.name, &sink, result, err);
}

static int list(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_list(engine, &sink, result, err);
}

static int show(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_show(engine, args[0], &sink, result, err);
}

static int verify(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_verify(engine, args[0], &sink, NULL, err);
}

static int remove_name(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_remove(engine, args[0], &sink, err);
}

static int prune(struct engine *engine, char **args, json_t **result, struct err *err)
{
	uint64_t freed = 0;

	if (plan_snapshot_prune(engine, &sink, &freed, err) < 0)
		return -1;
	*result = json_pack("{s:I}", "freed", (json_int_t)freed);
	return 0;
}

static int push(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_push(engine, args[0], args[1], &sink, result, err);
}

static int pull(struct engine *engine, char **args, json_t **result, struct err *err)
{
	return plan_snapshot_pull(engine, args[0], args[1], &sink, result, err);
}

static const struct {
	const char *name;
	int words;
	call_fn *call;
} calls[] = {
	{"probe", 0, probe},
	{"save", 2, save},
	{"restore", 2, restore},
	{"list", 0, list},
	{"show", 1, show},
	{"verify", 1, verify},
	{"remove", 1, remove_name},
	{"prune", 0, prune},
	{"push", 2, push},
	{"pull", 1, pull},
};

static int run(int n, char **words, json_t **result, struct err *err)
{
	struct engine_where where = {0};
	struct engine *engine = NULL;
	int status = -1;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!str_eq(words[0], calls[i].name) || n <= calls[i].words)
			continue;
		if (engine_find(&(struct engine_ask){.no_embedded = true}, &where, err) == 0 &&
			engine_open(&where, &engine, err) == 0)
			status = calls[i].call(engine, words + 1, result, err);
		engine_close(engine);
		engine_where_release(&where);
		return status;
	}
	return err_set(err, ERR_USAGE, "see the top of agent_api.c");
}

int main(int argc, char **argv)
{
	autojson json_t *result = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	/* A third word may be missing: argv ends with two NULLs then. */
	char *words[6] = {NULL};

	for (int i = 1; i < argc && i < 5; i++)
		words[i - 1] = argv[i];
	signals_install();
	if (argc < 2 || run(argc - 1, words, &result, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err_kind_name(err.kind), err.msg);
		return 1;
	}
	text = json_print_sorted(result);
	if (result)
		puts(text);
	return 0;
}
