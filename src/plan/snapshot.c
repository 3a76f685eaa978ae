/* snapshot.c - what the agent does for devenv, as plain functions. */
#include "devenv/plan_snapshot.h"

#include "agent.h"

int plan_snapshot_probe(struct engine *engine, const char *volume, json_t **probe, struct err *err)
{
	autojson json_t *request = json_pack("{s:s}", "do", "ping");
	struct agent_spec spec = {.volume = volume, .object = "agent"};
	struct agent *agent = agent_open(engine, &spec, err);
	int status;

	if (!agent)
		return -1;
	status = agent_ask(agent, &(struct agent_question){.request = request}, probe, err);
	agent_close(agent);
	return status;
}
