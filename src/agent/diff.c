/* diff.c - what is not the same in two snapshots of the cache. */
#include "cache.h"

#include "devenv/mem.h"

#include <string.h>

/* Bytes that the list may have as JSON, where a byte of a path is six at worst. */
#define LIST_MAX (FRAME_JSON_MAX / 4 * 3)
#define CHANGE_MAX(path) (6 * strlen(path) + 160)

struct listing {
	json_t *changes;
	size_t room;
	uint64_t unlisted;
};

static json_t *size_of(const struct tree_entry *entry)
{
	return entry ? json_integer((json_int_t)entry->size) : NULL;
}

static void add_change(void *ctx, const struct tree_change *change)
{
	static const char *const words[] = {[TREE_ADDED] = "added",
		[TREE_REMOVED] = "removed",
		[TREE_CONTENT] = "changed",
		[TREE_ATTRIBUTES] = "attributes"};
	static const char *const types[] = {[SNAPSHOT_DIRECTORY] = "directory",
		[SNAPSHOT_FILE] = "file",
		[SNAPSHOT_SYMLINK] = "link",
		[SNAPSHOT_FIFO] = "fifo",
		[SNAPSHOT_HARDLINK] = "hardlink"};
	const struct tree_entry *entry = change->after ? change->after : change->before;
	struct listing *listing = ctx;

	if (listing->room < CHANGE_MAX(entry->path)) {
		listing->unlisted++;
		return;
	}
	listing->room -= CHANGE_MAX(entry->path);
	json_array_append_new(listing->changes,
		json_pack("{s:o, s:s, s:s, s:o*, s:o*, s:I}", "path", json_string_safe(entry->path),
			"change", words[change->kind], "type", types[entry->type], "before",
			size_of(change->before), "after", size_of(change->after), "bytes",
			(json_int_t)change->bytes));
}

static json_t *diff_json(const struct snapshot *before, const struct snapshot *after)
{
	struct listing listing = {.changes = json_array(), .room = LIST_MAX};
	struct tree_diff diff;

	tree_diff(before->index, after->index, add_change, &listing, &diff);
	return json_pack("{s:o, s:o, s:o, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:I}", "before",
		snapshot_record(before), "after", snapshot_record(after), "changes",
		listing.changes, "unlisted", (json_int_t)listing.unlisted, "totals", "added",
		(json_int_t)diff.added, "removed", (json_int_t)diff.removed, "changed",
		(json_int_t)diff.content, "attributes", (json_int_t)diff.attributes, "bytes",
		(json_int_t)diff.bytes, "pull", (json_int_t)diff.pulled);
}

int agent_diff(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot before = {0}, after = {0};

	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "before"), &before, err) < 0 ||
		snapshot_open(agent, json_str(request, "after"), &after, err) < 0)
		return -1;
	*result = diff_json(&before, &after);
	return 0;
}
