/*
 * stream.c - copying between an attached container and us: one poll loop, any amount of data.
 *
 * Without a terminal the engine sends frames: stream number, three zero bytes, a big-endian length
 * (Docker Engine API, "Stream format" of attach).  A frame may be of any size and arrives in
 * pieces; pieces are passed on as they come and nothing is collected.
 */
#include "engine_priv.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/term.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define FRAME_HEADER 8

struct copy {
	struct engine *engine;
	const struct copy_spec *spec;
	const struct stream_io *io;
	int in; /* -1 when stdin has ended */
	bool framed;
	unsigned char header[FRAME_HEADER];
	size_t header_len;
	uint32_t left;     /* of the frame */
	bool ended;        /* by on_data, or nobody reads what we write */
	size_t matched;    /* detach keys that came */
	size_t held, sent; /* of input */
	char input[16384]; /* read from stdin, not yet taken by the engine */
};

#define READ_MAX (sizeof(((struct copy *)0)->input) - sizeof(((struct detach_keys *)0)->bytes))

/* One piece of a stream to where it goes. */
static int deliver(struct copy *copy, int stream, const char *data, size_t len, struct err *err)
{
	int fd = stream == 2 && copy->io->errfd >= 0 ? copy->io->errfd : copy->io->out;

	if (!len)
		return 0;
	if (copy->io->out < 0) {
		if (copy->io->on_data && copy->io->on_data(copy->io->ctx, stream, data, len) < 0)
			copy->ended = true;
		return 0;
	}
	if (fs_write_all(fd, data, len) == 0)
		return 0;
	if (errno != EPIPE)
		return err_os(err, ERR_FAILED, errno, "write output");
	/* "| head" has seen enough. */
	copy->ended = true;
	return 0;
}

/* Take `len` bytes of the framed stream apart. */
static int unframe(struct copy *copy, const char *data, size_t len, struct err *err)
{
	while (len && !copy->ended) {
		size_t n;

		if (!copy->left) {
			copy->header[copy->header_len++] = (unsigned char)*data++;
			len--;
			if (copy->header_len < FRAME_HEADER)
				continue;
			copy->header_len = 0;
			if (copy->header[0] > 3 || copy->header[1] || copy->header[2])
				return err_set(err, ERR_ENGINE,
					"the engine's stream is not framed as it should be");
			copy->left = (uint32_t)copy->header[4] << 24 |
				     (uint32_t)copy->header[5] << 16 |
				     (uint32_t)copy->header[6] << 8 | copy->header[7];
			continue;
		}
		n = len < copy->left ? len : copy->left;
		if (deliver(copy, copy->header[0] == 2 ? 2 : 1, data, n, err) < 0)
			return -1;
		copy->left -= (uint32_t)n;
		data += n;
		len -= n;
	}
	return 0;
}

/* Read once from the engine: 1 going on, 0 at the end, -1. */
static int from_engine(struct copy *copy, struct err *err)
{
	char piece[32768];
	ssize_t n = http1_read(copy->engine->http, piece, sizeof(piece), err);
	int result;

	if (n < 0)
		return engine_failed(err);
	if (n == 0)
		return 0;
	result = copy->framed ? unframe(copy, piece, (size_t)n, err)
			      : deliver(copy, 1, piece, (size_t)n, err);
	return result < 0 ? -1 : 1;
}

/*
 * Nothing more goes to the engine: stdin ended, or the process there does not read it to its end.
 */
static void end_input(struct copy *copy)
{
	if (!copy->io->keep_open)
		http1_shutdown(copy->engine->http);
	copy->in = -1;
	copy->held = copy->sent = 0;
}

/*
 * Hold back what may become the detach keys. The engine knows them too, but engines differ in when
 * they look.
 */
static void hold_input(struct copy *copy, const char *data, size_t len)
{
	const struct detach_keys *keys = copy->io->detach;

	for (size_t i = 0; i < len; i++) {
		if (keys && copy->matched && data[i] != keys->bytes[copy->matched]) {
			memcpy(copy->input + copy->held, keys->bytes, copy->matched);
			copy->held += copy->matched;
			copy->matched = 0;
		}
		if (!keys || data[i] != keys->bytes[copy->matched]) {
			copy->input[copy->held++] = data[i];
			continue;
		}
		if (++copy->matched < keys->n)
			continue;
		*copy->io->detached = true;
		copy->ended = true;
		return;
	}
}

/* Read stdin once what was read before has been sent; send what the engine takes. */
static void to_engine(struct copy *copy, bool readable)
{
	struct err ignored = ERR_INIT;
	char piece[READ_MAX];
	ssize_t n;

	if (copy->sent == copy->held) {
		if (!readable)
			return;
		n = read(copy->in, piece, sizeof(piece));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) {
			end_input(copy);
			return;
		}
		copy->held = copy->sent = 0;
		hold_input(copy, piece, (size_t)n);
		if (!copy->held)
			return;
	}
	n = http1_write(
		copy->engine->http, copy->input + copy->sent, copy->held - copy->sent, &ignored);
	if (n < 0)
		end_input(copy);
	else
		copy->sent += (size_t)n;
}

