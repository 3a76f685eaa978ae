/*
 * ssh_libssh2.c - the engine that is built in: libssh2 on our own socket.
 *
 * The queue behind SEND takes every packet whole and at once.  A packet that libssh2 believes
 * half-sent is what kills sessions on 1.10 (error -39) and deadlocks rekeying on every release up
 * to 1.11.1.
 */
#include "ssh_session.h"

#include "devenv/clock.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SSH2_FUNCTIONS(X) \
	X(libssh2_init) \
	X(libssh2_session_init_ex) \
	X(libssh2_session_callback_set) \
	X(libssh2_session_set_blocking) \
	X(libssh2_session_flag) \
	X(libssh2_session_handshake) \
	X(libssh2_session_disconnect_ex) \
	X(libssh2_session_free) \
	X(libssh2_session_last_error) \
	X(libssh2_version)
#define LAZY_STRUCT ssh2
LAZY_LIBRARY(ssh2, LAZY_SSH2, SSH2_FUNCTIONS)

#define PROBE_AFTER_S 5
#define DEAD_AFTER_S 14
#define FREE_TRIES 16

/* Strong and without CBC; GCM, ChaCha and EtM are left out: broken in unpatched 1.11. */
static const struct {
	int method;
	enum ssh_algorithms list;
	const char *names;
} preferences[] = {
	{LIBSSH2_METHOD_KEX, SSH_KEX,
		"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
		"ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,"
		"diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256,"
		"diffie-hellman-group14-sha256"},
	{LIBSSH2_METHOD_CRYPT_CS, SSH_CIPHERS, "aes128-ctr,aes192-ctr,aes256-ctr"},
	{LIBSSH2_METHOD_CRYPT_SC, SSH_CIPHERS, "aes128-ctr,aes192-ctr,aes256-ctr"},
	{LIBSSH2_METHOD_MAC_CS, SSH_MACS, "hmac-sha2-256,hmac-sha2-512"},
	{LIBSSH2_METHOD_MAC_SC, SSH_MACS, "hmac-sha2-256,hmac-sha2-512"},
};

/* === libssh2's view of the socket === */

static ssize_t take_from_buffer(struct ssh *ssh, void *data, size_t len)
{
	size_t have = ssh->in_end - ssh->in_start;

	if (len > have)
		len = have;
	memcpy(data, ssh->in + ssh->in_start, len);
	ssh->in_start += len;
	ssh->received = true;
	return (ssize_t)len;
}

static ssize_t receive_callback(
	libssh2_socket_t fd, void *data, size_t len, int flags, void **abstract)
{
	struct ssh *ssh = *abstract;

	/*
	 * One bufferful a round, so that clients can take it: libssh2 would put all that there is
	 * into its list of packets, and read them again when their memory has gone cold.
	 */
	if (ssh->state == SSH_UP && ssh->received && ssh->in_start == ssh->in_end)
		return -EAGAIN;
	if (ssh_fill(ssh))
		return take_from_buffer(ssh, data, len);
	return ssh->end_of_input ? 0 : -EAGAIN;
}

static ssize_t send_callback(
	libssh2_socket_t fd, const void *data, size_t len, int flags, void **abstract)
{
	struct ssh *ssh = *abstract;

	if (ssh->auth.talk.unanswered) /* libssh2 would answer with nothing */
		return (ssize_t)len;
	return buf_add(&ssh->out, data, len) == 0 ? (ssize_t)len : -ENOBUFS;
}

/* === life === */

static int load_libraries(struct err *err)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static bool ready;
	int rc;

	if (ssh2_load(err) < 0 || ssh_auth_load(err) < 0 || ssh_person_load(err) < 0 ||
		ssh_hostkey_load(err) < 0 || ssh_channel_load(err) < 0)
		return -1;
	pthread_mutex_lock(&mutex);
	if (!ready)
		crypto_ctr_ahead();
	rc = ready ? 0 : ssh2.libssh2_init(0);
	ready = rc == 0;
	pthread_mutex_unlock(&mutex);
	return rc ? err_set(err, ERR_TUNNEL, "libssh2 does not start") : 0;
}

static void libssh2_stop(struct ssh *ssh)
{
	if (ssh->dial)
		ssh_dial_drop(ssh->dial);
	ssh->dial = NULL;
	if (ssh->session) {
		if (ssh_alive(ssh)) {
			ssh2.libssh2_session_disconnect_ex(ssh->session, 11, "bye", "");
			ssh_flush(ssh);
		}
		/* Whatever it still wants to read is at its end, now and not in another round. */
		ssh->in_start = ssh->in_end = 0;
		ssh->end_of_input = true;
		ssh->received = false;
		for (int i = 0; i < FREE_TRIES; i++) {
			if (ssh2.libssh2_session_free(ssh->session) != LIBSSH2_ERROR_EAGAIN)
				break;
		}
	}
	ssh->session = NULL;
	ssh->idle = NULL;
	ssh_proxy_stop(ssh->proxy);
	ssh->proxy = 0;
	ssh_auth_reset(&ssh->auth);
	ssh->channels = 0;
	ssh->no_idle = ssh->opening = ssh->pumping = false;
}

