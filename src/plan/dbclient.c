/* dbclient.c - words, password and stdin of a client in a container (dbclient.h). */
#include "dbclient.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBE_MS 10000
#define PIECE 65536
#define SECRET_MAX 4096

/* Of what the client says on stderr: the end tells most. */
#define COMPLAINT_MAX 4096

/* === who it is === */

/* NAME of the environment, or what the file that NAME_FILE names holds. The caller's, or NULL. */
static char *value_of(const struct dbclient *client, const json_t *env, const char *name)
{
	autofree char *by_file = xasprintf("%s_FILE", name);
	const char *plain = datadir_env(env, name), *path = datadir_env(env, by_file);
	const char *const argv[] = {"cat", path, NULL};
	struct buf text = BUF_INIT(SECRET_MAX);
	struct err ignored = ERR_INIT;
	char *value;
	int status;

	if (plain || !path)
		return xstrdup(plain);
	if (container_exec_output(client->engine, client->container, argv, PROBE_MS, &text, &status,
		    &ignored) < 0 ||
		status != 0) {
		buf_release(&text);
		return NULL;
	}
	value = buf_detach(&text);
	value[strcspn(value, "\r\n")] = '\0';
	return value;
}

/* The first of two names that is set. */
static char *either(
	const struct dbclient *client, const json_t *env, const char *one, const char *other)
{
	char *value = value_of(client, env, one);

	return value ? value : value_of(client, env, other);
}

/* Is the program in the container? */
static bool has_program(const struct dbclient *client, const char *program)
{
	const char *const argv[] = {program, "--version", NULL};
	struct err ignored = ERR_INIT;
	int status = 1;

	return container_exec_output(client->engine, client->container, argv, PROBE_MS, NULL,
		       &status, &ignored) == 0 &&
	       status == 0;
}

static void find_mysql(struct dbclient *client, const json_t *env)
{
	bool mariadb = client->kind == DATADIR_MARIADB;

	client->program = mariadb && has_program(client, "mariadb") ? "mariadb" : "mysql";
	client->user = xstrdup("root");
	client->password = either(client, env, "MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD");
	client->database = either(client, env, "MARIADB_DATABASE", "MYSQL_DATABASE");
	/* Nobody knows root's password then. */
	if (!client->password && (datadir_env(env, "MARIADB_RANDOM_ROOT_PASSWORD") ||
					 datadir_env(env, "MYSQL_RANDOM_ROOT_PASSWORD") ||
					 datadir_env(env, "MARIADB_ROOT_PASSWORD_HASH"))) {
		free(client->user);
		client->user = either(client, env, "MARIADB_USER", "MYSQL_USER");
		client->password = either(client, env, "MARIADB_PASSWORD", "MYSQL_PASSWORD");
	}
}

static void find_postgres(struct dbclient *client, const json_t *env)
{
	client->program = "psql";
	client->user = value_of(client, env, "POSTGRES_USER");
	if (!client->user)
		client->user = xstrdup("postgres");
	client->password = value_of(client, env, "POSTGRES_PASSWORD");
	client->database = value_of(client, env, "POSTGRES_DB");
	if (!client->database)
		client->database = xstrdup(client->user);
}

int dbclient_find(
	struct engine *engine, const char *container, struct dbclient *client, struct err *err)
{
	autojson json_t *inspect = NULL;
	struct datadir_server server;
	const json_t *env;

	*client = (struct dbclient){.engine = engine, .container = xstrdup(container)};
	if (container_inspect(engine, container, &inspect, err) < 0)
		return -1;
	env = json_at(inspect, "Config", "Env", NULL);
	datadir_server_from_env(env, &server);
	client->kind = server.kind;
	datadir_server_release(&server);
	if (client->kind == DATADIR_OPAQUE)
		return err_set(err, ERR_SNAPSHOT,
			"image %s is of no database that devenv knows: its environment has none of "
			"MARIADB_VERSION, MYSQL_VERSION, PG_MAJOR and PGDATA",
			json_str(json_object_get(inspect, "Config"), "Image"));
	if (client->kind == DATADIR_POSTGRES)
		find_postgres(client, env);
	else
		find_mysql(client, env);
	return 0;
}

void dbclient_release(struct dbclient *client)
{
	free(client->container);
	free(client->user);
	free(client->password);
	free(client->database);
	*client = (struct dbclient){0};
}

/* === its words === */

static void make_words(const struct dbclient *client, const struct dbclient_run *run,
	struct strv *argv, struct strv *env)
{
	strv_push(argv, run->program ? run->program : client->program);
	if (client->kind == DATADIR_POSTGRES) {
		strv_pushf(env, "PGUSER=%s", client->user);
		strv_pushf(env, "PGPASSWORD=%s", client->password ? client->password : "");
		strv_pushf(env, "PGDATABASE=%s", run->database ? run->database : "postgres");
		/* Of the service's environment, for its own use: here the server is at home. */
		strv_push(env, "PGHOST=");
		strv_push(env, "PGPORT=");
		strv_push(env, "PGOPTIONS=");
	} else {
		strv_push(argv, "--host=localhost");
		if (client->password)
			strv_pushf(env, "MYSQL_PWD=%s", client->password);
		if (client->user)
			strv_pushf(argv, "--user=%s", client->user);
		if (run->database)
			strv_pushf(argv, "--database=%s", run->database);
	}
	for (size_t i = 0; run->argv && run->argv[i]; i++)
		strv_push(argv, run->argv[i]);
}

