/*
 * test_signals.c - the first Ctrl-C is a flag and a readable descriptor, the second is the end.
 *
 * Each test runs in a child of its own, since signals belong to the whole process.
 */
#include "testing.h"

#include "devenv/clock.h"
#include "devenv/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(void (*run)(void))
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		signals_install();
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void first(void)
{
	struct pollfd fd = {.fd = signals_fd(), .events = POLLIN};

	if (signals_pending() || poll(&fd, 1, 0) != 0)
		_exit(1);
	raise(SIGTERM);
	if (signals_pending() != SIGTERM || poll(&fd, 1, 0) != 1)
		_exit(2);
	/* It stays readable: everybody who polls it hears of it. */
	if (poll(&fd, 1, 0) != 1)
		_exit(3);
}

static void test_first(void **state)
{
	assert_int_equal(in_child(first), 0);
}

static void restore(void)
{
	if (write(STDOUT_FILENO, "", 0) < 0)
		_exit(4);
	_exit(99);
}

static void second(void)
{
	raise(SIGINT);
	raise(SIGINT);
}

static void second_with_restore(void)
{
	signals_on_exit(restore);
	second();
}

static void test_second(void **state)
{
	assert_int_equal(in_child(second), 128 + SIGINT);
	assert_int_equal(in_child(second_with_restore), 99);
}

/* A sleep ends at once, and a reader that went away is no death. */
static void interrupted(void)
{
	int fds[2];
	int64_t start = clock_ms();

	if (pipe(fds) < 0)
		_exit(1);
	close(fds[0]);
	if (write(fds[1], "x", 1) != -1)
		_exit(2);
	raise(SIGHUP);
	clock_sleep_ms(30000);
	if (clock_ms() - start > 10000)
		_exit(3);
}

static void test_interrupted(void **state)
{
	assert_int_equal(in_child(interrupted), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
