/*
 * event.h - what long work tells the user, as data.
 *
 * Whoever works emits typed events into a sink; src/ui renders them as a live display, as plain
 * lines or as JSON lines.  Nothing below ui/ prints.  A sink may be called from several threads.
 *
 *	sink_emit(sink, &(struct event){
 *		.kind = EVENT_START, .object = "image nginx:1.27", .text = "Pulling"});
 */
#ifndef DEVENV_EVENT_H
#define DEVENV_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_START,    /* work on `object` began; text: "Pulling" */
	EVENT_PROGRESS, /* done of total bytes (total 0: unknown); text: the detail */
	EVENT_DONE,     /* text: "Pulled" */
	EVENT_FAILED,   /* text: the error */
	EVENT_INFO,     /* a line for the user, about `object` when not NULL */
	EVENT_WARNING,
	EVENT_LOG,     /* one line a service wrote; stream 1 or 2 */
	EVENT_SUMMARY, /* the last line: what was done in all */
};

struct event {
	enum event_kind kind;
	const char *object; /* "service shop/web", "image nginx:1.27", "volume data"; may be NULL */
	const char *text;   /* for people; may be NULL */
	uint64_t done, total; /* EVENT_PROGRESS: bytes, or steps when `unit` says so */
	const char *unit;     /* NULL: bytes */
	int64_t ms;           /* EVENT_DONE, EVENT_SUMMARY: how long it took */
	int stream;           /* EVENT_LOG */
	int code;             /* EVENT_FAILED: exit status */
};

struct sink {
	void (*emit)(void *ctx, const struct event *event);
	void *ctx;
};

/* Emit; a NULL sink drops it. */
void sink_emit(const struct sink *sink, const struct event *event);
void sink_info(const struct sink *sink, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sink_warn(const struct sink *sink, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *event_kind_name(enum event_kind kind); /* "start", "progress", ... */

#endif
