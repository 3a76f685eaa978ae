/*
 * arena.c - memory for one load, released at once.
 *
 * A tree of nodes is thousands of small pieces that live and die together; a bump allocator makes
 * each a few instructions, and there is nothing to leak on the many error paths of a parser.
 */
#include "node.h"

#include "devenv/mem.h"

#include <stdarg.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)16 << 10)
#define CHUNK_MAX ((size_t)1 << 20)
#define ALIGNMENT 8 /* pointers and 64-bit numbers; text is packed */

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(ALIGNMENT) char data[];
};

struct arena {
	struct chunk *chunks; /* the newest first; only that one has room */
	size_t next_size;
	size_t total;
};

struct arena *arena_new(void)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));

	arena->next_size = CHUNK_FIRST;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		cleanup_free(&chunk);
	}
	cleanup_free(&arena);
}

size_t arena_size(const struct arena *arena)
{
	return arena->total;
}

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	size_t room = size > arena->next_size ? size : arena->next_size;
	struct chunk *chunk = xmalloc(sizeof(*chunk) + room);

	*chunk = (struct chunk){.next = arena->chunks, .size = room};
	arena->chunks = chunk;
	arena->total += room;
	if (arena->next_size < CHUNK_MAX)
		arena->next_size *= 2;
	return chunk;
}

static void *arena_take(struct arena *arena, size_t size, size_t alignment)
{
	struct chunk *chunk = arena->chunks;
	size_t start = chunk ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;

	if (!chunk || start > chunk->size || chunk->size - start < size) {
		chunk = chunk_add(arena, size);
		start = 0;
	}
	chunk->used = start + size;
	return chunk->data + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_take(arena, size, ALIGNMENT), 0, size);
}

char *arena_strdup(struct arena *arena, const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(arena_take(arena, size, 1), s, size);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	return arena_strdup(arena, text);
}
