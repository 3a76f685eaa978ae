/* test_lock.c - one holder at a time, named to the next; freed by release and by death. */
#include "testing.h"

#include "devenv/clock.h"
#include "devenv/lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_busy(void **state)
{
	autofree char *path = path_join(*state, "locks/shop");
	struct lock a = LOCK_NONE, b = LOCK_NONE;
	struct err err = ERR_INIT;
	char pid[32];

	assert_int_equal(lock_take(&a, path, "workspace shop", "up", &err), 0);
	assert_int_equal(lock_take(&b, path, "workspace shop", "down", &err), -1);
	assert_int_equal(b.fd, -1);
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	assert_non_null(strstr(err.msg, "workspace shop is busy"));
	assert_non_null(strstr(err.msg, "\"up\""));
	assert_non_null(strstr(err.msg, pid));
	lock_release(&a);
	lock_release(&a);
	assert_int_equal(lock_take(&b, path, "workspace shop", "down", &err), 0);
	lock_release(&b);
	assert_true(fs_exists(path));
}

static void test_wait(void **state)
{
	autofree char *path = path_join(*state, "lock");
	struct lock a = LOCK_NONE, b = LOCK_NONE;
	struct err err = ERR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(lock_take(&a, path, "x", "up", &err), 0);
	assert_int_equal(lock_wait(&b, path, "x", 100, &err), -1);
	assert_true(clock_ms() - start >= 100);
	lock_release(&a);
	assert_int_equal(lock_wait(&b, path, "x", 100, &err), 0);
	lock_release(&b);
}

/* kill -9 of the holder frees the lock: nobody ever has to remove a file by hand. */
static void test_death(void **state)
{
	autofree char *path = path_join(*state, "lock");
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (lock_take(&lock, path, "x", "up", &err) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(lock_take(&lock, path, "x", "down", &err), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(lock_take(&lock, path, "x", "down", &err), 0);
	lock_release(&lock);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_busy),
		FOLDER_TEST(test_wait),
		FOLDER_TEST(test_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
