/*
 * prober.c - what the server of a tunnel is, for connections that the guard cannot see into.
 *
 * A session of devenv's own, with the user's credentials (role.h), through a channel like any
 * client's: begun when a connection needs it, asked again every few seconds while one that it let
 * pass is open, and ended a minute after.  The libraries block, so a thread has them; the loop
 * hears of it through an eventfd, and never waits.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define FRESH_MS 1000   /* an answer, for one more connection */
#define RECHECK_MS 3000 /* while there are connections */
#define PROOF_MS 10000  /* without another proof they are closed */
#define REFUSED_MS 3000 /* the database will not let us in: so long nobody tries */
#define LOGIN_MS 45000
#define ANSWER_MS 5000
#define IDLE_MS 60000
#define END_S 1 /* for a thread to end that was told to */

/* What the loop and the thread share. */
struct asker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int event;      /* the thread to the loop: look */
	int given;      /* the socket whose bytes go to the database; -1: none new */
	bool ask, stop; /* the loop's words */
	bool answered;  /* the thread's: role or err is new */
	bool ended;     /* and nothing follows */
	bool abandoned; /* the loop waits no longer: the thread frees it */
	struct role role;
	struct err err;
	struct role_login *login;
};

struct prober {
	struct role_login *login;
	struct asker *asker;     /* or NULL */
	struct conn *conn;       /* its way to the database; or NULL */
	bool asking, logging_in; /* a question is under way; and it is the session's first */
	int64_t asked_at;        /* the question under way, or the last one */
	int64_t answered_at;     /* the last answer, or failure */
	int64_t proved_at;       /* when the question was asked whose answer was "a replica" */
	int64_t used_at;
	bool known; /* there is a last word: a failure with err, else role */
	struct role role;
	struct err err;
	struct pollfd *pfd;
};

/* === the thread === */

static void asker_free(struct asker *asker)
{
	cleanup_close(&asker->given);
	cleanup_close(&asker->event);
	role_login_free(asker->login);
	pthread_mutex_destroy(&asker->mutex);
	pthread_cond_destroy(&asker->changed);
	free(asker);
}

/* With the mutex held. */
static void tell_loop(struct asker *asker)
{
	eventfd_write(asker->event, 1);
}

static int give(void *ctx, int fd)
{
	struct asker *asker = ctx;
	bool stop;

	pthread_mutex_lock(&asker->mutex);
	stop = asker->stop;
	cleanup_close(&asker->given);
	asker->given = stop ? -1 : fd;
	tell_loop(asker);
	pthread_mutex_unlock(&asker->mutex);
	if (stop)
		close(fd);
	return stop ? -1 : 0;
}

static void answer(struct asker *asker, const struct role *role, const struct err *err)
{
	pthread_mutex_lock(&asker->mutex);
	asker->role = *role;
	asker->err = *err;
	asker->answered = true;
	tell_loop(asker);
	pthread_mutex_unlock(&asker->mutex);
}

/* Until the next question; false: there will be none. */
static bool next_question(struct asker *asker)
{
	bool stop;

	pthread_mutex_lock(&asker->mutex);
	while (!asker->ask && !asker->stop)
		pthread_cond_wait(&asker->changed, &asker->mutex);
	asker->ask = false;
	stop = asker->stop;
	pthread_mutex_unlock(&asker->mutex);
	return !stop;
}

static void *ask_on(void *arg)
{
	struct asker *asker = arg;
	struct err err = ERR_INIT;
	struct role role = {.lag_s = -1};
	struct role_session *session = role_connect(asker->login, give, asker, &err);
	bool abandoned;

	if (session)
		role_ask(session, &role, &err);
	answer(asker, &role, &err);
	while (!err.kind && next_question(asker)) {
		role_ask(session, &role, &err);
		answer(asker, &role, &err);
	}
	role_close(session);
	pthread_mutex_lock(&asker->mutex);
	asker->ended = true;
	abandoned = asker->abandoned;
	pthread_cond_broadcast(&asker->changed);
	pthread_mutex_unlock(&asker->mutex);
	if (abandoned)
		asker_free(asker);
	return NULL;
}

/* Signals are the loop's. */
static void start_thread(struct asker *asker)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&asker->thread, NULL, ask_on, asker) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* === the loop's side of it === */

