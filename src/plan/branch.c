/* branch.c - branches of volumes: an agent that has several volumes, and its requests. */
#include "devenv/plan_branch.h"

#include "agent.h"

#include "devenv/mem.h"

#include <stdlib.h>

struct branches {
	struct engine *engine;
	struct agent *agent;
};

struct branches *branches_open(
	struct engine *engine, const struct strv *volumes, const struct sink *sink, struct err *err)
{
	struct agent_spec spec = {.volumes = volumes, .object = "branches", .sink = sink};
	struct branches *branches = xcalloc(1, sizeof(*branches));

	branches->engine = engine;
	branches->agent = agent_open(engine, &spec, err);
	if (branches->agent)
		return branches;
	free(branches);
	return NULL;
}

void branches_close(struct branches *branches)
{
	if (!branches)
		return;
	agent_close(branches->agent);
	free(branches);
}

static int ask(struct branches *branches, const json_t *request, json_t **result, struct err *err)
{
	return agent_ask(
		branches->agent, &(struct agent_question){.request = request}, result, err);
}

int branches_read(struct branches *branches, json_t **states, struct err *err)
{
	autojson json_t *request = json_pack("{s:s}", "do", "branches"), *result = NULL;

	if (ask(branches, request, &result, err) < 0)
		return -1;
	*states = json_incref(json_object_get(result, "volumes"));
	return 0;
}

static int check_free(struct branches *branches, const json_t *notes, struct err *err)
{
	const char *volume;
	json_t *each;

	json_object_foreach ((json_t *)notes, volume, each)
		if (agent_volume_free(branches->engine, volume, false, branches->agent, err) < 0)
			return -1;
	return 0;
}

int branches_make(struct branches *branches, const char *name, const char *first,
	const json_t *notes, json_t **result, struct err *err)
{
	autojson json_t *request = json_pack("{s:s, s:s, s:s, s:O}", "do", "branch", "name", name,
		"first", first, "volumes", notes);

	if (check_free(branches, notes, err) < 0)
		return -1;
	return ask(branches, request, result, err);
}

int branches_switch(struct branches *branches, const char *name, const json_t *notes,
	json_t **result, struct err *err)
{
	autojson json_t *request = json_pack(
		"{s:s, s:s, s:O}", "do", "switch", "name", name, "volumes", notes);

	if (check_free(branches, notes, err) < 0)
		return -1;
	return ask(branches, request, result, err);
}

int branches_remove(
	struct branches *branches, const char *name, const json_t *notes, struct err *err)
{
	autojson json_t *request = json_pack(
		"{s:s, s:s, s:O}", "do", "branch-remove", "name", name, "volumes", notes);

	return ask(branches, request, NULL, err);
}
