/*
 * test_source.c - cloning real repositories: from a path, file:// and a real sshd; being stopped.
 */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/proc.h"
#include "devenv/source.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* Run and return what it printed, without the line end. The caller's. */
static char *run(const char *dir, const char *const *argv)
{
	autobuf struct buf out = BUF_INIT(0), errors = BUF_INIT(0);
	struct err err = ERR_INIT;
	int status = proc_run(&(struct proc_spec){.argv = argv, .dir = dir}, &out, &errors, &err);

	if (status)
		fail_msg("%s %s: %d %s %s", argv[0], argv[1], status, err.msg, buf_str(&errors));
	return out.len ? xstrdup(str_trim(out.data)) : xstrdup("");
}
#define RUN(dir, ...) free(run(dir, (const char *const[]){__VA_ARGS__, NULL}))
#define SAY(dir, ...) run(dir, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(const char *dir, const char *name, const char *text)
{
	autofree char *path = path_join(dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

/* origin.git with branches main and feature, and a tag v1 at main's first commit. */
static char *make_origin(const char *dir)
{
	autofree char *work = path_join(dir, "work");

	RUN(dir, "git", "init", "-q", "--bare", "-b", "main", "origin.git");
	RUN(dir, "git", "init", "-q", "-b", "main", "work");
	RUN(work, "git", "config", "user.email", "dev@example.com");
	RUN(work, "git", "config", "user.name", "Dev");
	write_file(work, "file", "one\n");
	RUN(work, "git", "add", "file");
	RUN(work, "git", "commit", "-q", "-m", "one");
	RUN(work, "git", "tag", "-a", "-m", "first", "v1");
	write_file(work, "file", "two\n");
	RUN(work, "git", "commit", "-q", "-a", "-m", "two");
	RUN(work, "git", "checkout", "-q", "-b", "feature/x");
	write_file(work, "file", "three\n");
	RUN(work, "git", "commit", "-q", "-a", "-m", "three");
	RUN(work, "git", "push", "-q", "../origin.git", "main", "feature/x", "v1");
	return path_join(dir, "origin.git");
}

static char *content(const char *checkout)
{
	autofree char *path = path_join(checkout, "file");
	autobuf struct buf text = BUF_INIT(4096);
	struct err err = ERR_INIT;

	if (fs_read(path, &text, ERR_FAILED, &err) < 0)
		return xstrdup(err.msg);
	return buf_detach(&text);
}

/* The folder holds the target or nothing of it: no leftover beside it. */
static void assert_clean(const char *dir)
{
	autofree char *hidden = SAY(dir, "find", ".", "-maxdepth", "2", "-name", "*.devenv-clone");

	assert_string_equal(hidden, "");
}

struct seen {
	int progress;
	uint64_t total;
};

static void on_event(void *ctx, const struct event *event)
{
	struct seen *seen = ctx;

	assert_string_equal(event->object, "source shop");
	seen->progress += event->kind == EVENT_PROGRESS;
	if (event->total > seen->total)
		seen->total = event->total;
}

static void test_clone(void **state)
{
	autofree char *origin = make_origin(*state);
	autofree char *url = xasprintf("file://%s", origin);
	const struct {
		const char *url, *ref, *path, *content, *branch;
	} cases[] = {
		{origin, NULL, "src/a", "two\n", "main"},
		{url, NULL, "src/b", "two\n", "main"},
		{url, "main", "c", "two\n", "main"},
		{url, "feature/x", "d", "three\n", "feature/x"},
		{url, "v1", "e", "one\n", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *path = path_join(*state, cases[i].path);
		struct source source = {"shop", cases[i].url, cases[i].ref, path};
		struct seen seen = {0};
		struct sink sink = {on_event, &seen};
		struct err err = ERR_INIT;
		autofree char *text = NULL, *branch = NULL, *status = NULL, *remote = NULL;

		assert_int_equal(source_check(&source, NULL), SOURCE_MISSING);
		if (source_clone(&source, &sink, &err) < 0)
			fail_msg("%s", err.msg);
		text = content(path);
		assert_string_equal(text, cases[i].content);
		branch = SAY(path, "git", "branch", "--show-current");
		assert_string_equal(branch, cases[i].branch);
		status = SAY(path, "git", "status", "--porcelain");
		assert_string_equal(status, "");
		remote = SAY(path, "git", "remote", "get-url", "origin");
		assert_string_equal(remote, cases[i].url);
		assert_true(seen.progress > 0 && seen.total > 0);
		assert_int_equal(source_check(&source, NULL), SOURCE_READY);
		assert_clean(*state);
	}
}

static void test_commit(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	autofree char *commit = SAY(origin, "git", "rev-parse", "main");
	struct source source = {"shop", origin, commit, path};
	struct err err = ERR_INIT;
	autofree char *head = NULL;

	assert_int_equal(source_clone(&source, NULL, &err), 0);
	head = SAY(path, "git", "rev-parse", "HEAD");
	assert_string_equal(head, commit);
}

static void test_upstream(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	struct source source = {"shop", origin, "feature/x", path};
	struct err err = ERR_INIT;
	autofree char *upstream = NULL;

	assert_int_equal(source_clone(&source, NULL, &err), 0);
	upstream = SAY(path, "git", "rev-parse", "--abbrev-ref", "@{upstream}");
	assert_string_equal(upstream, "origin/feature/x");
}

static void test_failures_leave_nothing(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	struct source no_ref = {"shop", origin, "nonexistent", path};
	struct source no_repo = {"shop", "/nonexistent/repo.git", NULL, path};
	struct err err = ERR_INIT;

	assert_int_equal(source_clone(&no_ref, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "no branch, tag or commit \"nonexistent\""));
	assert_false(fs_exists(path));
	assert_int_equal(source_clone(&no_repo, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "/nonexistent/repo.git"));
	assert_false(fs_exists(path));
	assert_clean(*state);
}

static void test_empty_repository(void **state)
{
	autofree char *origin = path_join(*state, "empty.git"), *path = path_join(*state, "c");
	struct source source = {"shop", origin, NULL, path};
	struct err err = ERR_INIT;

	RUN(*state, "git", "init", "-q", "--bare", "empty.git");
	assert_int_equal(source_clone(&source, NULL, &err), 0);
	assert_int_equal(source_check(&source, NULL), SOURCE_READY);
}

static void test_existing_work_is_kept(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	struct source source = {"shop", origin, NULL, path};
	struct source other = {"shop", "https://example.com/other.git", NULL, path};
	autofree char *text = NULL, *detail = NULL;
	struct err err = ERR_INIT;

	/* An empty folder is no work: engines make one where a mount's source is missing. */
	RUN(*state, "mkdir", "c");
	assert_int_equal(source_clone(&source, NULL, &err), 0);
	write_file(path, "file", "mine\n");
	assert_int_equal(source_clone(&source, NULL, &err), 0);
	text = content(path);
	assert_string_equal(text, "mine\n");
	assert_int_equal(source_check(&other, &detail), SOURCE_OTHER);
	assert_non_null(strstr(detail, origin));
	assert_int_equal(source_clone(&other, NULL, &err), -1);
	free(text);
	text = content(path);
	assert_string_equal(text, "mine\n");
}

static void test_files_are_kept(void **state)
{
	struct source source = {"shop", "https://example.com/shop.git", NULL, *state};
	autofree char *detail = NULL;
	struct err err = ERR_INIT;

	write_file(*state, "notes", "mine\n");
	assert_int_equal(source_check(&source, &detail), SOURCE_OTHER);
	assert_int_equal(source_clone(&source, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_FAILED);
}

/* However the URL is written, it is the same repository. */
static void test_same_origin(void **state)
{
	static const char *const same[] = {"git@host.example:acme/shop.git",
		"https://host.example/acme/shop", "https://user@host.example/acme/shop.git/",
		"ssh://git@host.example/acme/shop.git"};
	static const char *const other[] = {
		"git@host.example:acme/shop2.git", "https://else.example/acme/shop", "/acme/shop"};

	RUN(*state, "git", "init", "-q", ".");
	RUN(*state, "git", "remote", "add", "upstream", "https://else.example/acme/shop");
	RUN(*state, "git", "remote", "add", "origin", "git@host.example:acme/shop.git");
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct source source = {"shop", same[i], NULL, *state};

		assert_int_equal(source_check(&source, NULL), SOURCE_READY);
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		struct source source = {"shop", other[i], NULL, *state};

		assert_int_equal(source_check(&source, NULL), SOURCE_OTHER);
	}
}

/* === being stopped === */

/* A server that takes a connection and says nothing; *port gets where. */
static int silent_server(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* A child that clones from a silent server, in the middle of it. */
static void start_stuck(const char *path, uint16_t port, struct proc_child *child)
{
	autofree char *self = proc_self();
	const char *argv[] = {self, "__clone", NULL};
	autofree char *request = xasprintf(
		"{\"url\": \"git://127.0.0.1:%u/shop.git\", \"path\": \"%s\"}\n", port, path);
	autofree char *dir = path_dirname(path);
	autofree char *temporary = xasprintf("%s/.%s.devenv-clone", dir, path_basename(path));
	int64_t deadline = clock_ms() + PATIENCE_MS;
	struct err err = ERR_INIT;

	assert_int_equal(proc_open(&(struct proc_spec){.argv = argv}, child, &err), 0);
	assert_int_equal(write(child->in, request, strlen(request)), strlen(request));
	while (!fs_exists(temporary) && clock_ms() < deadline)
		clock_sleep_ms(5);
	assert_true(fs_exists(temporary));
}

/* Our end of the pipe closes too when we are killed: nothing is left, though nobody answers. */
static void test_parent_gone(void **state)
{
	autofree char *path = path_join(*state, "c");
	struct proc_child child;
	uint16_t port;
	autoclose int server = silent_server(&port);
	int64_t began;

	start_stuck(path, port, &child);
	began = clock_ms();
	assert_int_not_equal(proc_close(&child), 0);
	assert_true(clock_ms() - began < PATIENCE_MS);
	assert_false(fs_exists(path));
	assert_clean(*state);
}

static void test_child_killed(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	struct source source = {"shop", origin, NULL, path};
	struct proc_child child;
	struct err err = ERR_INIT;
	uint16_t port;
	autoclose int server = silent_server(&port);

	start_stuck(path, port, &child);
	kill(child.pid, SIGKILL);
	assert_int_equal(proc_close(&child), 128 + SIGKILL);
	assert_false(fs_exists(path));
	/* What it left is cleaned up by the next one. */
	assert_int_equal(source_clone(&source, NULL, &err), 0);
	assert_clean(*state);
}

static void test_two_at_once(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	struct source source = {"shop", origin, NULL, path};
	struct proc_child child;
	struct err err = ERR_INIT;
	uint16_t port;
	autoclose int server = silent_server(&port);

	start_stuck(path, port, &child);
	assert_int_equal(source_clone(&source, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "another devenv"));
	proc_close(&child);
}

/* === ssh === */

struct sshd {
	pid_t pid;
	uint16_t port;
	char *config; /* of the client */
};

static uint16_t free_port(void)
{
	uint16_t port;

	close(silent_server(&port));
	return port;
}

/* A real sshd as ourselves, with a key of ours, and the client's configuration for it. */
static void sshd_start(const char *dir, struct sshd *sshd)
{
	autofree char *user = SAY(dir, "id", "-un"), *conf = path_join(dir, "sshd_config");
	autofree char *text = NULL, *client = NULL, *log = path_join(dir, "sshd.log");
	const char *argv[] = {"/usr/sbin/sshd", "-D", "-e", "-f", conf, NULL};
	int64_t deadline = clock_ms() + PATIENCE_MS;
	struct err err = ERR_INIT;

	sshd->port = free_port();
	/* For a moment of its start sshd wants it, when it is root's. */
	if (geteuid() == 0)
		RUN(dir, "mkdir", "-p", "/run/sshd");
	RUN(dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "host");
	RUN(dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key");
	RUN(dir, "cp", "key.pub", "authorized");
	text = xasprintf("ListenAddress 127.0.0.1\nPort %u\nHostKey %s/host\nStrictModes no\n"
			 "PidFile none\nAuthorizedKeysFile %s/authorized\nUsePAM no\n"
			 "PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
		sshd->port, dir, dir);
	write_file(dir, "sshd_config", text);
	client = xasprintf("Host shop-git\n HostName 127.0.0.1\n Port %u\n User %s\n"
			   " IdentityFile %s/key\n IdentityAgent none\n"
			   " UserKnownHostsFile %s/known_hosts\n",
		sshd->port, user, dir, dir);
	write_file(dir, "ssh_config", client);
	sshd->config = path_join(dir, "ssh_config");
	sshd->pid = proc_spawn(&(struct proc_spec){.argv = argv, .detach = true, .log = log}, &err);
	assert_true(sshd->pid > 0);
	for (;;) {
		autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct sockaddr_in address = {.sin_family = AF_INET,
			.sin_port = htons(sshd->port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			break;
		assert_true(clock_ms() < deadline);
		clock_sleep_ms(20);
	}
}

static void sshd_stop(struct sshd *sshd)
{
	kill(sshd->pid, SIGTERM);
	waitpid(sshd->pid, NULL, 0);
	free(sshd->config);
}

/* Write the server's key, or another one, into known_hosts. */
static void know_host(const char *dir, uint16_t port, const char *public_key)
{
	autofree char *path = path_join(dir, public_key);
	autobuf struct buf key = BUF_INIT(4096);
	autofree char *line = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(fs_read(path, &key, ERR_FAILED, &err), 0);
	line = xasprintf("[127.0.0.1]:%u %s", port, buf_str(&key));
	write_file(dir, "known_hosts", line);
}

static void test_ssh(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	autofree char *url = xasprintf("shop-git:%s", origin);
	autofree char *text = NULL, *remote = NULL;
	struct source source = {"shop", url, NULL, path};
	struct sshd sshd;
	struct err err = ERR_INIT;

	sshd_start(*state, &sshd);
	setenv("DEVENV_SSH_CONFIG", sshd.config, 1);
	/* Unknown, then another server's key, then the right one. */
	assert_int_equal(source_clone(&source, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "is not known (SHA256:"));
	know_host(*state, sshd.port, "key.pub");
	assert_int_equal(source_clone(&source, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "CHANGED"));
	assert_false(fs_exists(path));
	know_host(*state, sshd.port, "host.pub");
	if (source_clone(&source, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	text = content(path);
	assert_string_equal(text, "two\n");
	remote = SAY(path, "git", "remote", "get-url", "origin");
	assert_string_equal(remote, url);
	unsetenv("DEVENV_SSH_CONFIG");
	sshd_stop(&sshd);
}

static void test_ssh_no_key(void **state)
{
	autofree char *origin = make_origin(*state), *path = path_join(*state, "c");
	autofree char *url = xasprintf("shop-git:%s", origin);
	struct source source = {"shop", url, NULL, path};
	struct sshd sshd;
	struct err err = ERR_INIT;

	sshd_start(*state, &sshd);
	setenv("DEVENV_SSH_CONFIG", sshd.config, 1);
	know_host(*state, sshd.port, "host.pub");
	write_file(*state, "authorized", "");
	assert_int_equal(source_clone(&source, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "none of our keys"));
	assert_false(fs_exists(path));
	unsetenv("DEVENV_SSH_CONFIG");
	sshd_stop(&sshd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_clone),
		FOLDER_TEST(test_commit),
		FOLDER_TEST(test_upstream),
		FOLDER_TEST(test_failures_leave_nothing),
		FOLDER_TEST(test_empty_repository),
		FOLDER_TEST(test_existing_work_is_kept),
		FOLDER_TEST(test_files_are_kept),
		FOLDER_TEST(test_same_origin),
		FOLDER_TEST(test_parent_gone),
		FOLDER_TEST(test_child_killed),
		FOLDER_TEST(test_two_at_once),
		FOLDER_TEST(test_ssh),
		FOLDER_TEST(test_ssh_no_key),
	};

	signal(SIGPIPE, SIG_IGN);
	/* The user's own configuration must not change what git does here. */
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_SYSTEM", "/dev/null", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
