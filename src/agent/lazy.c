/*
 * lazy.c - asleep until somebody connects; then the data, then the server.
 *
 * It becomes the server by exec: that one is process 1 with the arguments, environment, user and
 * terminal that the image means it to have, and gets the signals itself.  Whether there is
 * something to restore is asked of the volumes alone: a container that starts again finds its data
 * and does not wait.
 */
#include "lazy.h"

#include "cache.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NOT_FOUND 127
#define NOT_RUN 126

struct lazy {
	json_t *config; /* LAZY of agent.h */
	char **command; /* with its arguments */
	char *title;    /* what `ps` shows, in place of our arguments */
	size_t title_size;
	int signals;
	sigset_t mask; /* as it was */
	struct doors doors;
	char *pid_file; /* of a PostgreSQL that was restored; or NULL */
	int stopped;    /* by this signal */
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list args;

	fputs("devenv: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* === what is shown === */

/* The arguments lie one behind the other; what the command needs of them is copied. */
static void take_arguments(struct lazy *lazy, int argc, char **argv)
{
	lazy->title = argv[0];
	lazy->title_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
	lazy->command = xcalloc((size_t)argc, sizeof(*lazy->command));
	for (int i = 3; i < argc; i++)
		lazy->command[i - 3] = xstrdup(argv[i]);
}

/* A last byte that is no NUL tells the kernel that it is text (get_mm_proctitle() in fs/proc). */
static void show(struct lazy *lazy, const char *what, const char *names)
{
	memset(lazy->title, 0, lazy->title_size);
	snprintf(lazy->title, lazy->title_size - 1, "%s%s%s", what, *names ? " " : "", names);
	lazy->title[lazy->title_size - 1] = ' ';
}

/* The caller's. */
static char *snapshot_names(const struct lazy *lazy)
{
	autostrv struct strv names = STRV_INIT;
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(lazy->config, "volumes"), i, volume)
		if (json_str(volume, "snapshot") && !strv_has(&names, json_str(volume, "snapshot")))
			strv_push(&names, json_str(volume, "snapshot"));
	return strv_join(&names, ", ");
}

/* === signals === */

/* Process 1 has to ask for those that it wants to die of. */
static int take_signals(struct lazy *lazy, struct err *err)
{
	static const int wanted[] = {
		SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGPWR, SIGCONT};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(&set, wanted[i]);
	pthread_sigmask(SIG_BLOCK, &set, &lazy->mask);
	lazy->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return lazy->signals < 0 ? err_os(err, ERR_FAILED, errno, "wait for signals") : 0;
}

/* The next one, 0: none. A terminal's new size is nothing to us. */
static int next_signal(struct lazy *lazy)
{
	struct signalfd_siginfo info;

	while (read(lazy->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGWINCH)
			return (int)info.ssi_signo;
	return 0;
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct lazy *lazy = ctx;
	int number = next_signal(lazy);

	if (number && number != SIGCONT)
		lazy->stopped = number;
	return lazy->stopped;
}

static void on_warning(void *ctx, const char *path, const char *what)
{
	say("warning: %s: %s", path, what);
}

/* === restoring === */

/* Is there a volume without its data? */
static int is_asleep(const struct lazy *lazy, struct err *err)
{
	int any = 0;
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(lazy->config, "volumes"), i, volume) {
		int empty = volume_is_empty(json_str(volume, "target"), err);

		if (empty < 0)
			return -1;
		any |= empty;
	}
	return any;
}

/* Where a PostgreSQL will tell that it is ready (doors_pass_on()). */
static void note_database(struct lazy *lazy, const char *target, const json_t *config)
{
	json_t *engine = json_object_get(config, "engine");
	const char *path = json_str(engine, "path");

	if (!str_eq(json_str(engine, "kind"), "postgres"))
		return;
	free(lazy->pid_file);
	lazy->pid_file = xasprintf(
		"%s/%s%spostmaster.pid", target, path ? path : "", str_empty(path) ? "" : "/");
}

static int restore(struct lazy *lazy, struct agent *agent, const json_t *volume, struct err *err)
{
	const char *path = json_str(volume, "target");
	autosnapshot struct snapshot snapshot = {0};
	struct tree_made made = {0};
	autoclose int target = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), base = -1;
	int64_t since = clock_ms();
	char size[16], time[16];
	int empty;