/* === running it === */

struct running {
	const struct dbclient_run *run;
	int to;                /* its stdin, as far as we hold it */
	struct err err;        /* of the reader */
	struct buf complaints; /* stderr */
};

/* A client that ended early closes the pipe: the rest is not wanted. */
static void *feed_main(void *arg)
{
	struct running *running = arg;
	autofree char *piece = xmalloc(PIECE);
	ssize_t n;

	do
		n = running->run->read(running->run->ctx, piece, PIECE, &running->err);
	while (n > 0 && fs_write_all(running->to, piece, (size_t)n) == 0);
	cleanup_close(&running->to);
	return NULL;
}

static int on_output(void *ctx, int stream, const char *data, size_t len)
{
	struct running *running = ctx;
	struct buf *out = running->run->out, *complaints = &running->complaints;

	if (stream == 2) {
		size_t take = len < COMPLAINT_MAX ? len : COMPLAINT_MAX;

		if (complaints->len + take > COMPLAINT_MAX)
			buf_consume(complaints, complaints->len + take - COMPLAINT_MAX);
		buf_add(complaints, data + len - take, take);
		return 0;
	}
	return out && buf_add(out, data, len) < 0 ? -1 : 0;
}

static int judge(
	const struct dbclient *client, const struct running *running, int status, struct err *err)
{
	const char *name = running->run->program ? running->run->program : client->program;
	autofree char *text = xstrdup(buf_str(&running->complaints));
	const char *said = str_trim(text), *error = strstr(said, "ERROR");

	if (running->err.kind) {
		*err = running->err;
		return -1;
	}
	if (signals_pending())
		return err_set(err, ERR_CANCELLED, "interrupted");
	if (running->run->out && running->run->out->overflow)
		return err_set(err, ERR_SNAPSHOT, "%s: its answer is too long", name);
	if (status == 0)
		return 0;
	/* Notices may come before it; psql and pg_restore say more in front of it on its line. */
	while (error && error > said && error[-1] != '\n')
		error--;
	if (error)
		said = error;
	return err_set(err, ERR_SNAPSHOT, "%s%s", *said ? "" : name,
		*said ? said : " failed without a word");
}

int dbclient_run(const struct dbclient *client, const struct dbclient_run *run, struct err *err)
{
	autostrv struct strv argv = STRV_INIT, env = STRV_INIT;
	struct running running = {.run = run, .to = -1, .complaints = BUF_INIT(COMPLAINT_MAX)};
	struct stream_io io = {.in = -1,
		.out = -1,
		.errfd = -1,
		.on_data = on_output,
		.ctx = &running,
		.cancel_fd = signals_fd()};
	int pipe_fds[2] = {-1, -1}, status = -1, result;
	pthread_t thread;

	make_words(client, run, &argv, &env);
	if (run->read && pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_os(err, ERR_FAILED, errno, "make a pipe");
	io.in = pipe_fds[0];
	running.to = pipe_fds[1];
	if (run->read)
		signals_thread(&thread, feed_main, &running);
	result = container_exec(client->engine, client->container,
		&(struct exec_spec){
			.argv = (const char *const *)argv.v, .env = (const char *const *)env.v},
		&io, &status, err);
	cleanup_close(&pipe_fds[0]);
	if (run->read)
		pthread_join(thread, NULL);
	if (result == 0)
		result = judge(client, &running, status, err);
	buf_release(&running.complaints);
	return result;
}

/* === questions === */

struct text {
	const char *at;
	size_t left;
};

static ssize_t read_text(void *ctx, void *data, size_t len, struct err *err)
{
	struct text *text = ctx;
	size_t n = text->left < len ? text->left : len;

	memcpy(data, text->at, n);
	text->at += n;
	text->left -= n;
	return (ssize_t)n;
}

int dbclient_ask(const struct dbclient *client, const char *database, const char *sql,
	struct buf *out, struct err *err)
{
	static const char *const mysql[] = {"--batch", "--raw", "--skip-column-names", NULL};
	static const char *const postgres[] = {
		"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", NULL};
	struct text text = {sql, strlen(sql)};

	return dbclient_run(client,
		&(struct dbclient_run){.argv = client->kind == DATADIR_POSTGRES ? postgres : mysql,
			.database = database,
			.read = read_text,
			.ctx = &text,
			.out = out},
		err);
}

int dbclient_answers(const struct dbclient *client, struct err *err)
{
	const char *const mysql[] = {client->program, "--host=127.0.0.1", "--protocol=tcp",
		"--user=devenv", "--connect-timeout=2", "--execute=SELECT 1", NULL};
	const char *const postgres[] = {"pg_isready", "--host=127.0.0.1", "--timeout=2", NULL};
	autobuf struct buf text = BUF_INIT(PIECE);
	int status = 1;

	if (container_exec_output(client->engine, client->container,
		    client->kind == DATADIR_POSTGRES ? postgres : mysql, PROBE_MS, &text, &status,
		    err) < 0)
		return -1;
	/* A user that is not let in was answered, too. */
	return status == 0 ||
	       (client->kind != DATADIR_POSTGRES && strstr(buf_str(&text), "(28000)"));
}
