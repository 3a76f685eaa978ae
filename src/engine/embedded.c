/*
 * embedded.c - devenv's own engine: `podman system service` with everything private.
 *
 * For machines without Docker.  Its root, storage, configuration and socket are devenv's own, so
 * that it neither sees nor disturbs what the user does with podman.  It runs until `devenv engine
 * stop`.
 */
#include "engine_priv.h"

#include "embedded.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/lock.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define READY_WITHIN_MS 20000
#define ENDED_WITHIN_MS 15000
#define LOCK_WITHIN_MS 30000
#define LOG_LINES 8
#define LOG_MAX ((size_t)4 << 20)

char *embedded_root(void)
{
	const char *chosen = getenv("DEVENV_ENGINE_ROOT");
	autofree char *state = NULL;

	if (!str_empty(chosen))
		return path_absolute(NULL, chosen);
	state = fs_state_dir();
	return path_join(state, "engine");
}

/*
 * A socket's path has 107 bytes at most: a long runtime folder is replaced by a short one in /tmp.
 */
static char *embedded_socket(void)
{
	const char *chosen = getenv("DEVENV_ENGINE_ROOT");
	autofree char *dir = str_empty(chosen) ? fs_runtime_dir() : embedded_root();
	autofree char *path = path_join(dir, "engine.sock");

	if (strlen(path) <= SOCKET_PATH_MAX)
		return TAKE(path);
	return embedded_short_socket(path);
}

char *embedded_host(void)
{
	autofree char *socket = embedded_socket();

	return xasprintf("unix://%s", socket);
}

/* Only in a folder of our own: in /tmp somebody else could listen in our name. */
static bool service_answers(const char *socket)
{
	autofree char *dir = path_dirname(socket);
	autofree char *host = xasprintf("unix://%s", socket);
	struct stat status;

	return lstat(dir, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       engine_answers(host);
}

enum embedded_state embedded_status(char **socket, char **root)
{
	autofree char *podman = proc_find("podman");
	autofree char *path = embedded_socket();

	if (socket)
		*socket = xstrdup(path);
	if (root)
		*root = embedded_root();
	if (!podman)
		return EMBEDDED_ABSENT;
	return service_answers(path) ? EMBEDDED_RUNNING : EMBEDDED_STOPPED;
}

/* === starting === */

/* What the service said last, for the error. */
static void add_log(const char *root, struct err *err)
{
	autofree char *path = path_join(root, "service.log");
	autobuf struct buf text = BUF_INIT(LOG_MAX);
	autostrv struct strv lines = STRV_INIT;
	struct err ignored = ERR_INIT;

	if (fs_read(path, &text, ERR_ENGINE, &ignored) < 0)
		return;
	strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = lines.n > LOG_LINES ? lines.n - LOG_LINES : 0; i < lines.n; i++)
		err_hint(err, "\n  %s", lines.v[i]);
}

/* A pid file tells whom to stop; a pid that is another program's by now is never signalled. */
static pid_t service_pid(const char *root)
{
	autofree char *path = path_join(root, "service.pid");
	autobuf struct buf text = BUF_INIT(64), line = BUF_INIT(65536);
	autofree char *command = NULL;
	struct err ignored = ERR_INIT;
	uint64_t pid;

	if (fs_read(path, &text, ERR_ENGINE, &ignored) < 0 ||
		!parse_u64(str_trim(text.data ? text.data : (char[]){""}), 2, INT32_MAX, &pid))
		return 0;
	command = xasprintf("/proc/%d/cmdline", (int)pid);
	if (fs_read(command, &line, ERR_ENGINE, &ignored) < 0)
		return 0;
	for (size_t i = 0; i + 1 < line.len; i++)
		if (!line.data[i])
			line.data[i] = ' ';
	return strstr(buf_str(&line), "system service") && strstr(buf_str(&line), root) ? (pid_t)pid
											: 0;
}

static int wait_ready(const char *root, const char *host, pid_t pid, struct err *err)
{
	int64_t deadline = clock_ms() + READY_WITHIN_MS;

	while (clock_ms() < deadline) {
		struct engine_where where = {
			.host = (char *)host, .why = (char *)"embedded engine"};
		struct engine *engine = NULL;
		struct err ignored = ERR_INIT;

		if (engine_open(&where, &engine, &ignored) == 0) {
			engine_close(engine);
			return 0;
		}
		if (embedded_ended(pid))
			break;
		clock_sleep_ms(30);
	}
	err_set(err, ERR_ENGINE, "the embedded engine did not start; its log is in %s/service.log",
		root);
	add_log(root, err);
	return -1;
}