static void start(struct prober *prober)
{
	struct asker *asker = xcalloc(1, sizeof(*asker));

	pthread_mutex_init(&asker->mutex, NULL);
	pthread_cond_init(&asker->changed, NULL);
	asker->given = -1;
	asker->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	asker->login = role_login_copy(prober->login);
	prober->asker = asker;
	start_thread(asker);
}

/* It ends as soon as its library has noticed that the socket is closed; a stuck one is left. */
static void stop(struct prober *prober)
{
	struct asker *asker = TAKE(prober->asker);
	struct timespec until;
	bool ended;

	if (!asker)
		return;
	if (prober->conn)
		conn_reset(prober->conn);
	prober->conn = NULL;
	prober->pfd = NULL;
	prober->asking = false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	pthread_mutex_lock(&asker->mutex);
	asker->stop = true;
	cleanup_close(&asker->given);
	pthread_cond_broadcast(&asker->changed);
	while (!asker->ended && pthread_cond_timedwait(&asker->changed, &asker->mutex, &until) == 0)
		;
	ended = asker->ended;
	asker->abandoned = !ended;
	if (!ended)
		pthread_detach(asker->thread);
	pthread_mutex_unlock(&asker->mutex);
	if (!ended)
		return;
	pthread_join(asker->thread, NULL);
	asker_free(asker);
}

static void ask(struct prober *prober)
{
	prober->asking = true;
	prober->logging_in = !prober->asker;
	prober->asked_at = clock_ms();
	if (!prober->asker) {
		start(prober);
		return;
	}
	pthread_mutex_lock(&prober->asker->mutex);
	prober->asker->ask = true;
	pthread_cond_broadcast(&prober->asker->changed);
	pthread_mutex_unlock(&prober->asker->mutex);
}

static struct prober *prober_of(struct listener *listener)
{
	const struct tunnel_spec *spec = listener->spec;
	const struct role_login login = {.engine = spec->guard,
		.user = spec->user,
		.database = spec->database,
		.port = listener->port};

	if (!listener->prober) {
		listener->prober = xcalloc(1, sizeof(*listener->prober));
		listener->prober->login = role_login_copy(&login);
	}
	return listener->prober;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	stop(prober);
	role_login_free(prober->login);
	free(prober);
}

void prober_prove(struct listener *listener, const struct role_login *login)
{
	struct prober *prober = prober_of(listener);
	struct role_login *before = prober->login, full = *login;

	if (!full.engine)
		full.engine = listener->spec->guard;
	if (!full.user)
		full.user = listener->spec->user;
	if (!full.database)
		full.database = listener->spec->database;
	if (!full.port)
		full.port = listener->port;
	if (!full.password && str_eq(full.user, before->user))
		full.password = before->password;
	stop(prober);
	prober->login = role_login_copy(&full);
	role_login_free(before);
	prober->known = false;
	prober->used_at = clock_ms();
	ask(prober);
}

const struct role *prober_word(const struct prober *prober, const struct err **err)
{
	*err = NULL;
	if (!prober || prober->asking || !prober->known)
		return NULL;
	*err = prober->err.kind ? &prober->err : NULL;
	return *err ? NULL : &prober->role;
}

/* === the connections === */

static bool fresh(const struct prober *prober)
{
	int64_t lasts = FRESH_MS;

	if (prober->err.kind)
		lasts = prober->err.os == EKEYREJECTED || prober->err.os == ECANCELED ? REFUSED_MS
										      : 0;
	return prober->known && clock_ms() - prober->answered_at < lasts;
}

static void settle(struct loop *loop, struct conn *conn, const struct prober *prober)
{
	enum guard_proof proof = prober->err.kind       ? PROOF_NONE
				 : prober->role.replica ? PROOF_REPLICA
							: PROOF_WRITER;

	conn_settle(loop, conn, proof, prober->err.kind ? prober->err.msg : NULL);
}

void prober_wanted(struct loop *loop, struct conn *conn)
{
	struct prober *prober = prober_of(conn->listener);

	prober->used_at = clock_ms();
	if (!prober->asking && fresh(prober))
		settle(loop, conn, prober);
	else if (!prober->asking)
		ask(prober);
}

static bool any_proved(const struct loop *loop, const struct listener *listener)
{
	for (const struct conn *conn = loop->conns; conn; conn = conn->next)
		if (conn->listener == listener && conn->proved && conn->state == CONN_OPEN)
			return true;
	return false;
}

