/*
 * proc.c - running other programs, without a shell.
 *
 * posix_spawn and not fork: threads exist.  Children inherit ignored and blocked signals across
 * exec, so both are reset.
 */
#include "devenv/proc.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Our ends of the child's descriptors. */
struct pipes {
	int in[2], out[2], errs[2];
};

static void pipes_close(struct pipes *pipes)
{
	cleanup_close(&pipes->in[0]);
	cleanup_close(&pipes->in[1]);
	cleanup_close(&pipes->out[0]);
	cleanup_close(&pipes->out[1]);
	cleanup_close(&pipes->errs[0]);
	cleanup_close(&pipes->errs[1]);
}

static char **child_environment(const char *const *added)
{
	size_t have = 0, more = 0;
	char **all;

	while (environ[have])
		have++;
	while (added && added[more])
		more++;
	all = xcalloc(have + more + 1, sizeof(*all));
	/* The first of two equal names wins in most programs, so ours come first. */
	for (size_t i = 0; i < more; i++)
		all[i] = (char *)added[i];
	memcpy(all + more, environ, have * sizeof(*all));
	return all;
}

static int add_stdio(posix_spawn_file_actions_t *actions, const struct proc_spec *spec,
	const struct pipes *pipes)
{
	int failed = 0;

	if (pipes->in[0] >= 0)
		failed |= posix_spawn_file_actions_adddup2(actions, pipes->in[0], 0);
	else if (!spec->terminal)
		failed |= posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	if (spec->detach) {
		const char *log = spec->log ? spec->log : "/dev/null";

		failed |= posix_spawn_file_actions_addopen(
			actions, 1, log, O_WRONLY | O_APPEND | O_CREAT, 0600);
		failed |= posix_spawn_file_actions_adddup2(actions, 1, 2);
	} else {
		if (pipes->out[1] >= 0)
			failed |= posix_spawn_file_actions_adddup2(actions, pipes->out[1], 1);
		if (spec->merge_stderr)
			failed |= posix_spawn_file_actions_adddup2(actions, 1, 2);
		else if (pipes->errs[1] >= 0)
			failed |= posix_spawn_file_actions_adddup2(actions, pipes->errs[1], 2);
	}
	/* Ours are all close-on-exec, but not what whoever started us left open. */
	failed |= posix_spawn_file_actions_addclosefrom_np(actions, 3);
	if (spec->dir)
		failed |= posix_spawn_file_actions_addchdir_np(actions, spec->dir);
	return failed;
}

static pid_t spawn(const struct proc_spec *spec, const struct pipes *pipes, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	char **environment = child_environment(spec->env);
	sigset_t set;
	pid_t pid = -1;
	int failed;

	posix_spawnattr_init(&attributes);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attributes, &set);
	if (spec->detach)
		flags |= POSIX_SPAWN_SETSID;
	posix_spawnattr_setflags(&attributes, flags);
	posix_spawn_file_actions_init(&actions);
	failed = add_stdio(&actions, spec, pipes);
	if (!failed)
		failed = posix_spawnp(&pid, spec->argv[0], &actions, &attributes,
			(char *const *)spec->argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(environment);
	if (failed)
		return err_os(err, ERR_FAILED, failed, "run %s", spec->argv[0]);
	return pid;
}

pid_t proc_spawn(const struct proc_spec *spec, struct err *err)
{
	static const struct pipes none = {{-1, -1}, {-1, -1}, {-1, -1}};

	return spawn(spec, &none, err);
}

/* Read what is there; false at the end. */
static bool collect(int fd, struct buf *into)
{
	char piece[4096];
	ssize_t n = read(fd, piece, sizeof(piece));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (into && n > 0)
		buf_add(into, piece, (size_t)n);
	return n > 0;
}

static void feed(struct pipes *pipes, const char **input)
{
	ssize_t n = write(pipes->in[1], *input, strlen(*input));

	if (n > 0)
		*input += n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || !**input)
		cleanup_close(&pipes->in[1]);
}

