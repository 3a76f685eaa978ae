/* event.c - emitting events. */
#include "devenv/event.h"

#include "devenv/mem.h"

#include <stdarg.h>

void sink_emit(const struct sink *sink, const struct event *event)
{
	if (sink && sink->emit)
		sink->emit(sink->ctx, event);
}

__attribute__((format(printf, 4, 0))) static void emit_text(const struct sink *sink,
	enum event_kind kind, const char *object, const char *fmt, va_list args)
{
	autofree char *text = xvasprintf(fmt, args);

	sink_emit(sink, &(struct event){.kind = kind, .object = object, .text = text});
}

void sink_info(const struct sink *sink, const char *object, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit_text(sink, EVENT_INFO, object, fmt, args);
	va_end(args);
}

void sink_warn(const struct sink *sink, const char *object, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	emit_text(sink, EVENT_WARNING, object, fmt, args);
	va_end(args);
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[] = {
		[EVENT_START] = "start",
		[EVENT_PROGRESS] = "progress",
		[EVENT_DONE] = "done",
		[EVENT_FAILED] = "failed",
		[EVENT_INFO] = "info",
		[EVENT_WARNING] = "warning",
		[EVENT_LOG] = "log",
		[EVENT_SUMMARY] = "summary",
	};

	return names[kind];
}
