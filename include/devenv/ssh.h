/*
 * ssh.h - one SSH session that forwards TCP connections, never blocking.
 *
 * There are two engines.  libssh2 is built in.  With `openssh` the installed ssh makes the session
 * and keeps it, with all that it can do and libssh2 cannot (certificates, security keys, GSSAPI,
 * its own key exchanges); it is a child of the thread that called ssh_start, and ends with it.
 * Channels are the same with both, but that ssh may carry some by itself (ssh_pipes).
 *
 * devenv owns the socket: an engine writes into a queue that takes whole packets (ssh_flush sends
 * it) and reads from a buffer.  That removes libssh2's half-sent-packet and rekey bugs.  All calls
 * on a session come from one thread; the calling sequence is
 *
 *	ssh = ssh_new(&options, &err);
 *	ssh_start(ssh);
 *	until ssh_step(ssh, &err) is 1: poll(ssh_fd(ssh), ssh_events(ssh)), ssh_io(ssh, revents)
 *	ssh_open / ssh_read / ssh_write ... until no call makes progress and !ssh_received(ssh)
 *	ssh_stop(ssh);  (and ssh_start again: reconnect)
 *
 * Data of any channel may arrive while another one is read: sleeping in poll is right only after a
 * whole round without progress in which ssh_received() said false.
 */
#ifndef DEVENV_SSH_H
#define DEVENV_SSH_H

#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line that a person is to type. `text` says what for, and whose question it is. */
struct ssh_prompt {
	const char *text;
	const char *info; /* what the server has to say before it, lines; or NULL */
	bool echo;        /* it may be seen */
	bool again;       /* the last answer was wrong */
};

/* How a person is asked. Both may be NULL: nobody is there. Texts may hold control characters. */
struct ssh_ask {
	bool (*confirm)(void *ctx, const char *question);
	char *(*answer)(void *ctx, const struct ssh_prompt *prompt); /* NULL: none given */
	void *ctx;
};

struct ssh_options {
	bool openssh;    /* the engine is the installed ssh, which asks on the terminal */
	const char *via; /* [USER@]HOST[:PORT] or a Host of the ssh config */
	/* as after ProxyJump, in place of what the config says; or NULL */
	const char *jump;
	const char *identity;      /* only this key; NULL: config, agent, the usual files */
	const char *known_hosts;   /* only this file; NULL: config, the usual files */
	const char *host_key;      /* pinned "SHA256:..."; then known_hosts is not asked */
	const struct ssh_ask *ask; /* or NULL */
	const struct sink *sink;   /* or NULL */
};

struct ssh;
struct ssh_channel;

/* The way to a session, step by step. */
enum ssh_stage {
	SSH_STAGE_NAME, /* the host's name becomes an address */
	SSH_STAGE_TCP,
	SSH_STAGE_HOST_KEY,
	SSH_STAGE_LOGIN,
	SSH_STAGE_UP,
};

/* What a call that did not succeed means. */
enum {
	SSH_REFUSED =
		-1, /* this channel or attempt failed (err); the session may live on: ssh_alive */
	SSH_AGAIN = -2,  /* would block */
	SSH_CLOSED = -3, /* the channel is closed by the server */
};

/*
 * Read the configuration and load libssh2, where that is the engine. The options' strings are
 * borrowed.
 */
struct ssh *ssh_new(const struct ssh_options *options, struct err *err);
void ssh_free(struct ssh *ssh);

/*
 * From the next login on take this agent wherever the configuration means that of SSH_AUTH_SOCK,
 * and for proxies too.
 */
void ssh_set_agent(struct ssh *ssh, const char *socket);

/* "analyst@bastion:22" for messages. Borrowed. */
const char *ssh_name(const struct ssh *ssh);

/* What of the configuration the engine cannot do, as the sink was told of it. Borrowed. */
const struct strv *ssh_warnings(const struct ssh *ssh);

/* Begin to connect. From the second successful session on nobody is asked anything. */
int ssh_start(struct ssh *ssh, struct err *err);

/* Drop the session and its channels (their pointers are dead after this). */
void ssh_stop(struct ssh *ssh);

