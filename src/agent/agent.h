/* agent.h - what the files of the agent share.  Private to src/agent. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "devenv/agent.h"

/* The agent at work on one request. */
struct agent {
	struct frame_link link;
	bool data_ended; /* no DATA comes any more for this request */
};

/* Answers a request: *result gets FRAME_RESULT's payload (NULL: {}). */
typedef int agent_fn(struct agent *agent, const json_t *request, json_t **result, struct err *err);

/* ping.c */
agent_fn agent_ping;

#endif
