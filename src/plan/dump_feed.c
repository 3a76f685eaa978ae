/* dump_feed.c - reading a dump with progress (dump_feed.h). */
#include "dump_feed.h"

#include "devenv/clock.h"

#define PROGRESS_MS 100

ssize_t dump_feed_read(void *ctx, void *data, size_t len, struct err *err)
{
	struct dump_feed *feed = ctx;
	ssize_t n = dump_read(feed->dump, data, len, err);
	int64_t now = clock_ms();

	if (n < 0 || (n > 0 && now - feed->told_ms < PROGRESS_MS))
		return n;
	feed->told_ms = now;
	sink_emit(feed->sink, &(struct event){.kind = EVENT_PROGRESS,
				      .object = feed->object,
				      .text = feed->text,
				      .done = dump_taken(feed->dump),
				      .total = dump_size(feed->dump)});
	return n;
}
