/*
 * ui.c - the sink: keeps what is under way, and hands each event to the renderer that was chosen.
 *
 * Events come from any thread; everything happens under one lock.  One thread of its own draws: ten
 * times a second on a terminal, and elsewhere only to break a silence of two seconds.
 */
#include "devenv/ui.h"

#include "render.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100

static struct item *item_find(struct ui *ui, const char *object)
{
	for (size_t i = 0; object && i < ui->n; i++)
		if (str_eq(ui->items[i].object, object))
			return &ui->items[i];
	return NULL;
}

static void set_text(char **member, const char *text)
{
	free(*member);
	*member = xstrdup(text);
}

static struct item *item_start(struct ui *ui, const char *object, const char *text)
{
	struct item *item = item_find(ui, object);

	if (!item) {
		ui->items = xgrow(ui->items, ui->n, sizeof(*ui->items));
		item = &ui->items[ui->n++];
		*item = (struct item){.object = xstrdup(object)};
	}
	set_text(&item->text, text);
	set_text(&item->detail, NULL);
	item->done = item->total = 0;
	item->rate = 0;
	item->rate_done = 0;
	item->start_ms = item->rate_ms = clock_ms();
	return item;
}

/* A new sample about every second; the older rate keeps half of the weight. */
static void item_progress(struct item *item, const struct event *event)
{
	int64_t now = clock_ms(), passed = now - item->rate_ms;

	item->done = event->done;
	item->total = event->total;
	item->news = event->text && !str_eq(item->detail, event->text);
	if (!str_eq(item->detail, event->text))
		set_text(&item->detail, event->text);
	if (!str_eq(item->unit, event->unit))
		set_text(&item->unit, event->unit);
	if (passed < 1000)
		return;
	if (event->done >= item->rate_done) {
		double rate = (double)(event->done - item->rate_done) * 1000.0 / (double)passed;

		item->rate = item->rate > 0 ? (item->rate + rate) / 2 : rate;
	}
	item->rate_done = event->done;
	item->rate_ms = now;
}

static void item_release(struct item *item)
{
	free(item->object);
	free(item->text);
	free(item->detail);
	free(item->unit);
}

static void item_remove(struct ui *ui, struct item *item)
{
	size_t index = (size_t)(item - ui->items);

	item_release(item);
	memmove(item, item + 1, (ui->n - index - 1) * sizeof(*item));
	ui->n--;
}

static void flush(struct ui *ui)
{
	if (!ui->out.len)
		return;
	fs_write_all(ui->fd, buf_str(&ui->out), ui->out.len);
	buf_reset(&ui->out);
	ui->written_ms = clock_ms();
}

static void render(struct ui *ui, const struct event *event, const struct item *item)
{
	switch (ui->mode) {
	case UI_TTY:
		tty_event(ui, event, item);
		break;
	case UI_JSON:
		json_event(ui, event);
		break;
	case UI_QUIET:
		break;
	case UI_AUTO:
	case UI_PLAIN:
		plain_event(ui, event, item);
		break;
	}
}

static void tick(struct ui *ui)
{
	if (ui->mode == UI_TTY)
		tty_tick(ui);
	else if (ui->mode == UI_PLAIN)
		plain_tick(ui);
	else
		json_tick(ui);
	flush(ui);
}

static void *draw(void *arg)
{
	struct ui *ui = arg;

	pthread_mutex_lock(&ui->mutex);
	while (!ui->stop) {
		struct timespec until = {0};

		if (!ui->paused)
			tick(ui);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&ui->wake, &ui->mutex, &until);
	}
	pthread_mutex_unlock(&ui->mutex);
	return NULL;
}

/* Signals belong to the main thread: the drawing thread blocks them all. */
static void start_thread(struct ui *ui)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ui->has_thread = pthread_create(&ui->thread, NULL, draw, ui) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void handle(void *ctx, const struct event *event)
{
	struct ui *ui = ctx;
	struct item *item = NULL;

	pthread_mutex_lock(&ui->mutex);
	item = item_find(ui, event->object);
	if (event->object &&
		(event->kind == EVENT_START || (event->kind == EVENT_PROGRESS && !item)))
		item = item_start(ui, event->object, event->text);
	if (item && !ui->has_thread && ui->mode != UI_QUIET)
		start_thread(ui);
	if (item && event->kind == EVENT_PROGRESS)
		item_progress(item, event);
	render(ui, event, item);
	if (item && (event->kind == EVENT_DONE || event->kind == EVENT_FAILED))
		item_remove(ui, item);
	/* What is said while somebody else has the terminal is shown when it comes back. */
	if (!ui->paused)
		flush(ui);
	pthread_mutex_unlock(&ui->mutex);
}

struct sink ui_begin(enum ui_progress mode, bool verbose)
{
	struct ui *ui = xcalloc(1, sizeof(*ui));
	pthread_condattr_t attr;
	const char *term = getenv("TERM");
	bool live = isatty(STDERR_FILENO) && !str_eq(term, "dumb");

	ui->mode = mode == UI_AUTO ? (live ? UI_TTY : UI_PLAIN) : mode;
	ui->verbose = verbose;
	ui->fd = STDERR_FILENO;
	ui->written_ms = clock_ms();
	pthread_mutex_init(&ui->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ui->wake, &attr);
	pthread_condattr_destroy(&attr);
	return (struct sink){.emit = handle, .ctx = ui};
}

void ui_end(struct sink *sink)
{
	struct ui *ui = sink->ctx;

	if (!ui)
		return;
	pthread_mutex_lock(&ui->mutex);
	ui->stop = true;
	pthread_cond_signal(&ui->wake);
	pthread_mutex_unlock(&ui->mutex);
	if (ui->has_thread)
		pthread_join(ui->thread, NULL);
	if (ui->mode == UI_TTY)
		tty_close(ui);
	flush(ui);
	for (size_t i = 0; i < ui->n; i++)
		item_release(&ui->items[i]);
	free(ui->items);
	buf_release(&ui->out);
	pthread_cond_destroy(&ui->wake);
	pthread_mutex_destroy(&ui->mutex);
	free(ui);
	*sink = (struct sink){0};
}

void ui_pause(struct sink *sink)
{
	struct ui *ui = sink->ctx;

	/* Lines do not disturb each other: only the live display has to stand still. */
	if (!ui || sink->emit != handle || ui->mode != UI_TTY)
		return;
	pthread_mutex_lock(&ui->mutex);
	if (ui->paused++ == 0) {
		tty_close(ui);
		flush(ui);
	}
	pthread_mutex_unlock(&ui->mutex);
}

void ui_resume(struct sink *sink)
{
	struct ui *ui = sink->ctx;

	if (!ui || sink->emit != handle || ui->mode != UI_TTY)
		return;
	pthread_mutex_lock(&ui->mutex);
	if (ui->paused > 0 && --ui->paused == 0)
		flush(ui);
	pthread_mutex_unlock(&ui->mutex);
}
