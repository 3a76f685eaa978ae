/* verify.c - every byte of a snapshot in the cache. */
#include "cache.h"

#include "devenv/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* It becomes a part: what is right in it still counts, and a pull brings the rest. */
static void on_problem(void *ctx, const char *hex, const char *what)
{
	autofree char *path = blob_path(hex), *part = xasprintf("%s.part", path);

	agent_warn(ctx, "blob sha256:%s: %s", hex, what);
	if (rename(path, part) < 0 && errno != ENOENT)
		agent_warn(ctx, "blob sha256:%s: it cannot be renamed: %s", hex, strerror(errno));
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
