/* tunnel_thread.c - a tunnel that lives as long as one command (tunnel_thread.h). */
#include "tunnel_thread.h"

#include "tunnels.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_ready(void *ctx, const struct tunnel_spec *spec, uint16_t port)
{
	struct tunnel_thread *tunnel = ctx;

	pthread_mutex_lock(&tunnel->mutex);
	tunnel->port = port;
	pthread_cond_signal(&tunnel->changed);
	pthread_mutex_unlock(&tunnel->mutex);
}

static bool on_login(void *ctx, const struct tunnel_spec *spec, struct role_login *login)
{
	const struct tunnel_thread *tunnel = ctx;

	if (tunnel->login)
		*login = tunnel->login->role;
	return tunnel->login != NULL;
}

/* The thread's: nothing else is served yet, so that it may wait for a person. */
static bool on_role(
	void *ctx, const struct tunnel_spec *spec, const struct role *role, const struct err *err)
{
	struct tunnel_thread *tunnel = ctx;

	if (role) {
		tunnel->role = *role;
		err_clear(&tunnel->role_err);
		return false;
	}
	tunnel->role_err = *err;
	return err->os == EKEYREJECTED && tunnel_login_ask(tunnel->login, tunnel->app, spec);
}

static void *serve(void *arg)
{
	struct tunnel_thread *tunnel = arg;
	struct ssh_ask ask = tunnels_ask(tunnel->app);
	autofree char *audit = tunnel_audit_path();
	struct tunnel_run run = {.ask = &ask,
		.sink = &tunnel->app->sink,
		.audit = audit,
		.ready = on_ready,
		.connecting = tunnel->connecting,
		.login = on_login,
		.role = on_role,
		.ctx = tunnel,
		.stop_fd = tunnel->stop[0]};
	struct err err = ERR_INIT;

	tunnel_serve(&tunnel->spec, 1, &run, &err);
	pthread_mutex_lock(&tunnel->mutex);
	tunnel->err = err;
	tunnel->ended = true;
	/* Told to end from outside, or lost for good: the client has nobody to talk to. */
	if (tunnel->client > 0)
		kill(tunnel->client, SIGTERM);
	pthread_cond_signal(&tunnel->changed);
	pthread_mutex_unlock(&tunnel->mutex);
	return NULL;
}

int tunnel_thread_stop(struct tunnel_thread *tunnel, struct err *err)
{
	cleanup_close(&tunnel->stop[1]);
	pthread_join(tunnel->thread, NULL);
	cleanup_close(&tunnel->stop[0]);
	if (tunnel->err.kind == ERR_NONE)
		return 0;
	*err = tunnel->err;
	return -1;
}

int tunnel_thread_start(struct tunnel_thread *tunnel, struct err *err)
{
	bool ready;

	tunnel->spec.socket = NULL;
	if (pipe2(tunnel->stop, O_CLOEXEC) < 0)
		return err_set(err, ERR_FAILED, "no more descriptors for a pipe");
	pthread_mutex_init(&tunnel->mutex, NULL);
	pthread_cond_init(&tunnel->changed, NULL);
	if (pthread_create(&tunnel->thread, NULL, serve, tunnel) != 0)
		abort();
	pthread_mutex_lock(&tunnel->mutex);
	while (!tunnel->port && !tunnel->ended)
		pthread_cond_wait(&tunnel->changed, &tunnel->mutex);
	ready = tunnel->port && !tunnel->ended;
	pthread_mutex_unlock(&tunnel->mutex);
	if (ready)
		return 0;
	if (tunnel_thread_stop(tunnel, err) == 0)
		err_set(err, ERR_CANCELLED, "stopped before the tunnel was open");
	return -1;
}

int tunnel_thread_client(
	struct tunnel_thread *tunnel, const struct proc_spec *spec, struct err *err)
{
	int status;

	pthread_mutex_lock(&tunnel->mutex);
	tunnel->client = proc_spawn(spec, err);
	pthread_mutex_unlock(&tunnel->mutex);
	status = tunnel->client > 0 ? proc_wait(tunnel->client) : -1;
	pthread_mutex_lock(&tunnel->mutex);
	tunnel->client = 0;
	pthread_mutex_unlock(&tunnel->mutex);
	return status;
}
