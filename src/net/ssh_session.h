/* ssh_session.h - the inside of a session, shared by the ssh_*.c files. */
#ifndef NET_SSH_SESSION_H
#define NET_SSH_SESSION_H

#include "devenv/buf.h"
#include "devenv/crypto.h"
#include "devenv/known_hosts.h"
#include "devenv/ssh.h"
#include "devenv/ssh_config.h"
#include "devenv/strv.h"

#include <libssh2.h>

#define SSH_IN_SIZE ((size_t)64 << 10)
#define SSH_LOGIN_TIMEOUT_MS 60000
#define SSH_ATTEMPT_PAUSE_MS 1000

/* === wire format helpers (ssh_wire.c; RFC 4251 section 5) === */

struct ssh_reader {
	const unsigned char *at;
	size_t left;
	bool bad; /* read past the end: everything after is 0 or empty */
};

uint32_t ssh_read_u32(struct ssh_reader *in);
uint8_t ssh_read_u8(struct ssh_reader *in);
const unsigned char *ssh_read_string(struct ssh_reader *in, size_t *len);

void ssh_put_u32(struct buf *out, uint32_t value);
void ssh_put_string(struct buf *out, const void *data, size_t len);

/* Bits of the modulus of a public key; 0 when it is not of RSA. */
int ssh_blob_rsa_bits(const void *blob, size_t len);

/* === key files (ssh_key.c) === */

struct ssh_key {
	char *path;
	struct buf blob; /* public key; empty when it cannot be told without the passphrase */
	bool encrypted;
	bool rsa;     /* `signer` makes its signatures, once it is unlocked */
	bool openssh; /* OpenSSH's own format, not PEM */
	struct rsa_key *signer;
};

/* Read a private key file. ERR_TUNNEL: missing, readable by others, or no key. */
int ssh_key_open(struct ssh_key *key, const char *path, struct err *err);

/* Make `signer` of an RSA key. -1: the passphrase is wrong or the format needs an agent. */
int ssh_key_unlock(struct ssh_key *key, const char *passphrase, struct err *err);
void ssh_key_release(struct ssh_key *key);

/* === the agent (ssh_agent.c) === */

struct ssh_identity {
	struct buf blob;
	char *comment;
};

struct ssh_identities {
	struct ssh_identity *list;
	size_t n;
};

int ssh_agent_list(const char *socket, struct ssh_identities *identities, struct err *err);
int ssh_agent_sign(const char *socket, const struct buf *blob, const void *data, size_t len,
	uint32_t flags, struct buf *signature, struct err *err);
void ssh_identities_release(struct ssh_identities *identities);

/* === connecting (ssh_dial.c) === */

struct ssh_dial;

/*
 * Resolve and connect in a thread, with a pause between attempts of `timeout_ms` each; ssh_dial_fd
 * becomes readable when it has ended.
 */
struct ssh_dial *ssh_dial_start(
	const struct ssh_config *config, int timeout_ms, int attempts, struct err *err);
int ssh_dial_fd(const struct ssh_dial *dial);

/* The socket, or -1; and the address that it leads to, or NULL when the name has none. */
int ssh_dial_take(struct ssh_dial *dial, char **address, struct err *err);
void ssh_dial_drop(struct ssh_dial *dial);

/*
 * Run the ProxyCommand (or what ssh_jump_argv says) on a socket pair; returns our end, or -1. With
 * `agent` as its SSH_AUTH_SOCK unless that is NULL.
 */
int ssh_proxy_start(
	const struct ssh_config *config, const char *agent, pid_t *pid, struct err *err);
void ssh_proxy_stop(pid_t pid);

/* === authentication (ssh_auth.c) === */

/* A passphrase, by the path of its key, or a password, by the question that it answers. */
struct ssh_secret {
	char *name;
	char *text;
};

struct ssh_candidate {
	struct ssh_key key; /* path is NULL for a key that only the agent has */
	struct buf blob;    /* as it is offered */
	char *label;        /* for messages */
	bool agent;
	bool unlocked;
	int tries;
};

/* Questions of the server, and the answers of a person. */
struct ssh_talk {
	struct buf info;         /* to be said before the next question */
	int asked, asked_now;    /* in this login; since the last refusal */
	int wrong;               /* refusals */
	bool echo;               /* one of them was answered visibly */
	char *question, *answer; /* the last one */
	char *unanswered;        /* or NULL: nothing more is sent */
};

struct ssh_auth {
	struct ssh_candidate *list;
	size_t n, at;
	bool listed;    /* the server's methods are known */
	bool collected; /* the keys are */
	bool offered;   /* one of them was */
	char *methods;  /* "publickey,password", or NULL */
	size_t over;    /* bits of the methods that are exhausted */
	struct ssh_talk talk;
	bool nobody;       /* a passphrase was not given: a password would not be */
	struct strv with;  /* what was accepted */
	struct strv notes; /* why something was not, a line each */
};

