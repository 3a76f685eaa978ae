/*
 * feeder.c - a tar that is sent while it is made.
 *
 * A thread makes it into a pipe, the caller sends what comes out: a tree of any size needs no room
 * on the disk and a fixed amount of memory.
 */
#include "feeder.h"

#include "devenv/mem.h"
#include "devenv/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

struct feeder {
	tar_make_fn *make;
	void *ctx;
	int fd;
	bool unread; /* nobody takes the tar any more */
	struct err err;
	int status;
};

static int to_pipe(void *ctx, const void *data, size_t len, struct err *err)
{
	struct feeder *feeder = ctx;

	if (fs_write_all(feeder->fd, data, len) == 0)
		return 0;
	feeder->unread = true;
	return err_os(err, ERR_FAILED, errno, "pass the tar to the engine");
}

static void *feeder_main(void *arg)
{
	struct feeder *feeder = arg;
	struct tar_writer tar = {.write = to_pipe, .ctx = feeder};

	feeder->status = feeder->make(feeder->ctx, &tar, &feeder->err);
	cleanup_close(&feeder->fd);
	return NULL;
}

int feeder_run(
	tar_make_fn *make, void *make_ctx, feeder_send_fn *send, void *send_ctx, struct err *err)
{
	struct feeder feeder = {.make = make, .ctx = make_ctx, .err = ERR_INIT};
	autoclose int out = -1;
	pthread_t thread;
	int pair[2], sent, failed;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_os(err, ERR_FAILED, errno, "make a pipe");
	out = pair[0];
	feeder.fd = pair[1];
	failed = pthread_create(&thread, NULL, feeder_main, &feeder);
	if (failed) {
		cleanup_close(&feeder.fd);
		return err_os(err, ERR_FAILED, failed, "start a thread");
	}
	sent = send(send_ctx, out, err);
	/* An engine that answered early reads no more: the feeder must not wait for it. */
	cleanup_close(&out);
	pthread_join(thread, NULL);
	/* A tar that ends in the middle is what the engine then complains about, too. */
	if (feeder.status < 0 && (!feeder.unread || sent == 0)) {
		*err = feeder.err;
		return -1;
	}
	return sent;
}
