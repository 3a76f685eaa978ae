/*
 * agent.h - the agent in its container: opened, asked, closed.  Private to src/plan.
 *
 *	struct agent *agent = agent_open(engine, &(struct agent_spec){.volume = "data"}, err);
 *	if (agent_ask(agent, &(struct agent_question){.request = request}, &result, err) < 0) ...
 *	agent_close(agent);
 */
#ifndef PLAN_AGENT_H
#define PLAN_AGENT_H

#include "devenv/agent.h"
#include "devenv/engine.h"
#include "devenv/event.h"

#include <stdbool.h>

#define CACHE_VOLUME "devenv-cache" /* in every engine */

struct agent_spec {
	const char *volume;         /* at AGENT_TARGET; NULL: only the cache */
	bool write;                 /* the volume too, not only the cache */
	const struct strv *volumes; /* more, below AGENT_VOLUMES, to be written to; or NULL */
	const char *object;         /* of the events */
	const struct sink *sink;
};

struct agent;

/*
 * Start an agent: its image is loaded and the cache volume created where they are not there, and
 * the containers that killed runs of this user left are removed. The volume must be there.
 * ERR_ENGINE.
 */
struct agent *agent_open(struct engine *engine, const struct agent_spec *spec, struct err *err);

/* Its container. */
const char *agent_id(const struct agent *agent);

/*
 * Stop and remove it, whatever it does; NULL is fine. What must not be cut short it ends first, for
 * some seconds.
 */
void agent_close(struct agent *agent);

/*
 * Hang up and wait for nothing: it ends by itself, and the engine removes it; whoever sweeps before
 * that, as agent_open() does, takes it for one left over. NULL is fine.
 */
void agent_leave(struct agent *agent);

struct agent_question {
	const json_t *request; /* {"do": ...} */
	/* Bring bytes by agent_bring(), as often as it takes; or NULL. */
	int (*bring)(void *ctx, struct agent *agent, struct err *err);
	/* Take a piece of the answer; or NULL. */
	int (*take)(void *ctx, const void *data, size_t len, struct err *err);
	void *ctx;
};

/*
 * Ask and wait for the answer, passing progress and warnings to the sink. *result (may be NULL)
 * gets FRAME_RESULT's payload, a new reference. The error is the agent's own, with its kind, or
 * that of `bring` or `take`; ERR_CANCELLED after Ctrl-C, and ERR_ENGINE with what the agent wrote
 * last when it died: then, and after a failed `take`, only agent_close() is left.
 */
int agent_ask(struct agent *agent, const struct agent_question *question, json_t **result,
	struct err *err);

int agent_bring(struct agent *agent, const void *data, size_t len, struct err *err);

/*
 * ERR_SNAPSHOT while a container other than `agent`'s (NULL: any) uses the volume; one that only
 * reads may stay for `reading`.
 */
int agent_volume_free(struct engine *engine, const char *volume, bool reading,
	const struct agent *agent, struct err *err);

#endif
