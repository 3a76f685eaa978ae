/*
 * terminal.c - colours and questions.
 */
#include "devenv/ui.h"

#include "render.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 64

bool ui_color(int fd)
{
	const char *term = getenv("TERM");

	if (!str_empty(getenv("NO_COLOR")))
		return false;
	if (!str_empty(getenv("CLICOLOR_FORCE")))
		return true;
	return isatty(fd) && !str_eq(term, "dumb");
}

const char *ui_style(int fd, const char *name)
{
	static const struct {
		const char *name, *code;
	} styles[] = {{"red", "\033[31m"}, {"green", "\033[32m"}, {"yellow", "\033[33m"},
		{"blue", "\033[34m"}, {"magenta", "\033[35m"}, {"cyan", "\033[36m"},
		{"bold", "\033[1m"}, {"dim", "\033[2m"}, {"reset", "\033[0m"}};

	if (!ui_color(fd))
		return "";
	for (size_t i = 0; i < ARRAY_LEN(styles); i++)
		if (str_eq(styles[i].name, name))
			return styles[i].code;
	return "";
}

/* A line from the terminal, or false at its end or when the user wants to stop. */
static bool read_answer(char answer[ANSWER_MAX])
{
	size_t len = 0;

	for (;;) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = signals_fd(), .events = POLLIN}};
		char c = 0;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (signals_pending())
			return false;
		if (!fds[0].revents)
			continue;
		if (read(STDIN_FILENO, &c, 1) <= 0)
			return false;
		if (c == '\n')
			break;
		if (len + 1 < ANSWER_MAX)
			answer[len++] = c;
	}
	answer[len] = '\0';
	return true;
}

bool ui_confirm(const char *question)
{
	autobuf struct buf text = BUF_INIT(0);
	char answer[ANSWER_MAX] = "";
	const char *word = NULL;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	ui_lines(&text, question);
	buf_addstr(&text, " [y/N] ");
	fs_write_all(STDERR_FILENO, buf_str(&text), text.len);
	if (!read_answer(answer))
		return false;
	word = str_trim(answer);
	return strcasecmp(word, "y") == 0 || strcasecmp(word, "yes") == 0;
}
