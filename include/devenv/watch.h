/*
 * watch.h - what `develop.watch` of a Compose file asks for when files change
 * (compose-spec, develop.md).
 *
 * Rules are made once from the model; a batch of changed paths (fswatch.h) becomes one job a
 * service; a job's files are copied by watch_sync() and its commands run by watch_exec().
 * Rebuilding and restarting are plans like any other and are the caller's.
 *
 *	struct watch_rules rules = {0};
 *	struct watch_batch batch = {0};
 *	if (watch_rules_make(&request, sink, &rules, err) < 0)
 *		return -1;
 *	watch_batch_make(ws, &rules, &changed, false, &batch);
 *	for (size_t i = 0; i < batch.n; i++)
 *		watch_sync(engine, &actual, &batch.jobs[i], sink, &count, err);
 *
 * Rules borrow the workspace, batches the rules.
 */
#ifndef DEVENV_WATCH_H
#define DEVENV_WATCH_H

#include "devenv/engine.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/ignore.h"
#include "devenv/manifest.h"
#include "devenv/plan.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>

struct watch_rule {
	const struct manifest *manifest;
	const char *service;
	const char *path;   /* absolute: a folder or a file */
	const char *target; /* in the container; NULL without sync */
	bool sync, rebuild, restart, initial;
	const json_t *exec;     /* the hook of sync+exec; or NULL */
	const char *context;    /* the folder that `left_out` is relative to; or NULL */
	struct ignore left_out; /* by .dockerignore */
	struct ignore ignore, include;
};

struct watch_rules {
	struct watch_rule *list;
	size_t n;
};

/*
 * The rules of the words' services. Warns about paths that need no sync because a bind mount has
 * them. ERR_MANIFEST: nothing to watch (with an example of what to write), a rebuild without
 * `build:`, a pattern that is none.
 */
int watch_rules_make(const struct plan_request *request, const struct sink *sink,
	struct watch_rules *rules, struct err *err);
void watch_rules_release(struct watch_rules *rules);

/* Does a change of `path` concern the rule? Editors' own files and .git never do. */
bool watch_rule_matches(const struct watch_rule *rule, const char *path);

/* Where `path` of a sync rule is in the container. The caller's. */
char *watch_rule_target(const struct watch_rule *rule, const char *path);

/* Does no rule care for what is at or below the folder `path`? Of type fswatch_spec.skip. */
bool watch_rules_skip(void *rules, const char *path);

/* What one service gets because of one batch. */
struct watch_job {
	const struct manifest *manifest;
	const char *service;
	char *object; /* of events: "service shop/web" */
	bool rebuild, restart;
	struct strv from, to; /* the changed paths, and where they are in the container */
	const json_t **execs; /* hooks, in the order of their rules */
	size_t n_execs;
};

struct watch_batch {
	struct watch_job *jobs;
	size_t n;
};

/*
 * `initial`: only rules with `initial_sync`, and only to copy. `changed` is sorted. No jobs: the
 * changes concern nobody.
 */
void watch_batch_make(const struct workspace *ws, const struct watch_rules *rules,
	const struct strv *changed, bool initial, struct watch_batch *batch);
void watch_batch_release(struct watch_batch *batch);

struct watch_count {
	size_t copied, removed; /* files and folders */
};

/*
 * Bring the job's files into all running containers of its service: what is there is sent as a tar
 * (modes kept, owned by root), what is not is removed with `rm -rf`. What cannot be read is warned
 * about and left out. ERR_FAILED without a running container.
 */
int watch_sync(struct engine *engine, const struct actual *actual, const struct watch_job *job,
	const struct sink *sink, struct watch_count *count, struct err *err);

/*
 * Run a hook in all running containers of the job's service; what it writes goes to the sink as
 * EVENT_LOG. ERR_FAILED with the status of the first that did not end with 0.
 */
int watch_exec(struct engine *engine, const struct actual *actual, const struct watch_job *job,
	const json_t *exec, const struct sink *sink, struct err *err);

#endif
