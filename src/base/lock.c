/* lock.c - flock with the holder's name (why the file is never deleted: lock.h). */
#include "devenv/lock.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int lock_open(const char *path, struct err *err)
{
	autofree char *dir = path_dirname(path);
	int fd;

	if (fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_os(err, ERR_FAILED, errno, "open %s", path);
	return fd;
}

static int lock_busy(int fd, const char *what, struct err *err)
{
	char owner[256] = "";
	ssize_t n = pread(fd, owner, sizeof(owner) - 1, 0);

	if (n > 0)
		owner[strcspn(owner, "\n")] = '\0';
	return err_set(err, ERR_FAILED, "%s is busy: %s; wait for it, or end it, and try again",
		what, *owner ? owner : "another devenv works on it");
}

static void lock_sign(int fd, const char *command)
{
	char text[256], when[32];
	int n = snprintf(text, sizeof(text), "\"%s\" (process %d, since %s)\n", command,
		(int)getpid(), clock_rfc3339(clock_wall(), when));

	/* Only for the message of whoever has to wait: failing to write it harms nobody. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) < 0)
		return;
}

int lock_take(
	struct lock *lock, const char *path, const char *what, const char *command, struct err *err)
{
	autoclose int fd = lock_open(path, err);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return lock_busy(fd, what, err);
		return err_os(err, ERR_FAILED, errno, "lock %s", path);
	}
	lock_sign(fd, command);
	lock->fd = TAKE_FD(fd);
	return 0;
}

int lock_wait(
	struct lock *lock, const char *path, const char *what, int timeout_ms, struct err *err)
{
	autoclose int fd = lock_open(path, err);
	int64_t deadline = clock_ms() + timeout_ms;

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_os(err, ERR_FAILED, errno, "lock %s", path);
		if (clock_ms() >= deadline)
			return lock_busy(fd, what, err);
		clock_sleep_ms(20);
	}
	lock->fd = TAKE_FD(fd);
	return 0;
}

void lock_release(struct lock *lock)
{
	if (lock->fd < 0)
		return;
	if (ftruncate(lock->fd, 0) < 0)
		errno = 0;
	close(lock->fd);
	lock->fd = -1;
}