/* What a method has come to. */
enum ssh_login {
	SSH_LOGIN_LATER, /* something has to arrive */
	SSH_LOGIN_DONE,
	SSH_LOGIN_MORE,   /* accepted, but the server wants another method too */
	SSH_LOGIN_AGAIN,  /* refused: try it again */
	SSH_LOGIN_OVER,   /* refused: try the next method */
	SSH_LOGIN_FAILED, /* no method can help any more */
};

/* Why a method did not do. */
void ssh_auth_note(struct ssh *ssh, const char *label, const char *text);

/* An attempt ended with `rc` because the connection has. */
bool ssh_login_ended(const struct ssh *ssh, int rc);

/* === people (ssh_person.c) === */

enum ssh_login ssh_login_interactive(struct ssh *ssh, const char *method);
enum ssh_login ssh_login_password(struct ssh *ssh, const char *method);

/* Ask, where somebody may be asked. The caller's, or NULL. */
char *ssh_ask_person(struct ssh *ssh, const struct ssh_prompt *prompt);
void ssh_talk_reset(struct ssh_talk *talk);

const char *ssh_secret_of(const struct ssh *ssh, const char *name);         /* or NULL; borrowed */
const char *ssh_secret_keep(struct ssh *ssh, const char *name, char *text); /* takes `text` */
void ssh_secret_forget(struct ssh *ssh, const char *name);
void ssh_secrets_free(struct ssh *ssh);

/* === what libssh2 keeps to itself (ssh_overhear.c) === */

enum { SSH_MSG_USERAUTH_FAILURE = 51, SSH_MSG_CHANNEL_OPEN_FAILURE = 92 };

struct ssh_overheard {
	uint8_t wanted; /* type of message, or 0 */
	char *words;    /* the methods that may go on, or why a channel is refused; or NULL */
	bool partial;   /* a login was accepted, as far as it went */
};

/* Forget what was heard, and listen for messages of this type while libssh2 works. */
void ssh_overhear(struct ssh *ssh, uint8_t message);

/* For libssh2_session_init_ex, which gets `ssh` as its abstract. What malloc gave may be freed. */
void *ssh_overhear_alloc(size_t size, void **abstract);
void *ssh_overhear_realloc(void *block, size_t size, void **abstract);
void ssh_overhear_free(void *block, void **abstract);

/* === how large a window a line needs (ssh_flow.c) === */

struct ssh_flow {
	size_t size;             /* of the window, as it was asked for */
	size_t wish;             /* what it should have been; 0: nothing is known */
	uint64_t taken, granted; /* bytes, since the channel is open */
	uint64_t marks[16];      /* `granted` after each grant that is not used up */
	size_t n_marks;
	uint64_t judged; /* `taken` when it was last looked at */
	int64_t since;   /* when that was; 0: not yet */
	int64_t waited;  /* us since then in which the server waited for a grant */
	int64_t dry_at;  /* it does since; 0: no */
};

void ssh_flow_granted(struct ssh_flow *flow, size_t n);
void ssh_flow_took(struct ssh_flow *flow, size_t n, int64_t now); /* clock_us */

/* Nothing is left to take, here or in the socket. */
void ssh_flow_dry(struct ssh_flow *flow, int64_t now);

/* === the two engines === */

enum { SSH_IDLE, SSH_DIALING, SSH_HANDSHAKE, SSH_LOGIN, SSH_SETUP, SSH_UP };

/* What is done with channels. Each is called on a session that is alive; only `free` on any. */
struct ssh_channels {
	void (*pump)(struct ssh *ssh);
	void (*keepalive)(struct ssh *ssh);
	int (*open)(struct ssh *ssh, const char *host, uint16_t port, bool pipes,
		struct ssh_channel **channel, struct err *err);
	ssize_t (*read)(struct ssh_channel *channel, void *data, size_t len);
	ssize_t (*write)(struct ssh_channel *channel, const void *data, size_t len);
	void (*window)(struct ssh_channel *channel, size_t size);
	int (*send_eof)(struct ssh_channel *channel);
	bool (*is_closed)(struct ssh_channel *channel);
	int (*free)(struct ssh_channel *channel);
};