/*
 * Tell the container the terminal's size; an older engine or an ended process may refuse: no
 * matter.
 */
static void send_size(struct copy *copy)
{
	struct engine *other;
	struct err ignored = ERR_INIT;
	int rows, columns;

	term_resize_clear();
	if (!copy->spec->resize || !term_size(copy->io->out, &rows, &columns))
		return;
	other = engine_clone(copy->engine);
	engine_post(other, NULL, NULL, &ignored, "%s?h=%d&w=%d", copy->spec->resize, rows, columns);
	engine_close(other);
}

/* Wait for any side; 1 when something is to do, 0 to go round again, -1. */
static int wait_sides(struct copy *copy, struct pollfd fds[5], int64_t deadline, struct err *err)
{
	int64_t left = deadline ? deadline - clock_ms() : -1;
	bool raw = copy->io->tty && copy->spec->resize;

	bool full = copy->sent < copy->held;

	fds[0] = (struct pollfd){
		http1_fd(copy->engine->http), (short)(POLLIN | (full ? POLLOUT : 0)), 0};
	fds[1] = (struct pollfd){full ? -1 : copy->in, POLLIN, 0};
	fds[2] = (struct pollfd){copy->io->cancel_fd, POLLIN, 0};
	fds[3] = (struct pollfd){raw ? term_resize_fd() : -1, POLLIN, 0};
	fds[4] = (struct pollfd){copy->io->side ? copy->io->side->fd : -1, POLLIN, 0};
	if (deadline && left <= 0)
		return err_set(
			err, ERR_TIMEOUT, "it did not end within %d ms", copy->spec->timeout_ms);
	if (http1_ready(copy->engine->http))
		left = 0;
	if (poll(fds, 5, (int)left) < 0 && errno != EINTR)
		return err_os(err, ERR_FAILED, errno, "wait for the container");
	return 1;
}

static int copy_loop(struct copy *copy, bool *cancelled, struct err *err)
{
	int64_t deadline = copy->spec->timeout_ms ? clock_ms() + copy->spec->timeout_ms : 0;
	struct pollfd fds[5];

	while (!copy->ended) {
		if (wait_sides(copy, fds, deadline, err) < 0)
			return -1;
		if (fds[2].revents ||
			(fds[4].revents && copy->io->side->ready(copy->io->side->ctx) < 0))
			break;
		if (fds[3].revents)
			send_size(copy);
		if (fds[1].revents || fds[0].revents & POLLOUT)
			to_engine(copy, fds[1].revents);
		if (fds[0].revents & ~POLLOUT || http1_ready(copy->engine->http)) {
			int more = from_engine(copy, err);

			/* Half a piece came, and the wait for the rest was ended. */
			if (more < 0 && err->kind == ERR_CANCELLED) {
				err_clear(err);
				break;
			}
			if (more <= 0)
				return more;
		}
	}
	*cancelled = true;
	return 0;
}

int stream_copy(
	struct engine *engine, const struct copy_spec *spec, bool *cancelled, struct err *err)
{
	struct copy copy = {.engine = engine,
		.spec = spec,
		.io = spec->io,
		.in = spec->io->in,
		.framed = !spec->io->tty};
	bool raw = spec->io->tty && spec->resize && term_is(spec->io->in);
	int result;

	*cancelled = false;
	if (raw && term_raw(spec->io->in, err) < 0)
		return -1;
	if (spec->io->tty)
		send_size(&copy);
	result = copy_loop(&copy, cancelled, err);
	if (raw)
		term_restore();
	if (result < 0 || *cancelled)
		http1_disconnect(engine->http);
	return result;
}

int container_attach(struct engine *engine, const char *id, const struct stream_io *io, bool logs,
	int (*attached)(void *ctx, struct err *err), void *ctx, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *resize = xasprintf("/containers/%s/resize", name);
	autofree char *keys = engine_escape(io->detach ? io->detach->text : "");
	autofree char *path = xasprintf(
		"/containers/%s/attach?stream=1&stdout=1&stderr=1&stdin=%d&logs=%d%s%s", name,
		io->in >= 0, logs, *keys ? "&detachKeys=" : "", keys);
	struct http1_request request = {
		.method = "POST", .path = path, .body_fd = -1, .upgrade = true};
	struct copy_spec spec = {.io = io, .resize = io->tty ? resize : NULL};
	struct http1_response response;
	bool cancelled;

	if (engine_send(engine, &request, &response, err) < 0)
		return -1;
	if (attached && attached(ctx, err) < 0) {
		http1_disconnect(engine->http);
		return -1;
	}
	return stream_copy(engine, &spec, &cancelled, err);
}
