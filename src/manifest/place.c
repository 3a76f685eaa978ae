/* place.c - the path of a place as text; see place.h. */
#include "place.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdarg.h>

/* Longer paths come only from hostile documents. */
#define PATH_TEXT_LIMIT 4096

static void place_add(const struct place *place, struct buf *out)
{
	if (place->up)
		place_add(place->up, out);
	if (place->name)
		buf_addf(out, "%s%s", out->len ? "." : "", place->name);
	else
		buf_addf(out, "[%zu]", place->index);
}

char *place_text(const struct place *place)
{
	autobuf struct buf out = BUF_INIT(PATH_TEXT_LIMIT);

	if (place)
		place_add(place, &out);
	return buf_detach(&out);
}

/*
 * Below an `x-` key? Compose accepts anything there, so devenv does too: another tool may use the
 * same word. Our own users still get to know.
 */
static bool is_extension(const struct place *place)
{
	for (; place; place = place->up)
		if (place->name && str_starts(place->name, "x-"))
			return true;
	return false;
}

static void report(struct diags *diags, const struct node *node, const struct place *place,
	const char *path, const char *help, const char *text)
{
	if (is_extension(place))
		node_warning(diags, node, path, help, "%s", text);
	else
		node_error(diags, node, path, help, "%s", text);
}

void place_error(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...)
{
	autofree char *path = place_text(place);
	autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	report(diags, node, place, path, help, text);
}

void place_warning(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...)
{
	autofree char *path = place_text(place);
	autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	node_warning(diags, node, path, help, "%s", text);
}

void place_missing(struct diags *diags, const struct node *node, const struct place *place,
	const char *help, const char *fmt, ...)
{
	autofree char *path = place_text(place);
	autofree char *text = NULL;
	va_list args;

	if (diag_has_error(diags, path))
		return;
	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	report(diags, node, place, path, help, text);
}