/* Copy until both outputs end; false when the deadline came first. */
static bool exchange(struct pipes *pipes, const char *input, struct buf *output, struct buf *errors,
	int64_t deadline)
{
	while (pipes->out[0] >= 0 || pipes->errs[0] >= 0) {
		struct pollfd fds[3] = {{pipes->out[0], POLLIN, 0}, {pipes->errs[0], POLLIN, 0},
			{pipes->in[1], POLLOUT, 0}};
		int64_t left = deadline ? deadline - clock_ms() : 1000;

		if (left <= 0)
			return false;
		if (poll(fds, 3, (int)left) < 0)
			continue;
		if (fds[0].revents && !collect(pipes->out[0], output))
			cleanup_close(&pipes->out[0]);
		if (fds[1].revents && !collect(pipes->errs[0], errors))
			cleanup_close(&pipes->errs[0]);
		if (fds[2].revents)
			feed(pipes, &input);
	}
	return true;
}

static int open_pipes(
	const struct proc_spec *spec, bool input, struct pipes *pipes, struct err *err)
{
	int failed = pipe2(pipes->out, O_CLOEXEC) < 0;

	if (!failed && input)
		failed = pipe2(pipes->in, O_CLOEXEC) < 0 ||
			 fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) < 0;
	if (!failed && !spec->merge_stderr && !spec->inherit_stderr)
		failed = pipe2(pipes->errs, O_CLOEXEC) < 0;
	if (failed)
		return err_os(err, ERR_FAILED, errno, "run %s", spec->argv[0]);
	return 0;
}

int proc_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_run(const struct proc_spec *spec, struct buf *output, struct buf *errors, struct err *err)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
	int64_t deadline = spec->timeout_ms ? clock_ms() + spec->timeout_ms : 0;
	bool finished;
	pid_t pid;
	int status;

	if (open_pipes(spec, spec->input != NULL, &pipes, err) < 0) {
		pipes_close(&pipes);
		return -1;
	}
	pid = spawn(spec, &pipes, err);
	if (pid < 0) {
		pipes_close(&pipes);
		return -1;
	}
	cleanup_close(&pipes.in[0]);
	cleanup_close(&pipes.out[1]);
	cleanup_close(&pipes.errs[1]);
	finished = exchange(&pipes, spec->input, output, errors, deadline);
	pipes_close(&pipes);
	if (!finished)
		kill(pid, SIGKILL);
	status = proc_wait(pid);
	if (!finished)
		return err_set(err, ERR_TIMEOUT, "%s did not end within %d s", spec->argv[0],
			spec->timeout_ms / 1000);
	return status;
}

int proc_open(const struct proc_spec *spec, struct proc_child *child, struct err *err)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};

	*child = PROC_CHILD_NONE;
	if (open_pipes(spec, true, &pipes, err) == 0)
		child->pid = spawn(spec, &pipes, err);
	if (child->pid >= 0) {
		child->in = TAKE_FD(pipes.in[1]);
		child->out = TAKE_FD(pipes.out[0]);
		child->errs = TAKE_FD(pipes.errs[0]);
	}
	pipes_close(&pipes);
	return child->pid < 0 ? -1 : 0;
}

int proc_close(struct proc_child *child)
{
	int status;

	cleanup_close(&child->in);
	cleanup_close(&child->out);
	cleanup_close(&child->errs);
	status = proc_wait(child->pid);
	child->pid = -1;
	return status;
}

char *proc_find(const char *name)
{
	autostrv struct strv dirs = STRV_INIT;
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	strv_split(&dirs, path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		autofree char *file = xasprintf("%s/%s", dirs.v[i], name);

		if (access(file, X_OK) == 0)
			return TAKE(file);
	}
	return NULL;
}

char *proc_self(void)
{
	const char *chosen = getenv("DEVENV_SELF");
	char path[PATH_MAX];
	ssize_t n;

	if (!str_empty(chosen))
		return xstrdup(chosen);
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return xstrdup("devenv");
	path[n] = '\0';
	return xstrdup(path);
}
