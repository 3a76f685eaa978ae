/* test_term.c - the terminal's modes and size, on a real pseudo-terminal. */
#include "testing.h"

#include "devenv/term.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

struct pty {
	int master, slave;
};

static struct pty pty_new(void)
{
	struct pty pty = {posix_openpt(O_RDWR | O_NOCTTY), -1};

	assert_true(pty.master >= 0);
	assert_int_equal(grantpt(pty.master), 0);
	assert_int_equal(unlockpt(pty.master), 0);
	pty.slave = open(ptsname(pty.master), O_RDWR | O_NOCTTY);
	assert_true(pty.slave >= 0);
	return pty;
}

static void pty_close(struct pty *pty)
{
	close(pty->slave);
	close(pty->master);
}

static tcflag_t local_flags(int fd)
{
	struct termios settings;

	assert_int_equal(tcgetattr(fd, &settings), 0);
	return settings.c_lflag;
}

static void test_raw(void **state)
{
	struct pty pty = pty_new();
	tcflag_t before = local_flags(pty.slave);
	struct err err = ERR_INIT;

	assert_true(before & ECHO);
	assert_int_equal(term_raw(pty.slave, &err), 0);
	assert_false(local_flags(pty.slave) & (ECHO | ICANON | ISIG));
	/* Raw twice keeps what was before the first. */
	assert_int_equal(term_raw(pty.slave, &err), 0);
	term_restore();
	assert_int_equal(local_flags(pty.slave), before);
	term_restore();
	pty_close(&pty);
}

static void test_no_terminal(void **state)
{
	struct err err = ERR_INIT;
	int rows, columns;
	int fd = open("/dev/null", O_RDWR);

	assert_false(term_is(fd));
	assert_false(term_is(-1));
	assert_false(term_size(fd, &rows, &columns));
	assert_int_equal(term_raw(fd, &err), -1);
	assert_int_equal(err.kind, ERR_FAILED);
	close(fd);
}

static void test_size(void **state)
{
	struct pty pty = pty_new();
	struct winsize size = {.ws_row = 40, .ws_col = 132};
	int rows = 0, columns = 0;

	assert_int_equal(ioctl(pty.master, TIOCSWINSZ, &size), 0);
	assert_true(term_is(pty.slave));
	assert_true(term_size(pty.slave, &rows, &columns));
	assert_int_equal(rows, 40);
	assert_int_equal(columns, 132);
	pty_close(&pty);
}

static void test_resize(void **state)
{
	struct pollfd wait = {term_resize_fd(), POLLIN, 0};

	assert_true(wait.fd >= 0);
	assert_int_equal(poll(&wait, 1, 0), 0);
	raise(SIGWINCH);
	assert_int_equal(poll(&wait, 1, 0), 1);
	term_resize_clear();
	assert_int_equal(poll(&wait, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
