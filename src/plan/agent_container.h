/*
 * agent_container.h - making the agent's container, and removing those left over.  Private to
 * src/plan.
 */
#ifndef PLAN_AGENT_CONTAINER_H
#define PLAN_AGENT_CONTAINER_H

#include "agent.h"
#include "helper.h"

struct agent_container {
	char *id;
	struct helper helper;
};

#define AGENT_CONTAINER_NONE ((struct agent_container){.helper = HELPER_NONE})

/* The cache at AGENT_CACHE, as one of HostConfig.Mounts. A new reference. */
json_t *agent_cache_mount(bool write);

/* Create it, not started. After a failure too: agent_container_remove(). */
int agent_container_create(struct engine *engine, const struct agent_spec *spec,
	struct agent_container *container, struct err *err);

int agent_container_remove(
	struct engine *engine, struct agent_container *container, struct err *err);

/* The engine removes it when it ends, or a sweep before that. */
void agent_container_leave(struct agent_container *container);

/* Remove the containers whose devenv ended without doing so. */
int agent_container_sweep(struct engine *engine, struct err *err);

#endif
