/*
 * ssh_openssh.h - the engine that is the installed ssh, shared by its files.
 *
 * One `ssh -N` a session does what makes one: names, proxies, keys, host keys, ciphers, keepalives.
 * It is a ControlMaster in proxy mode (OpenSSH's PROTOCOL.mux section 9, since 7.4): our socket to
 * it carries plain connection-layer messages (RFC 4254), so that channels, their windows and their
 * ends are ours, in order, with the server's own words.
 *
 * A connection that needs nothing of that, on a short line, ssh carries by itself through pipes.
 */
#ifndef NET_SSH_OPENSSH_H
#define NET_SSH_OPENSSH_H

#include "ssh_session.h"

#define MUX_MSG_HELLO 1u
#define MUX_VERSION 4

/* === connections that ssh carries (ssh_mux_stdio.c) === */

struct mux_stdio {
	struct mux_stdio *next;
	struct ssh_pipes pipes;
	int control; /* -1: ssh has closed it, as nothing is left of the channel */
	bool told;   /* there may be something on it */
	struct buf heard;
	bool opened, refused;
	uint32_t question; /* put after `from` had ended; 0: it has not */
	uint32_t alive;    /* the last one that was answered here */
};

/* Is it faster than a channel of ours? */
bool mux_stdio_pays(const struct ssh *ssh);

/* Begin; NULL: there are no descriptors for it. Then 0, SSH_AGAIN, or SSH_REFUSED: it is freed. */
struct mux_stdio *mux_stdio_open(struct ssh *ssh, const char *host, uint16_t port);
int mux_stdio_opened(struct ssh *ssh, struct mux_stdio *stdio);

/* As the functions of a channel. */
ssize_t mux_stdio_read(struct ssh *ssh, struct mux_stdio *stdio, void *data, size_t len);
ssize_t mux_stdio_write(struct mux_stdio *stdio, const void *data, size_t len);
void mux_stdio_send_eof(struct ssh *ssh, struct mux_stdio *stdio);
bool mux_stdio_is_closed(struct ssh *ssh, struct mux_stdio *stdio);
int mux_stdio_free(struct ssh *ssh, struct mux_stdio *stdio);

struct ssh_master;
void mux_stdio_release_all(struct ssh_master *master);

/* === channels (ssh_mux.c) === */

struct mux_channel {
	uint32_t id, remote;
	bool answered, refused; /* our open */
	uint32_t reason;        /* of a refusal, RFC 4254 section 5.1 */
	char *why;
	bool eof, closed; /* the server's */
	bool close_sent;
	bool dropped; /* nobody reads it: only the server's close is waited for */
	struct buf in;
	size_t in_start;
	size_t size;    /* of the window that we want to give */
	size_t granted; /* what the server may still send */
	size_t window;  /* what we may still send */
	size_t packet;
};

struct mux {
	int greeted;        /* answers to our greeting */
	struct buf message; /* the one that is coming in, but for a channel's data */
	size_t data_left;   /* of a message with data */
	struct mux_channel *data_to;
	struct mux_channel **list; /* by id */
	size_t n, used;
	struct mux_channel *opening;
	int64_t opening_since;
	size_t refused; /* opens; ssh keeps a little of each */
	struct mux_stdio *stdios, *stdio_opening;
	struct mux_stdio *pulse; /* of the list: where ssh is asked whether it goes on, or NULL */
	uint32_t questions;
};

/* Connect to the master's socket and ask for proxy mode. */
int ssh_mux_connect(struct ssh *ssh, const char *path, struct err *err);

/* Take in what has arrived. true: channels can be opened. */
bool ssh_mux_receive(struct ssh *ssh);
void ssh_mux_release(struct mux *mux);

/* === the program (ssh_openssh.c) === */

struct ssh_master {
	pid_t pid;
	int errs;  /* its stderr; -1: it has ended */
	int epoll; /* data.ptr: NULL its stderr, the session its socket, else a mux_stdio */
	int door;  /* its control socket, which has no name any more */
	char *dir, *socket;
	bool batch;            /* it asks nobody */
	bool listening;        /* on its control socket */
	struct buf line, said; /* its words since the last stage, but for what its log level adds */
	char *key;             /* the server's: "ED25519 SHA256:..." */
	struct mux mux;
};

/* === its words (ssh_words.c) === */

struct ssh_words {
	const char *name, *host, *user;
	uint16_t port;
	const char *key;         /* that the server has shown, or NULL */
	const char *pinned;      /* the one of the manifest, or NULL */
	const char *known_hosts; /* the file to add to */
	const char *locked;      /* a key file with a passphrase, or NULL */
	bool batch;
	bool person;      /* one is missing: it took answers to log in */
	const char *text; /* lines */
};

/* Why ssh has ended before there was a session. Returns -1; err->os as ssh_step() has it. */
int ssh_words_failed(const struct ssh_words *words, struct err *err);

/* Why a session was lost. The caller's. */
char *ssh_words_lost(const char *text);

#endif
