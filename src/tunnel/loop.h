/* loop.h - the pieces of the tunnel's poll loop. */
#ifndef TUNNEL_LOOP_H
#define TUNNEL_LOOP_H

#include "devenv/buf.h"
#include "devenv/ssh.h"
#include "devenv/tunnel.h"
#include "guard.h"

#include <poll.h>
#include <sys/types.h>

#define LOOP_CHUNK ((size_t)64 << 10)
#define LISTENER_BACKLOG 512
#define LOOP_READ (LOOP_CHUNK - 1) /* a buffer has a NUL behind what it holds */
#define LOOP_SPARES 16

enum link_state {
	LINK_WAITING, /* for retry_at */
	LINK_CONNECTING,
	LINK_UP,
	LINK_DEAD, /* a new attempt cannot help */
};

/* One ssh session, as a rule shared by every tunnel through the same bastion. */
struct link {
	struct tunnel_spec *spec; /* a copy of the first one that needs it */
	struct ssh *ssh;
	enum link_state state;
	bool ever_up;
	bool split;   /* made beside one that stands: no news for the user */
	int attempts; /* that failed, in a row */
	int64_t retry_at;
	int64_t tried_at;
	int64_t probe_at; /* when an unanswered keepalive was sent; 0: none */
	const struct ssh_ask *ask;
	struct conn *opening;
	int64_t opening_since;
	struct pollfd *pfd;
};

struct listener {
	const struct tunnel_spec *spec;
	struct tunnel_spec *owned; /* the spec, when it goes with the listener; or NULL */
	struct link *link;
	int fd;
	uint16_t port; /* 0: a Unix socket */
	ino_t inode;   /* of that */
	bool announced;
	bool failed;                  /* before it was ever ready */
	bool told;                    /* that its connections pass without proof */
	bool gone;                    /* taken down; it stays until its connections are over */
	struct err err;               /* why it failed */
	int64_t since;                /* ready, in seconds since 1970 */
	uint64_t opened, sent, given; /* connections, and bytes from and for clients */
	struct prober *prober;        /* or NULL: nothing was to be proved yet */
	bool proving;                 /* before it is ready */
	struct pollfd *pfd;
};

enum conn_state {
	CONN_WAITING, /* for the session, or for its turn to be opened */
	CONN_OPENING,
	CONN_OPEN,
	CONN_LINGERING, /* it was broken off: the client may still read why */
	CONN_CLOSING,   /* the client is gone, the channel not yet */
	CONN_OVER,
};

/* One connection of a client; without a descriptor (-1) it only asks whether the target answers. */
struct conn {
	struct conn *next;
	struct listener *listener;
	struct link *link; /* the listener's, when it began to be opened */
	struct ssh_channel *channel;
	enum conn_state state;
	int fd;
	bool probe;
	bool asks;               /* the prober's */
	bool proved;             /* the guard does not see it; the prober watches for it */
	bool readable, writable; /* what poll said, until a call says otherwise */
	bool client_eof, eof_sent, server_eof, shut;
	struct buf up, down; /* to the server, to the client */
	struct guard *guard; /* until it has let the connection pass; usually NULL */
	size_t up_start, down_start;
	size_t window;
	int64_t since;
	char *client;         /* its address; NULL for a probe */
	int64_t born, began;  /* clock_ms, and seconds since 1970 */
	uint64_t sent, given; /* bytes from the client, and from the server */
	const char *check;    /* for the audit */
	char *why;            /* it ended; the first reason counts */
	struct pollfd *pfd;
};

/* What tells that the world may have changed unnoticed. */
struct wake {
	int clock, network; /* -1: the kernel has none */
	struct pollfd *clock_pfd, *network_pfd;
	int64_t heard; /* clock_ms */
};

struct loop {
	char *chunk;               /* LOOP_CHUNK bytes on their way past a guard */
	char *spares[LOOP_SPARES]; /* LOOP_CHUNK bytes each, for whoever reads next */
	size_t n_spares;
	struct link **links;
	size_t n_links;
	struct listener **listeners;
	size_t n_listeners;
	struct conn *conns;
	size_t n_conns;
	size_t window_bytes; /* granted beyond libssh2's own, over all connections */
	int64_t accept_at;   /* out of descriptors: no accept before */
	const struct sink *sink;
	const struct tunnel_run *run;
	struct wake wake;
	struct control *control; /* of a daemon; or NULL */
	char *agent;             /* for ssh_set_agent, or NULL */
	bool audit_told;         /* that lines cannot be written */
	bool stopped;            /* by run->stop_fd */
	struct err first;        /* the first failure, for when every tunnel has failed */
	size_t wanted;           /* tunnels that were to be opened at the start */
};