static int libssh2_start(struct ssh *ssh, struct err *err)
{
	if (ssh->config.proxy_command || ssh->config.proxy_jump) {
		ssh->fd = ssh_proxy_start(&ssh->config, ssh->agent, &ssh->proxy, err);
		return ssh->fd < 0 ? -1 : 0;
	}
	ssh->dial = ssh_dial_start(
		&ssh->config, ssh_connect_timeout(ssh) * 1000, ssh_attempts(ssh), err);
	return ssh->dial ? 0 : -1;
}

static void tune_socket(int fd)
{
	int on = 1, dead_ms = DEAD_AFTER_S * 1000;

	/* Both fail on a proxy's socket pair, where they mean nothing. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
}

static void set_callback(LIBSSH2_SESSION *session, int which, void (*function)(void))
{
	void *pointer;

	memcpy(&pointer, &function, sizeof(pointer));
	ssh2.libssh2_session_callback_set(session, which, pointer);
}

/* Broken in unpatched libssh2 1.11. */
static bool is_unsafe(const char *name)
{
	return strstr(name, "-gcm@") || strstr(name, "-etm@") || str_starts(name, "chacha20-");
}

/* In the configuration's own order, where that has one. */
static int prefer(struct ssh *ssh, size_t i, struct err *err)
{
	const char *set = ssh->config.algorithms[preferences[i].list];
	autostrv struct strv words = STRV_INIT, sound = STRV_INIT;
	autofree char *names = NULL;

	strv_split(&words, set ? set : preferences[i].names, ',');
	for (size_t k = 0; k < words.n; k++)
		if (!is_unsafe(words.v[k]))
			strv_push(&sound, words.v[k]);
	names = strv_join(&sound, ",");
	if (ssh_prefer(ssh, preferences[i].method, names) == 0)
		return 0;
	if (set)
		return ssh_nothing_left(ssh, preferences[i].list, err);
	return err_set(err, ERR_TUNNEL, "libssh2 %s lacks %s", ssh2.libssh2_version(0), names);
}

static int begin_session(struct ssh *ssh, struct err *err)
{
	tune_socket(ssh->fd);
	ssh->session = ssh2.libssh2_session_init_ex(
		ssh_overhear_alloc, ssh_overhear_free, ssh_overhear_realloc, ssh);
	if (!ssh->session)
		return err_set(err, ERR_TUNNEL, "libssh2 cannot make a session");
	ssh2.libssh2_session_set_blocking(ssh->session, 0);
	set_callback(ssh->session, LIBSSH2_CALLBACK_SEND, (void (*)(void))send_callback);
	set_callback(ssh->session, LIBSSH2_CALLBACK_RECV, (void (*)(void))receive_callback);
	ssh2.libssh2_session_flag(ssh->session, LIBSSH2_FLAG_COMPRESS, ssh->config.compression);
	for (size_t i = 0; i < ARRAY_LEN(preferences); i++)
		if (prefer(ssh, i, err) < 0)
			return -1;
	return ssh_hostkey_prefer(ssh, err);
}

/* === from a name to a login === */

static int step_dial(struct ssh *ssh, struct err *err)
{
	autofree char *address = NULL;

	if (ssh->dial) {
		struct pollfd pfd = {.fd = ssh_dial_fd(ssh->dial), .events = POLLIN};

		if (poll(&pfd, 1, 0) <= 0)
			return 0;
		ssh->fd = ssh_dial_take(TAKE(ssh->dial), &address, err);
		if (address)
			ssh_passed(ssh, SSH_STAGE_NAME, TAKE(address));
		if (ssh->fd < 0)
			return -1;
		ssh_passed(ssh, SSH_STAGE_TCP, xasprintf("port %u", ssh->config.port));
	} else {
		ssh_passed(ssh, SSH_STAGE_NAME, xstrdup("left to the proxy"));
		ssh_passed(ssh, SSH_STAGE_TCP,
			xasprintf("through %s",
				ssh->config.proxy_jump ? ssh->config.proxy_jump : "ProxyCommand"));
	}
	if (begin_session(ssh, err) < 0)
		return -1;
	if (ssh_attempts(ssh) > 1)
		ssh->deadline = clock_ms() + (int64_t)ssh_connect_timeout(ssh) * 1000;
	ssh->state = SSH_HANDSHAKE;
	return 1;
}

/* "Ciphers, MACs": what may be why there is no common algorithm. The caller's. */
static char *lists_set(const struct ssh *ssh)
{
	autostrv struct strv names = STRV_INIT;

	for (int i = 0; i < SSH_ALGORITHMS; i++)
		if (i != SSH_USER_KEYS && ssh->config.algorithms[i])
			strv_push(&names, ssh_algorithms_keyword(i));
	return strv_join(&names, ", ");
}

static int no_common_algorithm(const struct ssh *ssh, struct err *err)
{
	autofree char *lists = lists_set(ssh);

	if (*lists)
		return err_set(err, ERR_TUNNEL,
			"%s has nothing that libssh2 %s has too and the ssh configuration allows "
			"(its %s)" SSH_OTHER_ENGINE,
			ssh->name, ssh2.libssh2_version(0), lists);
	return err_set(err, ERR_TUNNEL,
		"%s and libssh2 %s have no algorithm in common" SSH_OTHER_ENGINE "%s", ssh->name,
		ssh2.libssh2_version(0),
		ssh2.libssh2_version(0x010b00)
			? ""
			: ". If the server has only an RSA host key, it may get an ed25519 one "
			  "instead (\"ssh-keygen -A\" and a restart of sshd): this libssh2 cannot "
			  "check rsa-sha2 signatures");
}

static int handshake_failed(struct ssh *ssh, int rc, struct err *err)
{
	char *text = NULL;

	ssh2.libssh2_session_last_error(ssh->session, &text, NULL, 0);
	if (rc == LIBSSH2_ERROR_KEX_FAILURE)
		return no_common_algorithm(ssh, err);
	if (ssh->end_of_input && ssh->proxy)
		return err_set(
			err, ERR_TUNNEL, "the proxy to %s ended before ssh answered", ssh->name);
	if (ssh->end_of_input)
		return err_set(err, ERR_TUNNEL,
			"%s closed the connection before ssh was set up (is it an ssh server?)",
			ssh->name);
	return err_set(
		err, ERR_TUNNEL, "ssh handshake with %s: %s", ssh->name, text ? text : "failed");
}

static int step_handshake(struct ssh *ssh, struct err *err)
{
	int rc = ssh2.libssh2_session_handshake(ssh->session, ssh->fd);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (rc != 0)
		return handshake_failed(ssh, rc, err);
	if (ssh_hostkey_check(ssh, err) < 0)
		return -1;
	ssh->deadline = clock_ms() + SSH_LOGIN_TIMEOUT_MS;
	ssh->state = SSH_LOGIN;
	return 1;
}

static int step_login(struct ssh *ssh, struct err *err)
{
	int rc = ssh_auth_step(ssh, err);

	if (rc == 1)
		ssh->state = SSH_SETUP;
	return rc;
}

static int step_setup(struct ssh *ssh, struct err *err)
{
	int rc = ssh_idle_open(ssh);

	if (rc < 0)
		return err_set(err, ERR_TUNNEL, "%s: %s", ssh->name, ssh_failure(ssh));
	if (rc == 1) {
		ssh->state = SSH_UP;
		ssh_auth_reset(&ssh->auth);
	}
	return rc;
}

static int libssh2_step(struct ssh *ssh, struct err *err)
{
	switch (ssh->state) {
	case SSH_DIALING:
		return step_dial(ssh, err);
	case SSH_HANDSHAKE:
		return step_handshake(ssh, err);
	case SSH_LOGIN:
		return step_login(ssh, err);
	default:
		return step_setup(ssh, err);
	}
}

/* === for the poll loop === */

static int libssh2_fd(const struct ssh *ssh)
{
	return ssh->dial ? ssh_dial_fd(ssh->dial) : ssh->fd;
}

static short libssh2_events(const struct ssh *ssh)
{
	return (short)(POLLIN | (!ssh->dial && ssh_queued(ssh) ? POLLOUT : 0));
}

static void libssh2_io(struct ssh *ssh, short revents)
{
	if (ssh->dial || ssh->fd < 0)
		return;
	ssh_flush(ssh);
	if (revents & (POLLIN | POLLHUP | POLLERR)) {
		ssh->readable = true;
		ssh_fill(ssh);
	}
}

static char *libssh2_lost(struct ssh *ssh)
{
	return xstrdup("the server closed the connection");
}

static void libssh2_patience(const struct ssh *ssh, int *probe, int *dead)
{
	int interval = ssh->config.alive_interval;
	int count = ssh->config.alive_count > 0 ? ssh->config.alive_count : 3;

	*probe = interval > 0 ? interval : PROBE_AFTER_S;
	*dead = interval > 0 ? interval * (count + 1) : DEAD_AFTER_S;
}

const struct ssh_engine ssh_libssh2 = {
	.load = load_libraries,
	.start = libssh2_start,
	.step = libssh2_step,
	.stop = libssh2_stop,
	.fd = libssh2_fd,
	.events = libssh2_events,
	.io = libssh2_io,
	.lost = libssh2_lost,
	.patience = libssh2_patience,
	.channels = &ssh_libssh2_channels,
};