/*
 * Go on connecting: 1 when the session stands, 0 when more has to arrive, -1 with err.
 * err->os is EPERM when a new attempt cannot help (a host key, wrong answers), EKEYREJECTED when
 * only a person can (a password, a code), else 0.
 */
int ssh_step(struct ssh *ssh, struct err *err);

/*
 * The stage that it is at, or at which it failed (until ssh_stop), and what there is to say of one
 * that is behind: an address, a fingerprint, a key. Borrowed; "" when there is nothing.
 */
enum ssh_stage ssh_stage(const struct ssh *ssh);
const char *ssh_stage_detail(const struct ssh *ssh, enum ssh_stage stage);

/* When ssh_step wants to be called again even if nothing arrives (clock_ms), or -1. */
int64_t ssh_deadline(const struct ssh *ssh);

int ssh_fd(const struct ssh *ssh);
short ssh_events(const struct ssh *ssh);

/* Move bytes between the socket and our buffers after poll. */
void ssh_io(struct ssh *ssh, short revents);

/* Send what is queued. */
void ssh_flush(struct ssh *ssh);

/* Declare the session dead. */
void ssh_give_up(struct ssh *ssh, const char *why);

bool ssh_alive(const struct ssh *ssh);          /* up and not failed */
const char *ssh_failure(const struct ssh *ssh); /* why it is not alive */
bool ssh_received(struct ssh *ssh);             /* did bytes reach libssh2 since the last call? */
size_t ssh_queued(const struct ssh *ssh);       /* bytes waiting to be sent */
int64_t ssh_last_heard(const struct ssh *ssh);  /* clock_ms of the last byte from the server */

/* Ask the server for a sign of life. */
void ssh_keepalive(struct ssh *ssh);

/* Take in what has arrived, also while no channel is read. Once a round. */
void ssh_pump(struct ssh *ssh);

/* Seconds after which a silent server is to be probed, and after which it is dead; 0: not by us. */
void ssh_patience(const struct ssh *ssh, int *probe, int *dead);

/*
 * Open a connection to host:port as seen from the server. One at a time a session: repeat the call
 * with the same arguments on SSH_AGAIN. SSH_REFUSED with err says why the server did not. With
 * `pipes` it may become one of pipes, where the engine finds that faster.
 */
int ssh_open(struct ssh *ssh, const char *host, uint16_t port, bool pipes,
	struct ssh_channel **channel, struct err *err);

/*
 * The pipes of a connection that the installed ssh carries, so that splice(2) can move its bytes;
 * else NULL. Neither blocks. The flags are what poll said, until a call says otherwise; ssh_read
 * and ssh_write go the same way, and alone tell of ends and errors: what is only the end of a pipe
 * may be that of ssh.
 */
struct ssh_pipes {
	int to, from; /* the server; `to` is -1 after ssh_send_eof */
	bool writable, readable;
};

struct ssh_pipes *ssh_pipes(const struct ssh_channel *channel);

/* Bytes read, 0 at the end of the stream, or SSH_AGAIN, SSH_REFUSED. */
ssize_t ssh_read(struct ssh_channel *channel, void *data, size_t len);
ssize_t ssh_write(struct ssh_channel *channel, const void *data, size_t len);

/*
 * Let the receive window be `size` bytes whenever it is seven eighths of that or less. To be called
 * after each ssh_read that brought bytes.
 */
void ssh_window(struct ssh_channel *channel, size_t size);

/*
 * The bytes that come in a round trip to the server, when it had to wait for the window to open; 0
 * while it has not.
 */
size_t ssh_window_wish(const struct ssh_channel *channel);

int ssh_send_eof(struct ssh_channel *channel);     /* 0, SSH_AGAIN, SSH_REFUSED */
bool ssh_is_closed(struct ssh_channel *channel);   /* after the end of the stream: no half-close */
int ssh_channel_free(struct ssh_channel *channel); /* 0, or SSH_AGAIN: call again */

/*
 * `ssh -W`: connect the socket that is standard input, both ways, to host:port as seen from the
 * server, until either side ends. ERR_CANCELLED on a signal (signals.h).
 */
int ssh_pipe(const struct ssh_options *options, const char *host, uint16_t port, struct err *err);

#endif
