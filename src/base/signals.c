/*
 * signals.c - Ctrl-C, as a flag and a pipe.
 *
 * A pipe and not signalfd: macOS stays possible.  The handler only sets, writes and, the second
 * time, ends the process.
 */
#include "devenv/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t pending;
static int pipe_fds[2] = {-1, -1};
static void (*restore_hook)(void);
static int proxy_fds[2] = {-1, -1};

static void on_signal(int signal)
{
	if (pending) {
		if (restore_hook)
			restore_hook();
		_exit(128 + signal);
	}
	pending = signal;
	/* The pipe is empty until now: this cannot fail or block. */
	if (write(pipe_fds[1], "", 1) < 0)
		_exit(128 + signal);
}

void signals_install(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

int signals_pending(void)
{
	return pending;
}

int signals_fd(void)
{
	return pipe_fds[0];
}

void signals_forget(void)
{
	char byte;

	while (read(pipe_fds[0], &byte, 1) > 0)
		;
	pending = 0;
}

void signals_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(thread, NULL, run, arg) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void signals_on_exit(void (*restore)(void))
{
	restore_hook = restore;
}

static void on_proxied(int signal)
{
	int before = errno;
	char byte = (char)signal;

	/* A full pipe: whoever reads it has enough to pass on. */
	if (write(proxy_fds[1], &byte, 1) < 0)
		errno = before;
}

int signals_proxy(void)
{
	static const int proxied[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = on_proxied};

	if (proxy_fds[0] < 0 && pipe2(proxy_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++)
		sigaction(proxied[i], &action, NULL);
	return proxy_fds[0];
}

void signals_yield(bool yield)
{
	struct sigaction action = {.sa_handler = yield ? SIG_IGN : on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = yield ? SIG_IGN : SIG_DFL;
	sigaction(SIGQUIT, &action, NULL);
}
