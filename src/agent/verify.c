/* verify.c - every byte of a snapshot in the cache. */
#include "cache.h"

static void on_problem(void *ctx, const char *hex, const char *what)
{
	agent_warn(ctx, "blob sha256:%s: %s", hex, what);
}

int agent_verify(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct tree_verified verified = {0};
	struct tree_index *parent;
	int status;

	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) < 0)
		return -1;
	parent = snapshot_parent(agent, snapshot.index);
	status = tree_verify(&(struct tree_verify_ask){.index = snapshot.index,
				     .parent = parent,
				     .blobs = agent->blobs,
				     .problem = on_problem,
				     .problem_ctx = agent,
				     .watch = agent_watch(agent)},
		&verified, err);
	tree_index_free(parent);
	if (status < 0)
		return -1;
	*result = json_pack("{s:I, s:I}", "packs", (json_int_t)verified.packs, "chunks",
		(json_int_t)verified.chunks);
	return 0;
}