/* What makes a session; the public functions of the same names say what each does. */
struct ssh_engine {
	int (*load)(struct err *err);
	int (*start)(struct ssh *ssh, struct err *err);
	int (*step)(struct ssh *ssh, struct err *err); /* 1: at the next state */
	void (*stop)(struct ssh *ssh);                 /* all but the socket and the buffers */
	int (*fd)(const struct ssh *ssh);
	short (*events)(const struct ssh *ssh);
	void (*io)(struct ssh *ssh, short revents);
	char *(*lost)(struct ssh *ssh); /* why the socket has ended; the caller's */
	void (*patience)(const struct ssh *ssh, int *probe, int *dead);
	const struct ssh_channels *channels;
};

extern const struct ssh_engine ssh_libssh2, ssh_openssh;
extern const struct ssh_channels ssh_libssh2_channels, ssh_mux_channels;

/* For errors of libssh2 that come of what it cannot do. */
#define SSH_OTHER_ENGINE " (\"ssh_engine: openssh\" in the tunnel takes the installed ssh instead)"

#define SSH_REVOKED_NEXT ". Ask whoever runs the server for its new key"

struct ssh {
	const struct ssh_engine *engine;
	struct ssh_options options;
	struct ssh_config config;
	struct strv warnings;
	char *name;
	char *agent; /* in place of SSH_AUTH_SOCK, or NULL */
	int state;
	enum ssh_stage stage;
	char *details[SSH_STAGE_UP]; /* of the stages that are behind, or NULL */
	int fd;
	struct ssh_master *master; /* of the engine openssh, while it runs */
	pid_t proxy;
	struct ssh_dial *dial;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *idle; /* read when no other channel is */
	bool no_idle;          /* the server refused it (MaxSessions 0) */
	bool opening, pumping; /* libssh2 is inside a channel open */
	size_t channels;

	struct buf out;
	size_t out_start;
	char *in;
	size_t in_start, in_end;
	bool readable; /* poll said so, and recv has not yet said otherwise */
	bool end_of_input;
	bool received;
	int64_t last_heard;
	int64_t deadline;

	bool failed;
	char failure[256];
	bool been_up;     /* from now on nobody is asked */
	bool by_person;   /* who logged in with answers: a key alone does not do */
	int64_t quickest; /* open of a channel, in us; 0: none yet (openssh) */

	struct ssh_auth auth;
	struct ssh_secret *secrets;
	size_t n_secrets;
	struct ssh_overheard overheard;
	void *sign_context;
	struct err sign_err;
};

struct ssh_channel {
	struct ssh *ssh;
	struct ssh_flow flow;
	size_t adjusting; /* a grant that libssh2 has begun to send */
	LIBSSH2_CHANNEL *channel;
	struct mux_channel *mux; /* the engine openssh's, */
	struct mux_stdio *stdio; /* one of the two */
};

/* Fill the buffer when it is empty: true when there is something in it. */
bool ssh_fill(struct ssh *ssh);

/* "ED25519": the word people know from ssh for a type of keys. The caller's. */
char *ssh_key_words(const char *type);

/* Seconds for the way to the host key, and how often the first step of it is tried. */
int ssh_connect_timeout(const struct ssh *ssh);
int ssh_attempts(const struct ssh *ssh);

/* The error of an open that the server refused; `why` is what there is to say of the target. */
int ssh_open_refused(const struct ssh *ssh, const char *host, uint16_t port, bool forbidden,
	const char *why, struct err *err);

/* This stage is done: keep what there is to say of it, and be at the next one. Takes `detail`. */
void ssh_passed(struct ssh *ssh, enum ssh_stage stage, char *detail);

/* Remember that the session is dead, and why. */
void ssh_fail(struct ssh *ssh, const char *why);

/*
 * Offer these algorithms of a LIBSSH2_METHOD, those that the library has. (It drops the others by
 * itself, but with a memcpy over itself in 1.10.) -1 when it has none of them.
 */
int ssh_prefer(struct ssh *ssh, int method, const char *names);

/* The ssh configuration leaves this much of a list: nothing that can be used. Returns -1. */
int ssh_nothing_left(const struct ssh *ssh, enum ssh_algorithms list, struct err *err);

/* Before the handshake: offer first what known_hosts has for this host. */
int ssh_hostkey_prefer(struct ssh *ssh, struct err *err);

/* After it: 0 when the key is right or was accepted. */
int ssh_hostkey_check(struct ssh *ssh, struct err *err);

/* 1 logged in, 0 go on later, -1 no way in. */
int ssh_auth_step(struct ssh *ssh, struct err *err);
void ssh_auth_reset(struct ssh_auth *auth);

/* Open the idle channel: 1 done (or refused), 0 later, -1 dead. */
int ssh_idle_open(struct ssh *ssh);

/* Load libssh2 for the file's own list of functions. */
int ssh_auth_load(struct err *err);
int ssh_person_load(struct err *err);
int ssh_hostkey_load(struct err *err);
int ssh_channel_load(struct err *err);

#endif
