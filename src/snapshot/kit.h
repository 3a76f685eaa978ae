/*
 * kit.h - what one thread works with: a codec, and memory for what it reads and makes.
 *
 * Private to src/snapshot.  The large pieces lie in huge pages where the kernel has them: what is
 * read and written past the page cache goes to the disk in one request then, not in one for each
 * stretch of pages that happen to be neighbours.
 */
#ifndef SNAPSHOT_KIT_H
#define SNAPSHOT_KIT_H

#include "codec.h"

#include "devenv/snapshot_format.h"

#include <stddef.h>
#include <stdint.h>

#define KIT_ALIGN 4096 /* of memory, and of place and length, for I/O past the page cache */

struct source;

/* What was read ahead: bytes `from` to `to` of a pack. */
struct kit_span {
	const struct source *source; /* NULL: nothing */
	uint32_t pack;
	uint64_t from, to;
	unsigned char *data; /* NULL: no room yet */
};

struct kit {
	struct codec *codec;
	unsigned char *out; /* as much as was asked for, at KIT_ALIGN; NULL: nothing was */
	struct kit_span span;
	unsigned char frame[SNAPSHOT_FRAME_MAX];
	unsigned char prefix[SNAPSHOT_BASES_MAX * SNAPSHOT_CHUNK];
};

/* With `out` bytes in kit->out. NULL with err. */
struct kit *kit_new(size_t out, struct err *err);

void kit_free(struct kit *kit); /* NULL is fine */

/* Memory at KIT_ALIGN, for free(). */
unsigned char *kit_memory(size_t size);

#endif
