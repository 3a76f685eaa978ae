/*
 * tunnel_thread.h - a tunnel that lives as long as one command.  Private to src/cmd.
 *
 * It is served by a thread, on a port of its own when spec.port is 0, so that it never collides
 * with one that is open.
 *
 *	struct tunnel_thread tunnel = {.app = app, .spec = entry->spec};
 *	tunnel.spec.port = 0;
 *	if (tunnel_thread_start(&tunnel, err) < 0)
 *		return -1;
 *	... tunnel.port ...
 *	rc = tunnel_thread_stop(&tunnel, err);
 */
#ifndef CMD_TUNNEL_THREAD_H
#define CMD_TUNNEL_THREAD_H

#include "tunnel_login.h"

#include "devenv/cli.h"
#include "devenv/proc.h"
#include "devenv/tunnel.h"

#include <pthread.h>

struct tunnel_thread {
	struct app *app;
	struct tunnel_spec spec;
	/* As in struct tunnel_run, called by the thread with this struct; or NULL. */
	void (*connecting)(void *tunnel, const struct ssh *ssh);
	struct tunnel_login *login; /* asks the server what it is, before it is ready; or NULL */

	uint16_t port;       /* once it is ready */
	struct role role;    /* what the server is, when it was asked; or */
	struct err role_err; /* why it did not say */
	int stop[2];         /* a pipe: its end is the word to stop */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ended;
	pid_t client; /* while it runs */
	struct err err;
};

/* Start, and wait until it is ready. On failure it is gone. */
int tunnel_thread_start(struct tunnel_thread *tunnel, struct err *err);

/* Run a program that uses it; when the tunnel ends first, so does the program. Its status. */
int tunnel_thread_client(
	struct tunnel_thread *tunnel, const struct proc_spec *spec, struct err *err);

/* End it. -1 with err when it had failed by itself. */
int tunnel_thread_stop(struct tunnel_thread *tunnel, struct err *err);

#endif
