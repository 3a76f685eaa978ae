/*
 * plain.c - progress as lines, for logs, pipes and CI.
 *
 * Starts and ends are a line each; with --verbose each new detail too.  Else only what is still
 * under way is said, once nothing was written for two seconds: whoever reads must be able to tell
 * slow from stuck.
 */
#include "render.h"

#include "devenv/clock.h"
#include "devenv/str.h"

#include <string.h>

#define SILENCE_MS 2000

void item_amount(const struct item *item, struct buf *out)
{
	char done[16], total[16], rate[16];

	if (item->unit) {
		buf_addf(out, " %llu", (unsigned long long)item->done);
		if (item->total)
			buf_addf(out, "/%llu", (unsigned long long)item->total);
		buf_addf(out, " %s", item->unit);
		return;
	}
	if (!item->done && !item->total)
		return;
	buf_addf(out, " %s", format_bytes(done, item->done));
	if (item->total)
		buf_addf(out, "/%s", format_bytes(total, item->total));
	if (item->rate < 1)
		return;
	buf_addf(out, "  %s/s", format_bytes(rate, (uint64_t)item->rate));
	if (item->total > item->done)
		buf_addf(out, "  %llu s left",
			(unsigned long long)((double)(item->total - item->done) / item->rate) + 1);
}

static void add_took(struct buf *out, int64_t ms)
{
	char took[16];

	if (ms > 0)
		buf_addf(out, " (%s)", format_ms(took, ms));
}

static void add_object(struct buf *out, const char *object)
{
	if (!object)
		return;
	ui_text(out, object);
	buf_addstr(out, ": ");
}

static void add_log(struct buf *out, const struct event *event)
{
	if (event->object) {
		ui_text(out, event->object);
		buf_addstr(out, " | ");
	}
	ui_lines(out, event->text ? event->text : "");
	buf_addch(out, '\n');
}

void plain_event(struct ui *ui, const struct event *event, const struct item *item)
{
	int64_t ms = event->ms;

	if (event->kind == EVENT_PROGRESS && !(ui->verbose && item && item->news))
		return;
	if (event->kind == EVENT_LOG) {
		add_log(&ui->out, event);
		return;
	}
	if (event->kind == EVENT_WARNING)
		buf_addstr(&ui->out, "warning: ");
	add_object(&ui->out, event->object);
	ui_lines(&ui->out, event->text ? event->text : event_kind_name(event->kind));
	if (event->kind == EVENT_DONE || event->kind == EVENT_SUMMARY) {
		if (!ms && item)
			ms = clock_ms() - item->start_ms;
		add_took(&ui->out, ms);
	}
	buf_addch(&ui->out, '\n');
}

void plain_tick(struct ui *ui)
{
	int64_t now = clock_ms();
	const struct item *item = NULL;

	if (!ui->n || now - ui->written_ms < SILENCE_MS)
		return;
	/*
	 * The last one begun is the likeliest to be of interest; the number says that it is not
	 * alone.
	 */
	item = &ui->items[ui->n - 1];
	add_object(&ui->out, item->object);
	ui_lines(&ui->out, item->text ? item->text : "working");
	item_amount(item, &ui->out);
	if (item->detail && !str_eq(item->detail, item->text)) {
		buf_addch(&ui->out, ' ');
		ui_text(&ui->out, item->detail);
	}
	add_took(&ui->out, now - item->start_ms);
	if (ui->n > 1)
		buf_addf(&ui->out, ", and %zu more", ui->n - 1);
	buf_addch(&ui->out, '\n');
}