	/* Another container may be at the same volume. */
	if (target < 0 || flock(target, LOCK_EX) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open %s", path);
	empty = volume_is_empty(path, err);
	if (empty <= 0)
		return empty;
	if (snapshot_open(agent, json_str(volume, "digest"), &snapshot, err) < 0)
		return -1;
	base = restore_base(&snapshot);
	if (restore_tree(agent,
		    &(struct restore_work){.snapshot = &snapshot,
			    .target = target,
			    .base = base,
			    .watch = {on_progress, on_warning, lazy}},
		    &made, err) < 0)
		return -1;
	note_database(lazy, path, snapshot.config);
	say("%s is restored: %s in %s", path, format_bytes(size, made.bytes),
		format_ms(time, clock_ms() - since));
	return 0;
}

static int restore_all(struct lazy *lazy, struct err *err)
{
	struct agent agent = {.blobs = -1, .using = -1};
	int status = cache_read(&agent, err);
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(lazy->config, "volumes"), i, volume)
		if (status == 0)
			status = restore(lazy, &agent, volume, err);
	cleanup_close(&agent.blobs);
	cleanup_close(&agent.using);
	return status;
}

/* === the whole === */

/* Until somebody comes: 0; 1: a signal ends us. */
static int sleep_well(struct lazy *lazy, const char *names)
{
	say("sleeping: %s is restored on the first connection", names);
	show(lazy, LAZY_SLEEPING ", restores", names);
	while (doors_wait(&lazy->doors, lazy->signals) == DOORS_SIGNAL) {
		int number = next_signal(lazy);

		if (number == SIGCONT)
			return 0;
		if (number)
			return 1;
	}
	return 0;
}

/* Volumes that have no data get it: 0; else the exit status is in *status. */
static int wake(struct lazy *lazy, int *status, struct err *err)
{
	autofree char *names = snapshot_names(lazy);

	for (;;) {
		if (lazy->doors.n && sleep_well(lazy, names)) {
			*status = 0;
			return -1;
		}
		say("restoring %s", names);
		show(lazy, LAZY_RESTORING, names);
		if (restore_all(lazy, err) == 0)
			return 0;
		if (lazy->stopped) {
			*status = 128 + lazy->stopped;
			return -1;
		}
		say("%s", err->msg);
		if (err->os == EBADMSG)
			say("`devenv snapshot verify` and `pull` of %s mend it", names);
		doors_refuse(&lazy->doors);
		err_clear(err);
		*status = 1;
		if (!lazy->doors.n)
			return -1;
	}
}

/* A child of the server that it does not know of: it ends with 0 whatever happens. */
static void leave_child(struct lazy *lazy)
{
	doors_close(&lazy->doors);
	if (!lazy->doors.n_callers || fork() != 0)
		return;
	setsid();
	show(lazy, "devenv: passes on the first connections", "");
	doors_pass_on(&lazy->doors, lazy->pid_file);
	_exit(0);
}

static int become(struct lazy *lazy)
{
	int failed;

	pthread_sigmask(SIG_SETMASK, &lazy->mask, NULL);
	execvp(lazy->command[0], lazy->command);
	failed = errno;
	say("%s: %s", lazy->command[0], strerror(failed));
	return failed == ENOENT ? NOT_FOUND : NOT_RUN;
}

static int run(struct lazy *lazy, struct err *err)
{
	int asleep = is_asleep(lazy, err), status = 1;

	if (asleep < 0 || take_signals(lazy, err) < 0)
		return -1;
	if (asleep && (doors_open(&lazy->doors, json_object_get(lazy->config, "ports"), err) < 0))
		return -1;
	if (asleep && wake(lazy, &status, err) < 0)
		return status;
	leave_child(lazy);
	return become(lazy);
}

int lazy_main(int argc, char **argv)
{
	struct lazy lazy = {.signals = -1};
	struct err err = ERR_INIT;
	int status;

	if (argc < 4) {
		say("lazy: CONFIG and COMMAND are missing");
		return 2;
	}
	lazy.config = json_parse(argv[2], strlen(argv[2]), "CONFIG", &err);
	take_arguments(&lazy, argc, argv);
	status = lazy.config ? run(&lazy, &err) : -1;
	if (status >= 0)
		return status;
	say("%s", err.msg);
	return 1;
}
