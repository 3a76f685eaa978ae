/*
 * err.c - errors that carry what was being done, to what.
 *
 * The text reads from intent to cause.  When a wrapped message does not fit, the end is lost: the
 * buffer is large enough that only an engine's own rambling is ever cut.
 */
#include "devenv/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int status;
} kinds[ERR_KINDS] = {
	[ERR_NONE] = {"none", 0},
	[ERR_FAILED] = {"failed", 1},
	[ERR_USAGE] = {"usage", 2},
	[ERR_MANIFEST] = {"manifest", 3},
	[ERR_ENGINE] = {"engine", 4},
	[ERR_REGISTRY] = {"registry", 5},
	[ERR_PORT] = {"port-taken", 6},
	[ERR_NOT_READY] = {"not-ready", 7},
	[ERR_SERVICE] = {"service-failed", 8},
	[ERR_SNAPSHOT] = {"snapshot", 9},
	[ERR_TUNNEL] = {"tunnel", 10},
	[ERR_TIMEOUT] = {"timeout", 124},
	[ERR_CANCELLED] = {"cancelled", 130},
	[ERR_EXIT] = {"exit", 1},
};

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	err->kind = kind;
	err->os = 0;
	err->status = 0;
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	return -1;
}

int err_os(struct err *err, enum err_kind kind, int os, const char *fmt, ...)
{
	va_list args;
	size_t len;

	err->kind = kind;
	err->os = os;
	err->status = 0;
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror(os));
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char cause[sizeof(err->msg)];
	va_list args;
	size_t len;

	memcpy(cause, err->msg, sizeof(cause));
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %.*s", (int)(sizeof(cause) - 1), cause);
	return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	/* " (do this)" and ": more" are joined as they are; a bare sentence gets its brackets. */
	bool bare = !strchr(" \n:;,(", *fmt);
	size_t len = strlen(err->msg);
	va_list args;

	if (bare)
		len += (size_t)snprintf(err->msg + len, sizeof(err->msg) - len, " (");
	if (len < sizeof(err->msg)) {
		va_start(args, fmt);
		vsnprintf(err->msg + len, sizeof(err->msg) - len, fmt, args);
		va_end(args);
	}
	len = strlen(err->msg);
	if (bare)
		snprintf(err->msg + len, sizeof(err->msg) - len, ")");
	return -1;
}

void err_clear(struct err *err)
{
	*err = ERR_INIT;
}

int err_exit_status(const struct err *err)
{
	if (err->kind == ERR_EXIT)
		return err->status;
	if (err->kind == ERR_CANCELLED && err->status)
		return err->status;
	return kinds[err->kind].status;
}

const char *err_kind_name(enum err_kind kind)
{
	return kinds[kind].name;
}
