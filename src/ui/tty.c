/*
 * tty.c - the live display: what is done scrolls up, what is under way stays below it.
 *
 * Each redraw erases the lines of the last one and writes everything in one piece, so it never
 * flickers; no line is wider than the terminal, so that counting lines is enough to find the way
 * back.
 */
#include "render.h"

#include "devenv/clock.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"

struct marks {
	const char *done, *failed, *warning, *info;
	const char *spinner[10];
	size_t spins;
};

static const struct marks *marks(void)
{
	static const struct marks utf8 = {
		"✔", "✘", "!", "·", {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}, 10};
	static const struct marks ascii = {"+", "x", "!", "-", {"|", "/", "-", "\\"}, 4};

	return str_eq(nl_langinfo(CODESET), "UTF-8") ? &utf8 : &ascii;
}

/* Called by the second Ctrl-C, in the signal handler. */
static void show_cursor(void)
{
	if (write(STDERR_FILENO, SHOW_CURSOR "\n", sizeof(SHOW_CURSOR)) < 0)
		return;
}

static struct winsize window(const struct ui *ui)
{
	struct winsize size = {0};

	ioctl(ui->fd, TIOCGWINSZ, &size);
	if (size.ws_col < 20)
		size.ws_col = 80;
	if (size.ws_row < 4)
		size.ws_row = 24;
	return size;
}

static void tty_erase(struct ui *ui)
{
	if (!ui->drawn)
		return;
	buf_addf(&ui->out, "\033[%zuA\r\033[J", ui->drawn);
	ui->drawn = 0;
}

/* `text` cut to `columns`, which the last column of the terminal does not belong to. */
static void add_cut(struct buf *out, const char *text, int columns)
{
	int used = 0;

	buf_add(out, text, text_fit(text, columns, &used));
}

static void draw_item(struct ui *ui, const struct item *item, int columns)
{
	autobuf struct buf line = BUF_INIT(0);
	char took[16];
	int64_t now = clock_ms();
	const struct marks *m = marks();

	ui_text(&line, item->object);
	buf_addstr(&line, "  ");
	ui_text(&line, item->text ? item->text : "");
	item_amount(item, &line);
	if (item->detail && !str_eq(item->detail, item->text)) {
		buf_addstr(&line, "  ");
		ui_text(&line, item->detail);
	}
	if (now - item->start_ms >= 1000)
		buf_addf(&line, "  %s", format_ms(took, now - item->start_ms));
	buf_addf(&ui->out, "%s%s%s ", ui_style(ui->fd, "cyan"),
		m->spinner[(size_t)(now / 100) % m->spins], ui_style(ui->fd, "reset"));
	add_cut(&ui->out, buf_str(&line), columns - 3);
	buf_addch(&ui->out, '\n');
	ui->drawn++;
}

static void draw_items(struct ui *ui)
{
	struct winsize size = window(ui);
	size_t room = (size_t)size.ws_row - 2, shown = ui->n > room ? room : ui->n;

	if (!ui->n)
		return;
	if (!ui->hidden) {
		signals_on_exit(show_cursor);
		buf_addstr(&ui->out, HIDE_CURSOR);
		ui->hidden = true;
	}
	for (size_t i = 0; i < shown; i++)
		draw_item(ui, &ui->items[i], size.ws_col);
	if (ui->n > shown) {
		buf_addf(&ui->out, "  and %zu more\n", ui->n - shown);
		ui->drawn++;
	}
}

void tty_tick(struct ui *ui)
{
	pid_t owner = tcgetpgrp(ui->fd);

	if (!ui->n && !ui->drawn)
		return;
	/* In the background the terminal belongs to somebody else. */
	if (owner > 0 && owner != getpgrp())
		return;
	tty_erase(ui);
	draw_items(ui);
}

static void add_mark(struct ui *ui, const char *style, const char *mark)
{
	buf_addf(&ui->out, "%s%s%s ", ui_style(ui->fd, style), mark, ui_style(ui->fd, "reset"));
}

/* A line that stays. Long ones may wrap: nothing above the live region is ever redrawn. */
static void add_line(struct ui *ui, const struct event *event, const struct item *item)
{
	const struct marks *m = marks();
	int64_t ms = event->ms;
	char took[16];

	if (event->kind == EVENT_DONE)
		add_mark(ui, "green", m->done);
	else if (event->kind == EVENT_FAILED)
		add_mark(ui, "red", m->failed);
	else if (event->kind == EVENT_WARNING)
		add_mark(ui, "yellow", m->warning);
	else if (event->kind == EVENT_INFO)
		add_mark(ui, "dim", m->info);
	if (event->object) {
		ui_text(&ui->out, event->object);
		buf_addstr(&ui->out, event->kind == EVENT_LOG ? " | " : "  ");
	}
	ui_lines(&ui->out, event->text ? event->text : event_kind_name(event->kind));
	if (!ms && item && event->kind == EVENT_DONE)
		ms = clock_ms() - item->start_ms;
	if (ms > 0)
		buf_addf(&ui->out, "  %s%s%s", ui_style(ui->fd, "dim"), format_ms(took, ms),
			ui_style(ui->fd, "reset"));
	buf_addch(&ui->out, '\n');
}

void tty_event(struct ui *ui, const struct event *event, const struct item *item)
{
	/* Starts and progress are drawn by the next tick: a thousand events cost ten redraws. */
	if (event->kind == EVENT_START || event->kind == EVENT_PROGRESS)
		return;
	tty_erase(ui);
	add_line(ui, event, item);
	if (!ui->paused)
		draw_items(ui);
}

void tty_close(struct ui *ui)
{
	/* The last state of what never ended stays on the screen. */
	tty_erase(ui);
	draw_items(ui);
	ui->drawn = 0;
	if (!ui->hidden)
		return;
	buf_addstr(&ui->out, SHOW_CURSOR);
	signals_on_exit(NULL);
	ui->hidden = false;
}
