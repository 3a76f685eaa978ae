/* dump_feed.h - reading a dump with progress in bytes of its file.  Private to src/plan. */
#ifndef PLAN_DUMP_FEED_H
#define PLAN_DUMP_FEED_H

#include "devenv/dump.h"
#include "devenv/event.h"

struct dump_feed {
	struct dump *dump;
	const char *object; /* of the events */
	const char *text;   /* of the events; or NULL */
	const struct sink *sink;
	int64_t told_ms; /* when the last event went out */
};

/* dump_read() of the struct dump_feed `ctx`. */
ssize_t dump_feed_read(void *ctx, void *data, size_t len, struct err *err);

#endif
