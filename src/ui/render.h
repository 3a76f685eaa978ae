/*
 * render.h - what the three renderers share: the display's state, and their entry points.
 *
 * Private to src/ui.  A renderer draws with the lock held, so it needs no thought about threads; it
 * collects what it draws in `out`, and ui.c writes that in one piece.
 */
#ifndef UI_RENDER_H
#define UI_RENDER_H

#include "devenv/buf.h"
#include "devenv/event.h"
#include "devenv/ui.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Work under way: one line of the live display. */
struct item {
	char *object;
	char *text;   /* what is being done */
	char *detail; /* of the last EVENT_PROGRESS, or NULL */
	bool news;    /* it is another detail than before */
	char *unit;   /* NULL: bytes */
	uint64_t done, total;
	int64_t start_ms;
	int64_t rate_ms; /* when rate_done was taken */
	uint64_t rate_done;
	double rate; /* per second, smoothed; 0: not known yet */
};

struct ui {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread, stop, verbose;
	bool hidden;           /* the cursor */
	int paused;            /* nested pauses */
	enum ui_progress mode; /* never UI_AUTO */
	int fd;
	struct item *items; /* in the order of their starts */
	size_t n;
	size_t drawn;       /* lines of the live region on the screen */
	int64_t written_ms; /* when something was last written */
	struct buf out;
};

/* Called with the lock held; `item` is the event's line when there is one (already up to date). */
void tty_event(struct ui *ui, const struct event *event, const struct item *item);
void plain_event(struct ui *ui, const struct event *event, const struct item *item);
void json_event(struct ui *ui, const struct event *event);

/* Redraw, or say what is still under way after a silence. Called some ten times a second. */
void tty_tick(struct ui *ui);
void plain_tick(struct ui *ui);
void json_tick(struct ui *ui);

/* Leave the last state on the screen and give the terminal back as it was. */
void tty_close(struct ui *ui);

/* "12.4 MB / 80 MB  3.1 MB/s  22 s left", or the steps, or "". Appended. */
void item_amount(const struct item *item, struct buf *out);

/*
 * The columns that `text` takes; and its longest beginning of at most `columns` columns, in bytes.
 */
size_t text_fit(const char *text, int columns, int *used);
int text_columns(const char *text);

#endif
