/*
 * extract.h - a tar stream unpacked on this machine, below one folder.
 *
 * For what comes out of containers, whose names and links nobody has checked.  Every entry is
 * written relative to a descriptor of its folder, and no symbolic link is ever followed below the
 * folder that was named: not one that the archive made, and not one that was there before.  Refused
 * are ".." in a name, an entry outside the archive's top, and a file in place of a folder or the
 * other way round.  A file appears under its name when it is whole.  Memory does not grow with the
 * archive.
 *
 *	struct extract_spec spec = {.dir = fd, .name = "app", .rooted = true, .read = read, ...};
 *	if (extract(&spec, err) < 0)
 *		...
 */
#ifndef DEVENV_EXTRACT_H
#define DEVENV_EXTRACT_H

#include "devenv/err.h"
#include "devenv/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct extract_spec {
	int dir; /* the folder that nothing leaves; borrowed */
	/* What the archive's top is called there; NULL: what is below the top goes into `dir`. */
	const char *name;
	/* The entries are TOP, TOP/a, ...; else they are a, ./b, ... and "." is the top. */
	bool rooted;
	bool owned; /* keep owners, groups and set-id bits: for root */
	/* Up to `len` bytes of the tar; 0 at its end; -1 with err. */
	ssize_t (*read)(void *ctx, void *data, size_t len, struct err *err);
	void *ctx;
	const char *object; /* of the warnings; or NULL */
	const struct sink *sink;
};

/*
 * Unpack it all: files, folders, links, pipes, with modes and times; devices are left out with a
 * warning. ERR_FAILED names the entry. What was unpacked before an error stays.
 */
int extract(const struct extract_spec *spec, struct err *err);

#endif