static void settle_hidden(struct loop *loop, struct listener *listener)
{
	for (struct conn *conn = loop->conns; conn; conn = conn->next)
		if (conn->listener == listener && conn->state == CONN_OPEN && conn->guard &&
			conn->guard->verdict == GUARD_HIDDEN)
			settle(loop, conn, listener->prober);
}

/* There is a new word: what does it mean to those that wait, and to those that passed? */
static void judge(struct loop *loop, struct listener *listener)
{
	struct prober *prober = listener->prober;

	prober->known = true;
	prober->asking = false;
	prober->answered_at = clock_ms();
	if (!prober->err.kind && prober->role.replica)
		prober->proved_at = prober->asked_at;
	settle_hidden(loop, listener);
	if (!prober->err.kind && !prober->role.replica && any_proved(loop, listener))
		conn_promoted(loop, listener);
}

/* There was no answer. A session that had stood may have been closed meanwhile: a new one tells. */
static void failed(struct loop *loop, struct listener *listener)
{
	struct prober *prober = listener->prober;
	bool stood = !prober->logging_in;

	stop(prober);
	if (stood)
		ask(prober);
	else
		judge(loop, listener);
}

static void take_socket(struct loop *loop, struct listener *listener, int fd)
{
	struct prober *prober = listener->prober;

	prober->conn = conn_new(loop, listener, fd);
	prober->conn->asks = true;
	guard_free(TAKE(prober->conn->guard));
	link_wanted(listener->link);
}

static void hear(struct loop *loop, struct listener *listener)
{
	struct prober *prober = listener->prober;
	struct asker *asker = prober->asker;
	bool answered;
	eventfd_t n;
	int fd;

	prober->pfd = NULL;
	eventfd_read(asker->event, &n);
	pthread_mutex_lock(&asker->mutex);
	fd = asker->given;
	asker->given = -1;
	answered = asker->answered;
	asker->answered = false;
	if (answered) {
		prober->role = asker->role;
		prober->err = asker->err;
	}
	pthread_mutex_unlock(&asker->mutex);
	if (fd >= 0)
		take_socket(loop, listener, fd);
	if (answered && prober->err.kind)
		failed(loop, listener);
	else if (answered)
		judge(loop, listener);
}

static int64_t answer_deadline(const struct prober *prober)
{
	return prober->asked_at + (prober->logging_in ? LOGIN_MS : ANSWER_MS);
}

int64_t prober_deadline(const struct loop *loop, const struct listener *listener)
{
	const struct prober *prober = listener->prober;
	bool proved = prober && any_proved(loop, listener);
	int64_t proof_ends, next;

	if (!prober || (!prober->asker && !proved))
		return -1;
	if (prober->asking)
		next = answer_deadline(prober);
	else if (proved)
		next = prober->answered_at + (prober->err.kind ? FRESH_MS : RECHECK_MS);
	else
		next = prober->used_at + IDLE_MS;
	proof_ends = prober->proved_at + PROOF_MS;
	return proved && proof_ends < next ? proof_ends : next;
}

static void expired(struct loop *loop, struct listener *listener)
{
	struct prober *prober = listener->prober;
	int64_t now = clock_ms();
	bool proved = any_proved(loop, listener);

	if (proved && now >= prober->proved_at + PROOF_MS) {
		conn_unproved(loop, listener,
			prober->err.kind ? prober->err.msg : "the database does not answer");
	} else if (prober->asking) {
		err_set(&prober->err, ERR_TUNNEL, "the database does not answer");
		failed(loop, listener);
	} else if (proved) {
		prober->used_at = now;
		ask(prober);
	} else {
		stop(prober);
		prober->known = false;
	}
}

bool prober_step(struct loop *loop, struct listener *listener)
{
	struct prober *prober = listener->prober;
	bool moved = prober && prober->pfd && prober->pfd->revents;
	int64_t deadline;

	if (moved)
		hear(loop, listener);
	deadline = prober_deadline(loop, listener);
	if (deadline < 0 || clock_ms() < deadline)
		return moved;
	expired(loop, listener);
	return true;
}

void prober_lost(struct conn *conn)
{
	struct prober *prober = conn->listener->prober;

	if (prober && prober->conn == conn)
		prober->conn = NULL;
}

struct pollfd *prober_watch(struct prober *prober, struct pollfd *at)
{
	if (prober)
		prober->pfd = prober->asker ? loop_watch(&at, prober->asker->event, POLLIN) : NULL;
	return at;
}
