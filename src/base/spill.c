/*
 * spill.c - arrays in a file without a name (spill.h).
 *
 * One file serves all of them: each has a place of its own at its end, reserved before it is mapped
 * (a page that finds no space when it is written to ends the process), and given back as a hole.
 */
#include "devenv/spill.h"

#include "devenv/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPILL_MIN ((size_t)1 << 20)
#define ALIGN ((size_t)65536) /* the largest page of any machine */

struct place {
	void *at;
	size_t len;
	off_t offset;
};

static struct {
	pthread_mutex_t mutex;
	int fd; /* -1: none */
	off_t end;
	struct place *places;
	size_t n;
} spill = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* === the file, with the mutex held === */

#ifdef O_TMPFILE

static int open_file(const char *folder)
{
	return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool reserve(off_t offset, size_t len)
{
	return fallocate(spill.fd, 0, offset, (off_t)len) == 0;
}

static void give_back(const struct place *place)
{
	fallocate(spill.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place->offset,
		(off_t)place->len);
}

#else

static int open_file(const char *folder)
{
	return -1;
}

static bool reserve(off_t offset, size_t len)
{
	return false;
}

static void give_back(const struct place *place)
{
}

#endif

static struct place *find(const void *array)
{
	for (size_t i = 0; i < spill.n; i++)
		if (spill.places[i].at == array)
			return &spill.places[i];
	return NULL;
}

static void *map_more(size_t len)
{
	struct place place = {.len = len, .offset = spill.end};

	if (spill.fd < 0 || !reserve(place.offset, len))
		return NULL;
	place.at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, spill.fd, place.offset);
	if (place.at == MAP_FAILED) {
		give_back(&place);
		return NULL;
	}
	spill.places = xgrow(spill.places, spill.n, sizeof(place));
	spill.places[spill.n++] = place;
	spill.end += (off_t)len;
	return place.at;
}

static void unmap(struct place *place)
{
	munmap(place->at, place->len);
	give_back(place);
	*place = spill.places[--spill.n];
}

/* === arrays === */

void spill_into(const char *folder)
{
	pthread_mutex_lock(&spill.mutex);
	if (spill.fd < 0)
		spill.fd = open_file(folder);
	pthread_mutex_unlock(&spill.mutex);
}

/* Zeros in the file; NULL: it shall be memory. */
static void *map(size_t bytes)
{
	void *at;

	if (bytes < SPILL_MIN || bytes > PTRDIFF_MAX - ALIGN)
		return NULL;
	pthread_mutex_lock(&spill.mutex);
	at = map_more((bytes + ALIGN - 1) & ~(ALIGN - 1));
	pthread_mutex_unlock(&spill.mutex);
	return at;
}

static bool is_mapped(const void *array)
{
	bool found;

	pthread_mutex_lock(&spill.mutex);
	found = find(array) != NULL;
	pthread_mutex_unlock(&spill.mutex);
	return found;
}

void spill_free(void *array)
{
	struct place *place;

	pthread_mutex_lock(&spill.mutex);
	place = find(array);
	if (place)
		unmap(place);
	pthread_mutex_unlock(&spill.mutex);
	if (!place)
		free(array);
}

void *spill_grow(void *array, size_t n, size_t size)
{
	size_t bytes;
	void *to;

	/* As xgrow(): full exactly at the powers of two. */
	if (n & (n - 1) || (n && n < 4))
		return array;
	if (__builtin_mul_overflow(n < 4 ? (size_t)4 : n * 2, size, &bytes))
		return xgrow(array, n, size);
	to = map(bytes);
	if (!to && !is_mapped(array))
		return xgrow(array, n, size);
	if (!to)
		to = xmalloc(bytes);
	if (n)
		memcpy(to, array, n * size);
	spill_free(array);
	return to;
}

void *spill_zeroed(size_t n, size_t size)
{
	size_t bytes;
	void *to = __builtin_mul_overflow(n, size, &bytes) ? NULL : map(bytes);

	return to ? to : xcalloc(n, size);
}
