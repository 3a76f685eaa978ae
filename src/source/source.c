/*
 * source.c - cloning, seen from the parent: start the child, pass its progress on, clean up after
 * it.
 *
 * The child holds its own end of the work (child.c).  Closing its standard input tells it to stop,
 * which the kernel does for us when we are killed; when the child is killed, we remove what it
 * leaves.
 */
#include "devenv/source.h"

#include "clone.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/http.h"
#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct clone {
	const struct source *source;
	const struct sink *sink;
	const char *object;
	struct proc_child child;
	struct buf text;  /* of the child, not yet a line */
	bool finished;    /* the last line came */
	struct err error; /* what it said */
};

static void on_progress(struct clone *clone, const json_t *line)
{
	const char *phase = json_str(line, "phase");
	bool bytes = json_bool(line, "bytes");

	sink_emit(clone->sink, &(struct event){.kind = EVENT_PROGRESS,
				       .object = clone->object,
				       .text = phase,
				       .done = (uint64_t)json_int(line, "done"),
				       .total = (uint64_t)json_int(line, "total"),
				       .unit = bytes ? NULL : "objects"});
}

static void on_line(struct clone *clone, const char *text, size_t len)
{
	struct err ignored = ERR_INIT;
	autojson json_t *line = json_parse(text, len, "clone", &ignored);

	if (json_str(line, "phase")) {
		on_progress(clone, line);
		return;
	}
	if (json_str(line, "error"))
		err_set(&clone->error, ERR_FAILED, "%s", json_str(line, "error"));
	clone->finished |= json_str(line, "error") || json_str(line, "commit");
}

/* Read what the child says; false at its end. */
static bool listen_once(struct clone *clone)
{
	char *into = buf_reserve(&clone->text, 4096), *end;
	ssize_t n = into ? read(clone->child.out, into, 4096) : 0;

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	clone->text.len += (size_t)n;
	while ((end = memchr(clone->text.data, '\n', clone->text.len))) {
		size_t len = (size_t)(end - clone->text.data);

		on_line(clone, clone->text.data, len);
		buf_consume(&clone->text, len + 1);
	}
	return true;
}

static int listen_all(struct clone *clone, struct err *err)
{
	for (;;) {
		struct pollfd fds[2] = {{clone->child.out, POLLIN, 0}, {signals_fd(), POLLIN, 0}};

		if (signals_pending()) {
			cleanup_close(&clone->child.in);
			return err_set(err, ERR_CANCELLED, "interrupted");
		}
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents && !listen_once(clone))
			return 0;
	}
}

static int send_request(struct clone *clone, struct err *err)
{
	autojson json_t *request = json_object();
	autofree char *text = NULL, *line = NULL;
	size_t len;

	json_set_str(request, "url", clone->source->url);
	json_set_str(request, "ref", clone->source->ref);
	json_set_str(request, "path", clone->source->path);
	text = json_print(request);
	line = xasprintf("%s\n", text);
	len = strlen(line);
	/* It fits into the pipe: URLs are no longer than a page. */
	if (len > 16384 || write(clone->child.in, line, len) != (ssize_t)len)
		return err_set(err, ERR_FAILED, "the URL is too long");
	return 0;
}

static int clone_run(struct clone *clone, struct err *err)
{
	autofree char *self = proc_self();
	autofree char *temporary = clone_temporary(clone->source->path);
	const char *argv[] = {self, "__clone", NULL};
	int result, status;

	if (proc_open(&(struct proc_spec){.argv = argv, .inherit_stderr = true}, &clone->child,
		    err) < 0)
		return -1;
	result = send_request(clone, err);
	if (result == 0)
		result = listen_all(clone, err);
	status = proc_close(&clone->child);
	if (result == 0 && clone->error.kind) {
		*err = clone->error;
		return -1;
	}
	if (result == 0 && clone->finished && status == 0)
		return 0;
	/* It had no time to clean up. */
	clone_discard(temporary);
	if (result == 0)
		err_set(err, ERR_FAILED, "the program that clones ended with %d", status);
	return -1;
}

int source_clone(const struct source *source, const struct sink *sink, struct err *err)
{
	autofree char *object = xasprintf("source %s", source->name);
	autofree char *shown = http_shown(source->url);
	autofree char *detail = NULL;
	struct clone clone = {.source = source,
		.sink = sink,
		.object = object,
		.child = PROC_CHILD_NONE,
		.text = {.limit = LINE_MAX_BYTES}};
	int status;

	switch (source_check(source, &detail)) {
	case SOURCE_READY:
		return 0;
	case SOURCE_OTHER:
		return err_set(err, ERR_FAILED, "source %s: %s; move it away to have %s cloned",
			source->name, detail, shown);
	case SOURCE_MISSING:
		break;
	}
	status = clone_run(&clone, err);
	buf_release(&clone.text);
	if (status < 0)
		return err_wrap(err, "clone %s into %s", shown, source->path);
	return 0;
}