static int start_service(const char *root, const char *socket, struct err *err)
{
	autostrv struct strv argv = STRV_INIT, env = STRV_INIT;
	autofree char *log = path_join(root, "service.log");
	autofree char *pid_path = path_join(root, "service.pid");
	autofree char *dir = path_dirname(socket);
	struct proc_spec spec = {.detach = true, .log = log};
	struct stat status;
	char text[32];
	pid_t pid;

	if (fs_mkdirs(dir, 0700, err) < 0 || embedded_configure(root, &env, err) < 0)
		return engine_failed(err);
	if (lstat(dir, &status) < 0 || status.st_uid != geteuid())
		return err_set(err, ERR_ENGINE, "%s belongs to somebody else", dir);
	embedded_command(root, socket, &argv);
	unlink(socket);
	unlink(log);
	spec.argv = (const char *const *)argv.v;
	spec.env = (const char *const *)env.v;
	pid = proc_spawn(&spec, err);
	if (pid < 0)
		return engine_failed(err);
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (fs_write_atomic(pid_path, text, strlen(text), 0600, err) < 0)
		return -1;
	{
		autofree char *host = xasprintf("unix://%s", socket);

		return wait_ready(root, host, pid, err);
	}
}

int embedded_start(const struct sink *sink, struct err *err)
{
	autofree char *root = embedded_root();
	autofree char *socket = embedded_socket();
	autofree char *podman = proc_find("podman");
	autofree char *lock_path = path_join(root, "start.lock");
	autolock struct lock lock = LOCK_NONE;
	int64_t began = clock_ms();

	if (service_answers(socket))
		return 0;
	if (!podman)
		return err_set(err, ERR_ENGINE,
			"the embedded engine needs podman (Debian, Fedora: package podman)");
	if (lock_wait(&lock, lock_path, "the embedded engine", LOCK_WITHIN_MS, err) < 0)
		return engine_failed(err);
	/* Somebody else may have started it while we waited. */
	if (service_answers(socket))
		return 0;
	sink_emit(sink,
		&(struct event){
			.kind = EVENT_START, .object = "embedded engine", .text = "Starting"});
	if (start_service(root, socket, err) < 0) {
		sink_emit(sink, &(struct event){.kind = EVENT_FAILED,
					.object = "embedded engine",
					.text = err->msg});
		return -1;
	}
	sink_emit(sink, &(struct event){.kind = EVENT_DONE,
				.object = "embedded engine",
				.text = "Started",
				.ms = clock_ms() - began});
	return 0;
}

/* === stopping === */

static int stop_containers(const char *host, const struct sink *sink, struct err *err)
{
	struct engine_where where = {
		.host = (char *)host, .why = (char *)"embedded engine", .embedded = true};
	struct engine *engine = NULL;
	autojson json_t *list = NULL;
	const json_t *each;
	int result = 0;
	size_t i;

	if (engine_open(&where, &engine, err) < 0)
		return -1;
	if (engine_get(engine, &list, err, "/containers/json") < 0)
		result = -1;
	json_array_foreach (list, i, each) {
		const char *name = json_string_value(
			json_array_get(json_object_get(each, "Names"), 0));
		autofree char *object = xasprintf(
			"container %s", name ? name + (*name == '/') : "");

		sink_emit(sink,
			&(struct event){.kind = EVENT_START, .object = object, .text = "Stopping"});
		if (container_stop(engine, json_str(each, "Id"), -1, err) < 0 &&
			err->status != 404) {
			err_wrap(err, "stop %s", object);
			result = -1;
			break;
		}
		sink_emit(sink,
			&(struct event){.kind = EVENT_DONE, .object = object, .text = "Stopped"});
	}
	engine_close(engine);
	return result;
}

static int end_service(const char *root, const char *socket, struct err *err)
{
	int64_t deadline = clock_ms() + ENDED_WITHIN_MS;
	pid_t pid = service_pid(root);
	autofree char *pid_path = path_join(root, "service.pid");

	if (!pid && service_answers(socket))
		return err_set(err, ERR_ENGINE,
			"something answers at %s, but it is not the service that %s/service.pid "
			"names",
			socket, root);
	/* The whole group: rootless podman works in a child, which outlives its parent. */
	if (pid && kill(-pid, SIGTERM) < 0 && errno != ESRCH)
		return err_os(
			err, ERR_ENGINE, errno, "end the embedded engine (process %d)", (int)pid);
	while (pid && (!embedded_ended(pid) || service_answers(socket))) {
		if (clock_ms() >= deadline)
			return err_set(err, ERR_ENGINE,
				"the embedded engine (process %d) does not end", (int)pid);
		clock_sleep_ms(20);
	}
	unlink(pid_path);
	unlink(socket);
	return 0;
}

int embedded_stop(const struct sink *sink, struct err *err)
{
	autofree char *root = embedded_root();
	autofree char *socket = embedded_socket();
	autofree char *host = embedded_host();
	autofree char *lock_path = path_join(root, "start.lock");
	autolock struct lock lock = LOCK_NONE;

	if (lock_wait(&lock, lock_path, "the embedded engine", LOCK_WITHIN_MS, err) < 0)
		return engine_failed(err);
	if (service_answers(socket) && stop_containers(host, sink, err) < 0)
		return -1;
	return end_service(root, socket, err);
}
