/* snapshot_transfer.c - several streams between a store and the agent. */
#include "snapshot_transfer.h"

#include "devenv/mem.h"
#include "devenv/signals.h"

int transfer_open(
	struct transfer *transfer, struct engine *engine, const char *reference, struct err *err)
{
	struct agent_spec spec = {.object = transfer->object, .sink = transfer->sink};

	pthread_mutex_init(&transfer->asking, NULL);
	pthread_mutex_init(&transfer->counting, NULL);
	transfer->store = store_open(reference, transfer->sink, err);
	if (!transfer->store)
		return -1;
	transfer->agent = agent_open(engine, &spec, err);
	return transfer->agent ? 0 : -1;
}

void transfer_close(struct transfer *transfer)
{
	agent_close(transfer->agent);
	store_close(transfer->origin);
	store_close(transfer->store);
	pthread_mutex_destroy(&transfer->counting);
	pthread_mutex_destroy(&transfer->asking);
}

int transfer_ask(struct transfer *transfer, const struct agent_question *question, json_t **result,
	struct err *err)
{
	int status;

	pthread_mutex_lock(&transfer->asking);
	status = agent_ask(transfer->agent, question, result, err);
	pthread_mutex_unlock(&transfer->asking);
	return status;
}

int transfer_tell(struct transfer *transfer, json_t *request, json_t **result, struct err *err)
{
	autojson json_t *own = request;

	return transfer_ask(transfer, &(struct agent_question){.request = own}, result, err);
}

void transfer_advance(struct transfer *transfer, uint64_t bytes)
{
	pthread_mutex_lock(&transfer->counting);
	transfer->done += bytes;
	sink_emit(transfer->sink, &(struct event){.kind = EVENT_PROGRESS,
					  .object = transfer->object,
					  .done = transfer->done,
					  .total = transfer->total});
	pthread_mutex_unlock(&transfer->counting);
}

/* === streams === */

/* What all streams of a run share. */
struct run {
	size_t n, next;
	bool failed;
	struct err *err;
	pthread_mutex_t mutex;
	stream_fn *piece;
	void *ctx;
};

struct worker {
	struct run *run;
	struct stream stream;
	pthread_t thread;
};

/* After an error no piece is begun any more. */
static bool next_piece(struct run *run, size_t *i)
{
	bool more;

	pthread_mutex_lock(&run->mutex);
	more = !run->failed && run->next < run->n;
	if (more)
		*i = run->next++;
	pthread_mutex_unlock(&run->mutex);
	return more;
}

static void fail(struct run *run, const struct err *err)
{
	pthread_mutex_lock(&run->mutex);
	if (!run->failed)
		*run->err = *err;
	run->failed = true;
	pthread_mutex_unlock(&run->mutex);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct run *run = worker->run;
	struct err err = ERR_INIT;
	size_t i;

	while (next_piece(run, &i))
		if (run->piece(&worker->stream, run->ctx, i, &err) < 0)
			fail(run, &err);
	return NULL;
}

int transfer_each(struct transfer *transfer, size_t n, stream_fn *piece, void *ctx, struct err *err)
{
	struct run run = {
		.n = n, .err = err, .mutex = PTHREAD_MUTEX_INITIALIZER, .piece = piece, .ctx = ctx};
	struct worker workers[TRANSFER_STREAMS];
	size_t streams = n < TRANSFER_STREAMS ? n : TRANSFER_STREAMS;

	for (size_t i = 0; i < streams; i++) {
		struct stream *stream = &workers[i].stream;

		workers[i].run = &run;
		*stream = (struct stream){transfer, store_clone(transfer->store), NULL};
		if (transfer->origin)
			stream->origin = store_clone(transfer->origin);
		signals_thread(&workers[i].thread, work, &workers[i]);
	}
	for (size_t i = 0; i < streams; i++) {
		pthread_join(workers[i].thread, NULL);
		store_close(workers[i].stream.store);
		store_close(workers[i].stream.origin);
	}
	return run.failed ? -1 : 0;
}
