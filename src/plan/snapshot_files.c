/* snapshot_files.c - snapshots out of tars and into them, through this program. */
#include "devenv/plan_snapshot.h"

#include "agent.h"
#include "agent_image.h"
#include "dump_feed.h"

#include "devenv/mem.h"
#include "devenv/snapshot.h"

int plan_snapshot_export(struct engine *engine, const char *name, tar_write_fn *write, void *ctx,
	const struct sink *sink, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", name);
	autojson json_t *request = json_pack("{s:s, s:s}", "do", "export", "name", name);
	struct agent_question question = {.request = request, .take = write, .ctx = ctx};
	struct agent *agent = agent_open(
		engine, &(struct agent_spec){.object = object, .sink = sink}, err);
	int status;

	if (!agent)
		return -1;
	status = agent_ask(agent, &question, NULL, err);
	agent_close(agent);
	return status < 0 ? err_wrap(err, "export the snapshot %s", name) : 0;
}

/* === a tar in === */

struct tar_import {
	struct dump_feed feed;
	const char *path;
	struct agent *agent;
};

static int to_agent(void *ctx, const void *data, size_t len, struct err *err)
{
	return agent_bring(ctx, data, len, err);
}

static int bring_tar(void *ctx, struct agent *agent, struct err *err)
{
	struct tar_import *import = ctx;
	struct snapshot_ask ask = {
		.source = import->path, .read = dump_feed_read, .read_ctx = &import->feed};
	struct snapshot_result result;

	return snapshot_stream(&ask, to_agent, agent, &result, err);
}

int plan_snapshot_import(struct engine *engine, const struct snapshot_import_ask *ask,
	json_t **saved, struct err *err)
{
	autofree char *object = xasprintf("snapshot %s", ask->name);
	struct tar_import import = {
		.feed = {.dump = ask->dump, .object = object, .sink = ask->sink},
		.path = ask->path};
	autojson json_t *config = json_object(), *request = NULL;
	struct agent *agent;
	int status;

	json_set_str(config, "architecture", agent_architecture());
	json_object_update(config, (json_t *)ask->config);
	request = json_pack("{s:s, s:s, s:s*, s:O}", "do", "import", "name", ask->name, "parent",
		ask->parent, "config", config);
	agent = agent_open(engine, &(struct agent_spec){.object = object, .sink = ask->sink}, err);
	if (!agent)
		return -1;
	status = agent_ask(agent,
		&(struct agent_question){.request = request, .bring = bring_tar, .ctx = &import},
		saved, err);
	agent_close(agent);
	return status < 0 ? err_wrap(err, "import %s", ask->path) : 0;
}
