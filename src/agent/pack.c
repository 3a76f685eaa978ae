/* pack.c - what a snapshot lacks in the cache, and pieces of packs that fill the gaps. */
#include "cache.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* Is every chunk of `index` in full packs of the cache? */
static bool is_whole(struct agent *agent, const struct tree_index *index)
{
	struct tree_missing missing = {0};
	struct err ignored = ERR_INIT;
	bool whole;

	if (tree_missing(index, NULL, agent->blobs, &missing, &ignored) < 0)
		return false;
	whole = missing.n == 0;
	tree_missing_release(&missing);
	return whole;
}

static json_t *pack_json(const struct tree_pack *pack)
{
	char hex[SHA256_HEX];
	json_t *json = json_object();

	hex_encode(pack->sha256, SHA256_SIZE, hex);
	json_setf(json, "digest", "sha256:%s", hex);
	json_object_set_new(json, "size", json_integer((json_int_t)pack->size));
	json_object_set_new(json, "ranges", json_array());
	return json;
}

/* [{"digest", "size", "ranges": [[offset, len], ...]}, ...] */
static json_t *missing_json(const struct tree_index *index, const struct tree_missing *missing)
{
	json_t *packs = json_array(), *pack = NULL;

	for (size_t i = 0; i < missing->n; i++) {
		const struct tree_range *range = &missing->ranges[i];

		if (i == 0 || range->pack != missing->ranges[i - 1].pack) {
			pack = pack_json(&index->packs[range->pack]);
			json_array_append_new(packs, pack);
		}
		json_array_append_new(json_object_get(pack, "ranges"),
			json_pack("[I, I]", (json_int_t)range->offset, (json_int_t)range->len));
	}
	return packs;
}

/*
 * Is there room for what has to come? Others may take it meanwhile: agent_pack_put() looks again.
 */
static int check_room(const struct agent *agent, uint64_t bytes, struct err *err)
{
	char need[16];

	if (tree_check_room(agent->blobs, bytes + ROOM_LEFT, err) == 0)
		return 0;
	return err_wrap(err, "%s have to be free for it in the volume devenv-cache",
		format_bytes(need, bytes + ROOM_LEFT));
}

int agent_missing(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *hex = digest_hex(json_str(request, "index"), err);
	struct tree_index *index = NULL, *parent = NULL;
	struct tree_missing missing = {0};
	int status = -1;

	if (!hex || cache_use(agent, err) < 0)
		return -1;
	index = tree_index_open(agent->blobs, hex, err);
	if (!index)
		return -1;
	parent = snapshot_parent(agent, index);
	if (parent && !is_whole(agent, parent)) {
		tree_index_free(parent);
		parent = NULL;
	}
	status = tree_missing(index, parent, agent->blobs, &missing, err);
	if (status == 0 && json_bool(request, "room"))
		status = check_room(agent, missing.bytes, err);
	if (status == 0)
		*result = json_pack("{s:I, s:I, s:I, s:o}", "bytes", (json_int_t)missing.bytes,
			"chunks", (json_int_t)missing.chunks, "deltas", (json_int_t)missing.deltas,
			"packs", missing_json(index, &missing));
	tree_missing_release(&missing);
	tree_index_free(parent);
	tree_index_free(index);
	return status;
}

/* === pieces === */

/* Where the bytes go that come one after the other. */
struct pieces {
	const json_t *ranges;
	size_t next;
	uint64_t offset, left; /* of the range that is being filled */
};

static int next_piece(struct pieces *pieces, uint64_t size, struct err *err)
{
	const json_t *range = json_array_get(pieces->ranges, pieces->next++);
	json_int_t offset = json_integer_value(json_array_get(range, 0));
	json_int_t len = json_integer_value(json_array_get(range, 1));

	if (offset < 0 || len < 1 || (uint64_t)offset > size ||
		(uint64_t)len > size - (uint64_t)offset)
		return err_set(
			err, ERR_FAILED, "more came than the pieces of a pack that were named");
	pieces->offset = (uint64_t)offset;
	pieces->left = (uint64_t)len;
	return 0;
}

static int write_pieces(struct agent *agent, struct pieces *pieces, const struct tree_pack *pack,
	const struct frame *frame, struct err *err)
{
	const char *data = frame->data;
	size_t len = frame->len;

	while (len) {
		size_t n;

		if (!pieces->left && next_piece(pieces, pack->size, err) < 0)
			return -1;
		n = len < pieces->left ? len : (size_t)pieces->left;
		if (tree_pack_write(agent->blobs, pack, pieces->offset, data, n, err) < 0)
			return -1;
		pieces->offset += n;
		pieces->left -= n;
		data += n;
		len -= n;
	}
	return 0;
}

int agent_pack_put(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *hex = digest_hex(json_str(request, "digest"), err);
	struct pieces pieces = {.ranges = json_object_get(request, "ranges")};
	struct tree_pack pack = {.size = (uint64_t)json_int(request, "size")};
	struct frame frame = {.type = FRAME_DATA};
	int whole;

	if (!hex || cache_use(agent, err) < 0)
		return -1;
	if (pack.size < 1 || pack.size > SNAPSHOT_PACK_MAX)
		return err_set(err, ERR_SNAPSHOT, "pack sha256:%s has an impossible size", hex);
	hex_decode(hex, pack.sha256, SHA256_SIZE);
	while (frame.type == FRAME_DATA) {
		if (frame_read(&agent->link, &frame, err) <= 0)
			exit(0);
		agent->data_ended = frame.type == FRAME_END;
		if (check_room(agent, frame.len, err) < 0 ||
			write_pieces(agent, &pieces, &pack, &frame, err) < 0)
			return -1;
	}
	whole = tree_pack_settle(agent->blobs, &pack, err);
	if (whole < 0)
		return -1;
	*result = json_pack("{s:b}", "whole", whole);
	return 0;
}
