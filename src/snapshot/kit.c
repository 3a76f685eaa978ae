/* kit.c - what one thread works with. */
#include "kit.h"

#include "devenv/mem.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

unsigned char *kit_memory(size_t size)
{
	unsigned char *memory;

	if (size < HUGE_PAGE / 2)
		return xaligned(KIT_ALIGN, round_up(size, KIT_ALIGN));
	size = round_up(size, HUGE_PAGE);
	memory = xaligned(HUGE_PAGE, size);
#ifdef MADV_HUGEPAGE
	madvise(memory, size, MADV_HUGEPAGE);
#endif
	return memory;
}

struct kit *kit_new(size_t out, struct err *err)
{
	struct kit *kit = xcalloc(1, sizeof(*kit));

	kit->codec = codec_new(err);
	if (!kit->codec) {
		free(kit);
		return NULL;
	}
	if (out)
		kit->out = kit_memory(out);
	return kit;
}

void kit_free(struct kit *kit)
{
	if (!kit)
		return;
	codec_free(kit->codec);
	free(kit->out);
	free(kit->span.data);
	free(kit);
}
