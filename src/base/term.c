/*
 * term.c - the terminal itself: raw mode that is always undone, size, and hearing of a new size.
 *
 * A terminal left in raw mode looks broken to its user, so the saved settings are put back on every
 * way out: term_restore(), exit(), and the second Ctrl-C.
 */
#include "devenv/term.h"

#include "devenv/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t raw_fd = -1;
static int resize_pipe[2] = {-1, -1};

bool term_is(int fd)
{
	return fd >= 0 && isatty(fd);
}

/* Only async-signal-safe calls: it runs in the handler of the second Ctrl-C too. */
void term_restore(void)
{
	int fd = raw_fd;

	if (fd < 0)
		return;
	raw_fd = -1;
	tcsetattr(fd, TCSANOW, &saved);
}

int term_raw(int fd, struct err *err)
{
	static bool registered;
	struct termios raw;

	if (raw_fd >= 0)
		return 0;
	if (tcgetattr(fd, &saved) < 0)
		return err_os(err, ERR_FAILED, errno, "read the terminal's settings");
	raw = saved;
	cfmakeraw(&raw);
	raw_fd = fd;
	if (!registered) {
		registered = true;
		signals_on_exit(term_restore);
		atexit(term_restore);
	}
	if (tcsetattr(fd, TCSANOW, &raw) < 0) {
		raw_fd = -1;
		return err_os(err, ERR_FAILED, errno, "put the terminal into raw mode");
	}
	return 0;
}

bool term_size(int fd, int *rows, int *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}

static void on_resize(int signal)
{
	int before = errno;

	/* A full pipe is as good: it is readable. */
	if (write(resize_pipe[1], "", 1) < 0)
		errno = before;
}

int term_resize_fd(void)
{
	struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};

	if (resize_pipe[0] >= 0)
		return resize_pipe[0];
	if (pipe2(resize_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, NULL);
	return resize_pipe[0];
}

void term_resize_clear(void)
{
	char bytes[64];

	while (resize_pipe[0] >= 0 && read(resize_pipe[0], bytes, sizeof(bytes)) > 0)
		;
}
