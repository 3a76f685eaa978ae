/* test_proc.c - other programs: status, output, input, time limits, signals, descriptors. */
#include "testing.h"

#include "devenv/clock.h"
#include "devenv/proc.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL(text) ((const char *const[]){"sh", "-c", text, NULL})

static void test_status(void **state)
{
	struct err err = ERR_INIT;

	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = SHELL("exit 7")}, NULL, NULL, &err), 7);
	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = SHELL("kill -9 $$")}, NULL, NULL, &err), 137);
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(
		proc_run(
			&(struct proc_spec){.argv = (const char *const[]){"no-such-program", NULL}},
			NULL, NULL, &err),
		-1);
	assert_non_null(strstr(err.msg, "run no-such-program: No such file"));
}

static void test_output(void **state)
{
	autobuf struct buf out = BUF_INIT(0), errors = BUF_INIT(0), both = BUF_INIT(0);
	struct err err = ERR_INIT;
	struct proc_spec spec = {.argv = SHELL("echo to-out; echo to-err >&2; pwd; echo $WORD"),
		.dir = "/usr",
		.env = (const char *const[]){"WORD=hello", NULL}};

	assert_int_equal(proc_run(&spec, &out, &errors, &err), 0);
	assert_string_equal(buf_str(&out), "to-out\n/usr\nhello\n");
	assert_string_equal(buf_str(&errors), "to-err\n");
	spec.merge_stderr = true;
	assert_int_equal(proc_run(&spec, &both, NULL, &err), 0);
	assert_string_equal(buf_str(&both), "to-out\nto-err\n/usr\nhello\n");
}

/* More than a pipe holds, both ways at once. */
static void test_input(void **state)
{
	enum { SIZE = 1 << 20 };
	autofree char *input = xmalloc(SIZE + 1);
	autobuf struct buf out = BUF_INIT(0);
	struct err err = ERR_INIT;

	memset(input, 'x', SIZE);
	input[SIZE] = '\0';
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(proc_run(&(struct proc_spec){.argv = (const char *const[]){"cat", NULL},
					  .input = input},
				 &out, NULL, &err),
		0);
	assert_int_equal(out.len, SIZE);
	/* A child that does not read is no error. */
	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = SHELL("exec 0<&-; exit 3"), .input = input},
			NULL, NULL, &err),
		3);
}

static void test_timeout(void **state)
{
	struct err err = ERR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(
		proc_run(&(struct proc_spec){.argv = (const char *const[]){"sleep", "60", NULL},
				 .timeout_ms = 100},
			NULL, NULL, &err),
		-1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(clock_ms() - start < 20000);
}

/* Ignored signals and open descriptors must not reach the child. */
static void test_clean_child(void **state)
{
	/* The last 7 digits: glibc uses signals 32 and 33 itself. */
	static const char look[] = "sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(.......\\)$/\\2/p' "
				   "/proc/self/status; ls /proc/self/fd | wc -l";
	autobuf struct buf out = BUF_INIT(0);
	autoclose int fd = open("/dev/null", O_RDONLY);
	struct err err = ERR_INIT;
	sigset_t set, old;

	assert_true(fd >= 0);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(proc_run(&(struct proc_spec){.argv = SHELL(look)}, &out, NULL, &err), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	/* 0, 1, 2 and the folder that ls itself reads. */
	assert_string_equal(buf_str(&out), "0000000\n0000000\n4\n");
}

static void test_find(void **state)
{
	autofree char *sh = proc_find("sh"), *none = proc_find("no-such-program");
	autofree char *self = NULL;

	assert_non_null(sh);
	assert_true(str_ends(sh, "/sh"));
	assert_null(none);
	setenv("DEVENV_SELF", "/opt/devenv", 1);
	self = proc_self();
	assert_string_equal(self, "/opt/devenv");
}

static void test_spawn(void **state)
{
	autofree char *log = path_join(*state, "log");
	autobuf struct buf text = BUF_INIT(0);
	struct err err = ERR_INIT;
	pid_t pid = proc_spawn(
		&(struct proc_spec){
			.argv = SHELL("echo one; echo two >&2"), .detach = true, .log = log},
		&err);
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fs_read(log, &text, ERR_FAILED, &err), 0);
	assert_string_equal(buf_str(&text), "one\ntwo\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_clean_child),
		cmocka_unit_test(test_find),
		FOLDER_TEST(test_spawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
