/* scan.c - what must not be in a snapshot that leaves. */
#include "cache.h"

#include "devenv/canary.h"

/* Places that are named; the others are counted. */
#define FINDS_MAX 1000

static void on_find(void *ctx, const struct tree_find *find)
{
	json_t *finds = ctx, *json;

	if (json_array_size(finds) >= FINDS_MAX)
		return;
	json = json_pack("{s:s, s:I, s:I, s:s, s:b}", "kind", canary_kind_name(find->kind), "count",
		(json_int_t)find->count, "offset", (json_int_t)find->offset, "shown", find->shown,
		"in_name", find->in_name);
	if (find->entry) {
		json_object_set_new(json, "path", json_string_safe(find->entry->path));
	} else {
		char hex[SHA256_HEX];

		hex_encode(find->pack->sha256, SHA256_SIZE, hex);
		json_setf(json, "pack", "sha256:%s", hex);
	}
	if (find->kind == CANARY_STRING)
		json_object_set_new(json, "number", json_integer((json_int_t)find->number));
	json_array_append_new(finds, json);
}

static int search(struct agent *agent, const struct snapshot *snapshot,
	const struct canary_rules *rules, json_t **result, struct err *err)
{
	struct tree_index *parent = snapshot_parent(agent, snapshot->index);
	json_t *list = json_array();
	uint64_t finds = 0;
	int status = tree_search(&(struct tree_search_ask){.index = snapshot->index,
					 .parent = parent,
					 .blobs = agent->blobs,
					 .rules = rules,
					 .found = on_find,
					 .found_ctx = list,
					 .watch = agent_watch(agent)},
		&finds, err);

	tree_index_free(parent);
	*result = json_pack("{s:I, s:I, s:o}", "bytes", (json_int_t)snapshot->index->bytes,
		"places", (json_int_t)finds, "finds", list);
	return status;
}

int agent_scan(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct canary_rules *rules = canary_rules_new(
		json_object_get(request, "canaries"), json_object_get(request, "allowed"), err);
	int status = -1;

	if (rules && cache_use(agent, err) == 0 &&
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) == 0)
		status = search(agent, &snapshot, rules, result, err);
	canary_rules_free(rules);
	return status;
}
