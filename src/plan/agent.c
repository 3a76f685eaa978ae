/*
 * agent.c - a conversation with the agent: a thread copies between the attached container and a
 * socket, whose other end is read and written as frames.
 */
#include "agent.h"

#include "agent_container.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of what the agent writes to stderr, which it does only when it dies. */
#define ERRORS_MAX 1024

/* For what an agent ends before it does. */
#define END_MS 10000

struct agent {
	struct engine *engine;
	char *object;
	const struct sink *sink;
	struct agent_container container;
	struct frame_link link;
	int ours, theirs; /* the two ends of the socket */
	int stop[2];      /* closing [1] ends the attachment */
	bool attached;    /* the thread runs */
	pthread_t thread;
	struct engine *stream; /* the thread's from here on, until it is joined */
	int status;
	struct err err;
	struct buf errors;
};

/* === the thread === */

static int on_output(void *ctx, int stream, const char *data, size_t len)
{
	struct agent *agent = ctx;

	if (stream == 2) {
		/* The first words tell most; what is too much is dropped. */
		size_t left = ERRORS_MAX - agent->errors.len;

		buf_add(&agent->errors, data, len < left ? len : left);
		return 0;
	}
	while (len) {
		ssize_t n = send(agent->theirs, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -1;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int start_container(void *ctx, struct err *err)
{
	struct agent *agent = ctx;
	struct engine *other = engine_clone(agent->stream);
	int result = container_start(other, agent->container.id, err);

	engine_close(other);
	return result;
}

static void *attach_main(void *arg)
{
	struct agent *agent = arg;
	struct stream_io io = {.in = agent->theirs,
		.out = -1,
		.errfd = -1,
		.on_data = on_output,
		.ctx = agent,
		.cancel_fd = agent->stop[0]};

	agent->status = container_attach(agent->stream, agent->container.id, &io, false,
		start_container, agent, &agent->err);
	/* Now the reader of the other end comes to know. */
	shutdown(agent->theirs, SHUT_RDWR);
	return NULL;
}

static int attach(struct agent *agent, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_os(err, ERR_FAILED, errno, "make a socket");
	agent->ours = pair[0];
	agent->theirs = pair[1];
	if (fcntl(agent->ours, F_SETFL, O_NONBLOCK) < 0 || pipe2(agent->stop, O_CLOEXEC) < 0)
		return err_os(err, ERR_FAILED, errno, "make a pipe");
	agent->link = FRAME_LINK(agent->ours, agent->ours, signals_fd());
	agent->stream = engine_clone(agent->engine);
	signals_thread(&agent->thread, attach_main, agent);
	agent->attached = true;
	return 0;
}

/* === opening and closing === */

/* The end of its stdin ends the agent; the thread tells when that is. */
static void let_end(struct agent *agent)
{
	struct pollfd ended = {.fd = agent->ours, .events = POLLIN};
	int64_t deadline = clock_ms() + END_MS;
	char dropped[4096];

	if (agent->ours < 0 || shutdown(agent->ours, SHUT_WR) < 0)
		return;
	for (int64_t now = clock_ms(); now < deadline; now = clock_ms())
		if (poll(&ended, 1, (int)(deadline - now)) > 0 &&
			recv(agent->ours, dropped, sizeof(dropped), 0) <= 0)
			return;
}

static void detach(struct agent *agent)
{
	cleanup_close(&agent->ours);
	cleanup_close(&agent->stop[1]);
	if (agent->attached)
		pthread_join(agent->thread, NULL);
	agent->attached = false;
	cleanup_close(&agent->theirs);
	cleanup_close(&agent->stop[0]);
}

static void agent_free(struct agent *agent)
{
	engine_close(agent->stream);
	frame_link_release(&agent->link);
	buf_release(&agent->errors);
	free(agent->object);
	free(agent);
}

void agent_close(struct agent *agent)
{
	struct err err = ERR_INIT;

	if (!agent)
		return;
	let_end(agent);
	detach(agent);
	if (agent_container_remove(agent->engine, &agent->container, &err) < 0)
		sink_warn(agent->sink, agent->object,
			"the agent's container could not be removed: %s", err.msg);
	agent_free(agent);
}

void agent_leave(struct agent *agent)
{
	if (!agent)
		return;
	detach(agent);
	agent_container_leave(&agent->container);
	agent_free(agent);
}

const char *agent_id(const struct agent *agent)
{
	return agent->container.id;
}

struct agent *agent_open(struct engine *engine, const struct agent_spec *spec, struct err *err)
{
	struct agent *agent = xcalloc(1, sizeof(*agent));

	*agent = (struct agent){.engine = engine,
		.object = xstrdup(spec->object),
		.sink = spec->sink,
		.container = AGENT_CONTAINER_NONE,
		.ours = -1,
		.theirs = -1,
		.stop = {-1, -1},
		.errors = BUF_INIT(ERRORS_MAX)};
	if (agent_container_sweep(engine, err) == 0 &&
		agent_container_create(engine, spec, &agent->container, err) == 0 &&
		attach(agent, err) == 0)
		return agent;
	agent_close(agent);
	err_wrap(err, "start devenv's agent");
	return NULL;
}

/* === asking === */

/* The stream ended: why, as far as anybody knows. */
static int agent_died(struct agent *agent, struct err *err)
{
	if (err->kind == ERR_CANCELLED)
		return -1;
	detach(agent);
	if (agent->status < 0) {
		*err = agent->err;
		return err_wrap(err, "start devenv's agent");
	}
	if (agent->errors.len)
		return err_set(err, ERR_ENGINE, "devenv's agent died: %.*s",
			(int)strcspn(buf_str(&agent->errors), "\n"), buf_str(&agent->errors));
	return err_set(err, ERR_ENGINE,
		"devenv's agent died; was its container stopped, or is memory short?");
}

static void pass_progress(struct agent *agent, const json_t *json)
{
	int64_t done = json_int(json, "done"), total = json_int(json, "total");

	sink_emit(agent->sink, &(struct event){.kind = EVENT_PROGRESS,
				       .object = agent->object,
				       .text = json_str(json, "text"),
				       .done = done > 0 ? (uint64_t)done : 0,
				       .total = total > 0 ? (uint64_t)total : 0});
}

/* What came of the answer so far. */
struct answer {
	const struct agent_question *question;
	bool refused; /* by take: its error is kept */
	struct err *err;
};

static void pass_data(struct answer *answer, const struct frame *frame)
{
	const struct agent_question *question = answer->question;

	if (!answer->refused && question->take &&
		question->take(question->ctx, frame->data, frame->len, answer->err) < 0)
		answer->refused = true;
}

/* One frame of the answer: 1 going on, 0 answered, -1. */
static int take_frame(struct agent *agent, struct answer *answer, const struct frame *frame,
	json_t **result, struct err *err)
{
	autojson json_t *json = NULL;

	if (frame->type == FRAME_DATA)
		pass_data(answer, frame);
	if (frame->type == FRAME_DATA || frame->type == FRAME_END)
		return 1;
	json = frame_json(frame, err);
	if (!json)
		return -1;
	switch (frame->type) {
	case FRAME_PROGRESS:
		pass_progress(agent, json);
		return 1;
	case FRAME_WARNING:
		if (json_str(json, "text"))
			sink_warn(agent->sink, agent->object, "%s", json_str(json, "text"));
		return 1;
	case FRAME_ERROR:
		frame_error_read(json, err);
		return -1;
	default:
		*result = TAKE(json);
		return 0;
	}
}

static int read_answer(struct agent *agent, struct answer *answer, json_t **result, struct err *err)
{
	struct frame frame;
	int going;

	do {
		if (frame_read(&agent->link, &frame, err) <= 0)
			return agent_died(agent, err);
		going = take_frame(agent, answer, &frame, result, err);
		/* What still comes is not wanted, and may be a lot. */
		if (answer->refused && frame.type == FRAME_DATA) {
			detach(agent);
			return -1;
		}
	} while (going > 0);
	return going;
}

int agent_ask(struct agent *agent, const struct agent_question *question, json_t **result,
	struct err *err)
{
	struct err own = ERR_INIT;
	struct answer answer = {.question = question, .err = &own};
	autojson json_t *json = NULL;
	int status;

	if (agent->ours < 0)
		return err_set(err, ERR_ENGINE, "devenv's agent is dead");
	if (frame_write_json(&agent->link, FRAME_REQUEST, question->request, err) < 0)
		return agent_died(agent, err);
	if (question->bring) {
		/* Bytes that end too early are refused by the agent. */
		if (question->bring(question->ctx, agent, &own) < 0)
			answer.refused = true;
		if (agent->ours >= 0 && frame_write(&agent->link, FRAME_END, NULL, 0, err) < 0)
			return agent_died(agent, err);
	}
	status = agent->ours < 0 ? -1 : read_answer(agent, &answer, &json, err);
	if (answer.refused)
		*err = own;
	if (status < 0 || answer.refused)
		return -1;
	if (result)
		*result = TAKE(json);
	return 0;
}

int agent_bring(struct agent *agent, const void *data, size_t len, struct err *err)
{
	const char *at = data;

	while (len) {
		size_t n = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;

		if (frame_write(&agent->link, FRAME_DATA, at, n, err) < 0)
			return agent_died(agent, err);
		at += n;
		len -= n;
	}
	return 0;
}
