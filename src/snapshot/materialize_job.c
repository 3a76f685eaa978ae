/* materialize_job.c - what the crew does for a restore: unpack, check, write runs of slots. */
#include "materialize_job.h"

#include "blob.h"
#include "index.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Slots without a hole between them, from `i` on: how many. */
static size_t run_of_data(const struct job *job, size_t i)
{
	size_t n = 0;

	while (i + n < job->n && job->entry->slots[job->first + i + n] != SNAPSHOT_HOLE)
		n++;
	return n;
}

/* The slot's chunk out of the base; false: it is not there, or not as it should be. */
static bool read_base(const struct job *job, uint64_t slot, void *out)
{
	const struct tree_chunk *chunk = &job->source->index->chunks[job->entry->slots[slot]];
	const struct tree_entry *old = job->old;

	return job->base_fd && slot < tree_slots(old->size) && old->slots[slot] != SNAPSHOT_HOLE &&
	       memcmp(job->base->chunks[old->slots[slot]].id, chunk->id, SHA256_SIZE) == 0 &&
	       read_at(job->base_fd, out, chunk->size, slot * SNAPSHOT_CHUNK) == 0 &&
	       source_is_chunk(chunk, out);
}

/* The first of `n` slots that are read. */
static int read_slot(struct job *job, struct kit *kit, uint64_t slot, size_t n, void *out)
{
	uint32_t size = index_slot_size(job->entry->size, slot);

	if (read_base(job, slot, out)) {
		job->copied += size;
		return 0;
	}
	job->unpacked += size;
	if (!job->base_fd)
		source_ahead(job->source, kit, &job->entry->slots[slot], n);
	if (source_chunk(job->source, kit, job->entry->slots[slot], out, &job->err) < 0)
		return err_wrap(&job->err, "\"%.200s\"", job->entry->path);
	return 0;
}

/* As much as the kernel copies; the rest is read and checked. */
static uint64_t copy_slots(struct job *job, uint64_t first, size_t n)
{
	off_t from = (off_t)(first * SNAPSHOT_CHUNK), to = from;
	uint64_t end = (first + n) * SNAPSHOT_CHUNK;
	ssize_t copied = 1;

	if (end > job->entry->size)
		end = job->entry->size;
	while (copied > 0 && (uint64_t)from < end)
		copied = copy_file_range(
			job->base_fd, &from, job->fd, &to, (size_t)(end - (uint64_t)from), 0);
	if ((uint64_t)from == end) {
		job->copied += end - first * SNAPSHOT_CHUNK;
		return n;
	}
	return 0;
}

/*
 * The end of a file is padded; what is too much is cut off when all of it is there. A file system
 * that took the flag and then not the write gets the file through the page cache after all.
 */
static int write_run(struct job *job, const struct kit *kit, size_t len, uint64_t offset)
{
	size_t padded = (len + KIT_ALIGN - 1) / KIT_ALIGN * KIT_ALIGN;

	if (job->direct) {
		memset(kit->out + len, 0, padded - len);
		if (write_at(job->fd, kit->out, padded, offset) == 0)
			return 0;
		if (errno != EINVAL || fcntl(job->fd, F_SETFL, 0) < 0)
			return -1;
	}
	if (write_at(job->fd, kit->out, len, offset) < 0)
		return -1;
	/* Of small files each would be a request of its own; they go together in the end. */
	if (len == RUN_SLOTS * SNAPSHOT_CHUNK)
		write_behind(job->fd, offset, len);
	return 0;
}

static int write_data(struct job *job, struct kit *kit, size_t i, size_t n)
{
	uint64_t first = job->first + i;
	size_t len = 0;

	if (job->copy && copy_slots(job, first, n) == n)
		return 0;
	for (size_t s = 0; s < n; s++) {
		if (read_slot(job, kit, first + s, n - s, kit->out + len) < 0)
			return -1;
		len += index_slot_size(job->entry->size, first + s);
	}
	if (write_run(job, kit, len, first * SNAPSHOT_CHUNK) < 0)
		return err_os(&job->err, ERR_SNAPSHOT, errno, "write \"%.200s\"", job->entry->path);
	return 0;
}

void materialize_job_do(void *arg, struct kit *kit)
{
	struct job *job = arg;

	job->failed = false;
	job->unpacked = job->copied = 0;
	for (size_t i = 0; i < job->n && !job->failed; i++) {
		size_t n = run_of_data(job, i);

		if (n && write_data(job, kit, i, n) < 0)
			job->failed = true;
		i += n;
	}
}

void materialize_job_close(void *arg)
{
	struct job *job = arg;

	if (job->fd > 0)
		close(job->fd);
	if (job->base_fd > 0)
		close(job->base_fd);
	job->fd = job->base_fd = 0;
}
