/* check.c - which packs, chunks and deltas are there and right, by the crew. */
#include "check.h"

#include "blob.h"
#include "crew.h"
#include "source.h"

#include "devenv/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#define RUN 16 /* chunks or deltas of a job */
#define PIECE ((size_t)1 << 20)

struct check;

/* What is checked: its bytes for the progress, and the check itself. */
struct kind {
	size_t run; /* of a job */
	uint64_t (*size)(const struct tree_index *index, uint32_t number);
	bool (*right)(struct check *check, struct kit *kit, uint32_t number);
};

struct job {
	struct check *check;
	uint32_t numbers[RUN];
	bool right[RUN];
	size_t n;
};

struct check {
	const struct check_ask *ask;
	const struct kind *kind;
	struct source source, parent;
	struct crew *crew;
	bool *wanted;
	struct err *err;
};

void part_name(const struct tree_pack *pack, char name[PART_NAME])
{
	hex_encode(pack->sha256, SHA256_SIZE, name);
	memcpy(name + SHA256_HEX - 1, ".part", sizeof(".part"));
}

enum check_pack check_pack(int blobs, const struct tree_pack *pack)
{
	char name[PART_NAME];
	struct stat status;

	if (blob_size(blobs, pack->sha256) == (int64_t)pack->size)
		return CHECK_WHOLE;
	part_name(pack, name);
	return fstatat(blobs, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? CHECK_PART : CHECK_ABSENT;
}

/* === the three kinds === */

static uint64_t chunk_size(const struct tree_index *index, uint32_t number)
{
	return index->chunks[number].frame_size;
}

static bool chunk_right(struct check *check, struct kit *kit, uint32_t number)
{
	struct err ignored;

	return source_chunk(&check->source, kit, number, kit->out, &ignored) == 0;
}

static uint64_t delta_size(const struct tree_index *index, uint32_t number)
{
	return index->deltas[number].frame_size;
}

static bool delta_right(struct check *check, struct kit *kit, uint32_t number)
{
	const struct tree_delta *delta = &check->ask->index->deltas[number];
	struct err ignored;

	return source_delta(&check->source, kit, delta, kit->out, &ignored) == 0;
}

static uint64_t pack_size(const struct tree_index *index, uint32_t number)
{
	return index->packs[number].size;
}

static bool pack_right(struct check *check, struct kit *kit, uint32_t number)
{
	const struct tree_pack *pack = &check->ask->index->packs[number];
	unsigned char sha256[SHA256_SIZE];
	struct err ignored;
	autoclose int fd = blob_open(check->ask->blobs, pack->sha256, &ignored);

	return fd >= 0 && blob_hash(fd, pack->size, kit->out, PIECE, sha256) == 0 &&
	       memcmp(sha256, pack->sha256, SHA256_SIZE) == 0;
}

static const struct kind chunks = {RUN, chunk_size, chunk_right};
static const struct kind deltas = {RUN, delta_size, delta_right};
static const struct kind packs = {1, pack_size, pack_right};

/* === the crew === */

static void work(void *arg, struct kit *kit)
{
	struct job *job = arg;

	for (size_t i = 0; i < job->n; i++)
		job->right[i] = job->check->kind->right(job->check, kit, job->numbers[i]);
}

static const struct crew_kind crew = {
	.job = sizeof(struct job), .out = PIECE, .each = 1, .work = work};

static int take_back(struct check *check)
{
	const struct check_ask *ask = check->ask;
	struct job *job = crew_wait(check->crew);
	uint64_t bytes = 0;

	for (size_t i = 0; i < job->n; i++) {
		bytes += check->kind->size(ask->index, job->numbers[i]);
		if (job->right[i])
			check->wanted[job->numbers[i]] = false;
	}
	crew_retire(check->crew);
	return ask->progress ? ask->progress(ask->ctx, bytes, check->err) : 0;
}

static int check_all(struct check *check, uint32_t n)
{
	uint32_t next = 0;

	while (next < n) {
		struct job *job;

		while (crew_full(check->crew))
			if (take_back(check) < 0)
				return -1;
		job = crew_next(check->crew);
		job->check = check;
		for (job->n = 0; next < n && job->n < check->kind->run; next++)
			if (check->wanted[next])
				job->numbers[job->n++] = next;
		if (job->n)
			crew_submit(check->crew);
	}
	while (crew_wait(check->crew))
		if (take_back(check) < 0)
			return -1;
	return 0;
}

static int run(const struct check_ask *ask, const struct kind *kind, bool *wanted, uint32_t n,
	struct err *err)
{
	autofree struct check *check = xcalloc(1, sizeof(*check));
	int result = -1;

	*check = (struct check){.ask = ask, .kind = kind, .wanted = wanted, .err = err};
	source_init(&check->source, ask->index, ask->blobs);
	if (ask->parent) {
		source_init(&check->parent, ask->parent, ask->blobs);
		check->source.parent = &check->parent;
	}
	check->crew = crew_new(&crew, err);
	if (check->crew)
		result = check_all(check, n);
	crew_free(check->crew);
	source_release(&check->source);
	if (ask->parent)
		source_release(&check->parent);
	return result;
}

int check_chunks(const struct check_ask *ask, bool *wanted, struct err *err)
{
	return run(ask, &chunks, wanted, ask->index->n_chunks, err);
}

int check_deltas(const struct check_ask *ask, bool *wanted, struct err *err)
{
	return run(ask, &deltas, wanted, ask->index->n_deltas, err);
}

int check_packs(const struct check_ask *ask, bool *wanted, struct err *err)
{
	return run(ask, &packs, wanted, ask->index->n_packs, err);
}
