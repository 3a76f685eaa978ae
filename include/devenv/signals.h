/*
 * signals.h - Ctrl-C, as a flag and a pipe.
 *
 * The first SIGINT, SIGTERM or SIGHUP sets the flag and writes a byte to the pipe; the second one
 * restores the terminal and ends the process at once with 128+n.
 */
#ifndef DEVENV_SIGNALS_H
#define DEVENV_SIGNALS_H

#include <pthread.h>
#include <stdbool.h>

void signals_install(void); /* also ignores SIGPIPE; once, in main */

/* The signal that asked us to stop, or 0. */
int signals_pending(void);

/* Becomes readable when one arrives, and stays so. To be polled beside other descriptors. */
int signals_fd(void);

/*
 * Forget the first signal, for what has to be ended properly after it: the next one is the first
 * again.
 */
void signals_forget(void);

/* Start a thread that no signal interrupts: they are for the main one. Aborts when it cannot. */
void signals_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* Called (async-signal-safe code only) before the second signal ends the process. */
void signals_on_exit(void (*restore)(void));

/*
 * From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are for somebody else (the
 * process of an attached container): they set no flag and do not end us, and each is one byte, its
 * number, in the pipe whose reading end this returns. -1 when there is no pipe.
 */
int signals_proxy(void);

/*
 * The terminal belongs to a child for a while (true): its Ctrl-C and Ctrl-\ mean nothing to us.
 * Then again they do (false). SIGTERM and SIGHUP are not touched.
 */
void signals_yield(bool yield);

#endif