/* listener.c */
int listener_open(struct listener *listener, struct err *err);
void listener_close(struct listener *listener);
void listener_accept(struct loop *loop, struct listener *listener);

/* listener_unix.c */
int listener_open_unix(struct listener *listener, struct err *err);
void listener_remove_socket(const struct listener *listener);

/* conn.c */
struct conn *conn_new(struct loop *loop, struct listener *listener, int fd);
void conn_why(struct conn *conn, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool conn_pump(struct loop *loop, struct conn *conn); /* true: bytes moved */
short conn_events(const struct conn *conn);
void conn_reset(struct conn *conn);                      /* the client sees an error, not an end */
void conn_finish(struct conn *conn);                     /* an orderly end */
void conn_sweep(struct loop *loop);                      /* free what is over */
void conn_expired(struct loop *loop, struct conn *conn); /* conn_deadline; not for probes */
int64_t conn_deadline(const struct conn *conn);

/*
 * splice.c: what ssh carries through pipes. false: not of those, or it has ended; the bytes have to
 * be asked for in the usual way.
 */
bool splice_up(struct conn *conn, bool *moved);
bool splice_down(struct conn *conn, bool *moved);
bool splice_waits(const struct conn *conn); /* for the client to take something */
void conn_broke_off(struct conn *conn);     /* the client did */

/* conn_guard.c */

/* Its guard has said something. */
void conn_guarded(struct loop *loop, struct conn *conn, enum guard_verdict verdict);
void conn_promoted(struct loop *loop, const struct listener *listener); /* a writer, by now */
/* The guard could not see; the prober has an answer, or a reason why there is none. */
void conn_settle(struct loop *loop, struct conn *conn, enum guard_proof proof, const char *why);
/* Nobody can tell any longer what those are connected to that the prober let pass. */
void conn_unproved(struct loop *loop, const struct listener *listener, const char *why);

/* prober.c */
struct prober;
void prober_free(struct prober *prober); /* with the loop's connections still there; or NULL */
/* The guard of an open connection cannot see: conn_settle follows, perhaps at once. */
void prober_wanted(struct loop *loop, struct conn *conn);
/*
 * Ask now, with this login, which is kept; what is NULL is the spec's, or the same user's before.
 */
void prober_prove(struct listener *listener, const struct role_login *login);
/* The last answer; or NULL with *err, or with neither while it is asking. */
const struct role *prober_word(const struct prober *prober, const struct err **err);
bool prober_step(struct loop *loop, struct listener *listener); /* true: something happened */
int64_t prober_deadline(const struct loop *loop, const struct listener *listener);
void prober_lost(struct conn *conn);                                   /* it is about to be freed */
struct pollfd *prober_watch(struct prober *prober, struct pollfd *at); /* the next free one */

/* link.c */

/* One more, for `spec`. NULL with err. */
struct link *link_new(struct loop *loop, const struct tunnel_spec *spec, const struct ssh_ask *ask,
	struct err *err);
void link_start(struct loop *loop, struct link *link);
bool link_step(struct loop *loop, struct link *link); /* true: something happened */
int64_t link_deadline(const struct link *link);
void link_wanted(struct link *link); /* a client waits: try again soon */
void link_wake(struct link *link);   /* does the server still answer, or again? */
void link_free(struct link *link);

/* wake.c */
void wake_open(struct wake *wake);
void wake_close(struct wake *wake);
struct pollfd *wake_watch(struct wake *wake, struct pollfd *at); /* the next free one */
void wake_hear(struct loop *loop);                               /* after poll */

/* control.c */
struct control *control_new(int fd);
void control_free(struct control *control);
size_t control_fds(const struct control *control);
struct pollfd *control_watch(struct control *control, struct pollfd *at); /* the next free one */
/* After poll, and whenever something may have changed; true: there is more to do. */
bool control_serve(struct loop *loop);
bool control_done(const struct loop *loop); /* nothing is served any more, and nobody asks */

/* tunnel.c */

/* Serve one more tunnel, whose spec must live until its listener is gone. */
struct listener *loop_add(struct loop *loop, const struct tunnel_spec *spec,
	const struct ssh_ask *ask, struct err *err);
void loop_remove(struct loop *loop, struct listener *listener, const char *why);
struct pollfd *loop_watch(struct pollfd **at, int fd, short events);

/* A tunnel cannot become ready, or never again. */
void listener_failed(struct loop *loop, struct listener *listener, const struct err *err);
void listener_ready(struct loop *loop, struct listener *listener);

#endif
