/*
 * spill.h - arrays that grow with somebody's data, and must not take as much memory.
 *
 * Up to 1 MiB an array is memory like any other.  What is larger lies in a file without a name, in
 * the folder that spill_into() was told, and is mapped: the kernel writes out what it has no room
 * for, and reads it again.  Without that folder, or where it has no space or cannot reserve it, all
 * of it is memory.  The functions are safe from any thread, an array's use is not.
 *
 *	spill_into(folder);
 *	chunks = spill_grow(chunks, n, sizeof(*chunks));
 *	chunks[n++] = chunk;
 *	...
 *	spill_free(chunks);
 */
#ifndef DEVENV_SPILL_H
#define DEVENV_SPILL_H

#include <stddef.h>

/* Use this folder from here on, for the whole process; nothing is left in it. */
void spill_into(const char *folder);

/* As xgrow() of mem.h; `array` may also come from there, from xmalloc() or xcalloc(). */
void *spill_grow(void *array, size_t n, size_t size);

/* As xcalloc(). */
void *spill_zeroed(size_t n, size_t size);

/* As free(), also of what did not come from here. */
void spill_free(void *array);

#endif
