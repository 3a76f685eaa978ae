/* verify.c - is every byte of a snapshot what its index says? */
#include "check.h"
#include "source.h"

#include "devenv/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify {
	const struct tree_verify_ask *ask;
	struct tree_verified *verified;
	enum check_pack *packs;
	uint64_t done, total;
	struct err *err; /* the first problem */
};

static int tell(void *ctx, uint64_t bytes, struct err *err)
{
	struct verify *verify = ctx;
	const struct tree_watch *watch = &verify->ask->watch;

	verify->done += bytes;
	if (watch->progress && watch->progress(watch->ctx, verify->done, verify->total))
		return err_set(err, ERR_CANCELLED, "cancelled");
	return 0;
}

static void problem(struct verify *verify, uint32_t pack, const char *what)
{
	const struct tree_verify_ask *ask = verify->ask;
	char hex[SHA256_HEX];

	hex_encode(ask->index->packs[pack].sha256, SHA256_SIZE, hex);
	if (!verify->verified->problems++)
		err_set(verify->err, ERR_SNAPSHOT, "the pack %s %s", hex, what);
	if (ask->problem)
		ask->problem(ask->problem_ctx, hex, what);
}

/* Whole packs by their digest. A part stands for its chunks, and deltas may be missing. */
static int verify_packs(struct verify *verify, const struct check_ask *check, struct err *err)
{
	const struct tree_index *index = verify->ask->index;
	autofree bool *wanted = xcalloc(index->n_packs, sizeof(*wanted));

	for (uint32_t i = 0; i < index->n_packs; i++) {
		verify->packs[i] = check_pack(check->blobs, &index->packs[i]);
		wanted[i] = verify->packs[i] == CHECK_WHOLE;
		verify->total += wanted[i] ? index->packs[i].size : 0;
		verify->verified->packs += wanted[i];
	}
	for (uint32_t i = 0; i < index->n_chunks; i++)
		verify->total += index->chunks[i].frame_size;
	if (check_packs(check, wanted, err) < 0)
		return -1;
	for (uint32_t i = 0; i < index->n_packs; i++) {
		verify->verified->packs -= wanted[i];
		if (wanted[i])
			problem(verify, i, "has not the digest of its name");
	}
	return 0;
}

static int verify_chunks(struct verify *verify, const struct check_ask *check, struct err *err)
{
	const struct tree_index *index = verify->ask->index;
	autofree bool *wanted = xmalloc(index->n_chunks);
	autofree bool *told = xcalloc(index->n_packs, sizeof(*told));

	memset(wanted, true, index->n_chunks);
	if (check_chunks(check, wanted, err) < 0)
		return -1;
	for (uint32_t i = 0; i < index->n_chunks; i++) {
		uint32_t pack = index->chunks[i].pack;
		char what[80];

		verify->verified->chunks += !wanted[i];
		if (!wanted[i] || told[pack])
			continue;
		/* A pack that is not there is one problem. */
		told[pack] = verify->packs[pack] == CHECK_ABSENT;
		snprintf(what, sizeof(what), "has no right chunk at byte %u",
			index->chunks[i].offset);
		problem(verify, pack, told[pack] ? "is missing" : what);
	}
	return 0;
}

static int verify_deltas(struct verify *verify, const struct check_ask *check, struct err *err)
{
	const struct tree_index *index = verify->ask->index;
	autofree bool *wanted = xcalloc(index->n_deltas, sizeof(*wanted));

	for (uint32_t i = 0; i < index->n_deltas; i++) {
		wanted[i] = verify->packs[index->deltas[i].pack] == CHECK_WHOLE;
		verify->verified->deltas += wanted[i];
	}
	if (check_deltas(check, wanted, err) < 0)
		return -1;
	for (uint32_t i = 0; i < index->n_deltas; i++) {
		verify->verified->deltas -= wanted[i];
		if (wanted[i])
			problem(verify, index->deltas[i].pack, "has a delta that is wrong");
	}
	return 0;
}

int tree_verify(const struct tree_verify_ask *ask, struct tree_verified *verified, struct err *err)
{
	struct err first = ERR_INIT;
	struct verify verify = {.ask = ask, .verified = verified, .err = &first};
	struct check_ask check = {.index = ask->index,
		.parent = ask->parent,
		.blobs = ask->blobs,
		.progress = tell,
		.ctx = &verify};
	int result;

	*verified = (struct tree_verified){0};
	verify.packs = xcalloc(ask->index->n_packs, sizeof(*verify.packs));
	result = verify_packs(&verify, &check, err) < 0 ||
				 verify_chunks(&verify, &check, err) < 0 ||
				 (ask->parent && verify_deltas(&verify, &check, err) < 0)
			 ? -1
			 : 0;
	free(verify.packs);
	if (result == 0 && verified->problems) {
		*err = first;
		return -1;
	}
	return result;
}
