/* cp_path.c - what a path of `devenv cp` says by its form, and what is there. */
#include "cp.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#define TELL_EVERY_MS 100

bool cp_names_contents(const char *path)
{
	return str_eq(path, ".") || str_ends(path, "/.");
}

bool cp_names_folder(const char *path)
{
	return str_ends(path, "/") || cp_names_contents(path);
}

char *cp_name(const char *path)
{
	autofree char *whole = path_absolute(NULL, path);

	return xstrdup(path_basename(whole));
}

int cp_stat(struct cp *cp, const char *path, struct archive_stat *stat, struct err *err)
{
	if (container_archive_stat(cp->engine, cp->id, path, stat, err) == 0)
		return 1;
	if (err->status != 404)
		return -1;
	err_clear(err);
	return 0;
}

void cp_count(struct cp *cp, size_t n)
{
	int64_t now = clock_ms();

	cp->done += n;
	if (now - cp->told_ms < TELL_EVERY_MS)
		return;
	cp->told_ms = now;
	sink_emit(cp->sink, &(struct event){.kind = EVENT_PROGRESS,
				    .object = cp->object,
				    .text = "Copying",
				    .done = cp->done,
				    .total = cp->total > cp->done ? cp->total : 0});
}
