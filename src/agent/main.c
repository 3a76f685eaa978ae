/*
 * main.c - the agent: answers requests (include/devenv/agent.h) until its stdin ends; or, in a
 * container of a service, lazy.c.
 *
 * It is process 1 of its container, so that its end is the container's.  A thread watches stdin for
 * the other side's hanging up: a devenv that was killed must not leave an agent that works on.
 */
#include "agent.h"

#include "lazy.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *name;
	agent_fn *run;
	bool brings; /* DATA frames up to END follow the request */
} requests[] = {
	{"ping", agent_ping, false},
	{"blob-have", agent_blob_have, false},
	{"blob-put", agent_blob_put, true},
	{"blob-get", agent_blob_get, false},
	{"missing", agent_missing, false},
	{"pack-put", agent_pack_put, true},
	{"list", agent_list, false},
	{"show", agent_show, false},
	{"name-set", agent_name_set, false},
	{"name-remove", agent_name_remove, false},
	{"capture", agent_capture, false},
	{"prepare", agent_prepare, false},
	{"restore", agent_restore, false},
	{"lend", agent_lend, false},
	{"tree", agent_tree, false},
	{"thin", agent_thin, false},
	{"thin-check", agent_thin_check, false},
	{"diff", agent_diff, false},
	{"export", agent_export, false},
	{"import", agent_import, true},
	{"verify", agent_verify, false},
	{"examine", agent_examine, false},
	{"scan", agent_scan, false},
	{"alone", agent_alone, false},
	{"prune", agent_prune, false},
	{"branches", agent_branches, false},
	{"branch", agent_branch, false},
	{"switch", agent_switch, false},
	{"branch-remove", agent_branch_remove, false},
};

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool hung_up;

void agent_hold(void)
{
	pthread_mutex_lock(&held);
}

void agent_let_go(void)
{
	pthread_mutex_unlock(&held);
}

bool agent_hung_up(void)
{
	return hung_up;
}

static void *watch_stdin(void *arg)
{
	struct pollfd hangup = {STDIN_FILENO, 0, 0};

	for (;;)
		if (poll(&hangup, 1, -1) > 0) {
			hung_up = true;
			agent_hold();
			_exit(0);
		}
	return NULL;
}

/* What is left of what the other side brings. */
static int drop_data(struct agent *agent, struct err *err)
{
	struct frame frame = {.type = FRAME_DATA};

	while (frame.type == FRAME_DATA)
		if (frame_read(&agent->link, &frame, err) <= 0)
			return -1;
	return 0;
}

static int run_request(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *name = json_str(request, "do");

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct err dropped = ERR_INIT;

		if (!str_eq(name, requests[i].name))
			continue;
		agent->data_ended = !requests[i].brings;
		if (requests[i].run(agent, request, result, err) == 0)
			return 0;
		if (!agent->data_ended && drop_data(agent, &dropped) < 0)
			exit(0);
		if (err->os == ENOSPC || err->os == EDQUOT)
			err_hint(err, "make room where the engine keeps its volumes; `devenv "
				      "snapshot prune` frees what no snapshot needs");
		return -1;
	}
	return err_set(err, ERR_FAILED, "the agent knows no request \"%s\"", name ? name : "");
}

/* Answer one frame: 1 going on, 0 at the end, -1 when the conversation is broken. */
static int serve(struct agent *agent, struct err *err)
{
	autojson json_t *request = NULL, *result = NULL, *failure = NULL;
	struct err failed = ERR_INIT;
	struct frame frame;
	int got = frame_read(&agent->link, &frame, err);

	if (got <= 0)
		return got;
	if (frame.type != FRAME_REQUEST)
		return err_set(
			err, ERR_FAILED, "a frame of type %c where a request belongs", frame.type);
	request = frame_json(&frame, err);
	if (!request)
		return -1;
	if (run_request(agent, request, &result, &failed) < 0) {
		failure = frame_error_json(&failed);
		return frame_write_json(&agent->link, FRAME_ERROR, failure, err) < 0 ? -1 : 1;
	}
	if (!result)
		result = json_object();
	return frame_write_json(&agent->link, FRAME_RESULT, result, err) < 0 ? -1 : 1;
}

int main(int argc, char **argv)
{
	struct agent agent = {.link = FRAME_LINK(STDIN_FILENO, STDOUT_FILENO, -1),
		.blobs = -1,
		.using = -1,
		.notes_lock = PTHREAD_MUTEX_INITIALIZER};
	struct err err = ERR_INIT;
	pthread_t thread;
	int going;

	if (argc > 1 && str_eq(argv[1], "lazy"))
		return lazy_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (pthread_create(&thread, NULL, watch_stdin, NULL)) {
		fputs("devenv-agent: cannot start a thread\n", stderr);
		return 1;
	}
	do
		going = serve(&agent, &err);
	while (going > 0);
	frame_link_release(&agent.link);
	if (going == 0)
		return 0;
	fprintf(stderr, "devenv-agent: %s\n", err.msg);
	return 1;
}
