/*
 * snapshot_transfer.h - what push and pull share: a store, the agent, and several streams between.
 *
 * Private to src/plan.  The agent has no network, and the store's credentials never leave this
 * machine: all bytes come through this program.  A stream is a thread with a connection of its own
 * to the store; the agent answers one of them at a time.
 */
#ifndef PLAN_SNAPSHOT_TRANSFER_H
#define PLAN_SNAPSHOT_TRANSFER_H

#include "agent.h"

#include "devenv/store.h"

#include <pthread.h>

/* Blobs on their way at once; what a killed run has to transfer again is one pack of each. */
#define TRANSFER_STREAMS 4

struct transfer {
	struct store *store;
	struct store *origin; /* where a snapshot to be pushed came from; or NULL */
	const struct sink *sink;
	const char *object;
	struct agent *agent;
	pthread_mutex_t asking; /* the agent */
	pthread_mutex_t counting;
	uint64_t done, total; /* bytes of all blobs that have to go */
};

/* After a failure too: transfer_close(). */
int transfer_open(
	struct transfer *transfer, struct engine *engine, const char *reference, struct err *err);
void transfer_close(struct transfer *transfer);

/* agent_ask() when no other stream does. */
int transfer_ask(struct transfer *transfer, const struct agent_question *question, json_t **result,
	struct err *err);

/* The same for a question without bytes. Takes `request`. */
int transfer_tell(struct transfer *transfer, json_t *request, json_t **result, struct err *err);

/* So many bytes more are done. */
void transfer_advance(struct transfer *transfer, uint64_t bytes);

/*
 * Bring what is damaged or missing of a snapshot of the cache again from its origin. ERR_SNAPSHOT:
 * it has none.
 */
int snapshot_repair(
	struct engine *engine, const char *name, const struct sink *sink, struct err *err);

/* One of the connections side by side. */
struct stream {
	struct transfer *transfer;
	struct store *store, *origin; /* its own; origin as the transfer's */
};

/* Do piece `i`. */
typedef int stream_fn(struct stream *stream, void *ctx, size_t i, struct err *err);

/* Do the pieces 0 to n-1 by several streams, begun in this order. -1 with the first error. */
int transfer_each(
	struct transfer *transfer, size_t n, stream_fn *piece, void *ctx, struct err *err);

#endif
