/* export.c - a snapshot of the cache as a tar, to whoever asked. */
#include "cache.h"

#include "devenv/buf.h"
#include "devenv/mem.h"

struct out {
	struct agent *agent;
	struct buf frame; /* of DATA, not sent yet */
};

static int send(struct out *out, struct err *err)
{
	int status = frame_write(
		&out->agent->link, FRAME_DATA, buf_str(&out->frame), out->frame.len, err);

	buf_reset(&out->frame);
	return status;
}

static int on_tar(void *ctx, const void *data, size_t len, struct err *err)
{
	struct out *out = ctx;
	const char *at = data;

	while (len) {
		size_t room = FRAME_DATA_MAX - out->frame.len, n = len < room ? len : room;

		buf_add(&out->frame, at, n);
		at += n;
		len -= n;
		if (out->frame.len == FRAME_DATA_MAX && send(out, err) < 0)
			return -1;
	}
	return 0;
}

int agent_export(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct out out = {.agent = agent, .frame = BUF_INIT(FRAME_DATA_MAX)};
	struct tree_index *parent;
	int status;

	if (cache_use(agent, err) < 0 ||
		snapshot_open(agent, json_str(request, "name"), &snapshot, err) < 0)
		return -1;
	parent = snapshot_parent(agent, snapshot.index);
	status = tree_export(&(struct tree_export_ask){.index = snapshot.index,
				     .parent = parent,
				     .blobs = agent->blobs,
				     .write = on_tar,
				     .write_ctx = &out,
				     .watch = agent_watch(agent)},
		err);
	tree_index_free(parent);
	if (status == 0 && out.frame.len)
		status = send(&out, err);
	buf_release(&out.frame);
	if (status < 0)
		return -1;
	*result = json_pack("{s:o}", "snapshot", snapshot_record(&snapshot));
	return frame_write(&agent->link, FRAME_END, NULL, 0, err);
}
