/*
 * watch.c - the rules of `develop.watch`, and which of them a change concerns.
 *
 * Patterns are those of a .dockerignore, relative to the rule's path; as docker compose 2.40.3 has
 * them, except that .git is left out wherever it is and not only in the root folder.
 */
#include "devenv/watch.h"

#include "plan_priv.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/* === what never counts === */

/* Locks and copies of JetBrains' editors, Emacs, Vim, Kate and Go, as in Compose. */
static const char *const passing[] = {
	"**/*___jb_old___",
	"**/*___jb_tmp___",
	"**/.idea/**",
	"**/.#*",
	"**/#*#",
	"**/4913",
	"**/*~",
	"**/.*.swp",
	"**/.*.swx",
	"**/.*.swo",
	"**/.*.swn",
	"**/.*.kate-swp",
	"**/*-go-tmp-umask",
	"**/.git",
};

static bool is_passing(const char *name)
{
	struct ignore_pattern patterns[ARRAY_LEN(passing)];

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		patterns[i] = (struct ignore_pattern){(char *)passing[i], false};
	return ignore_matches(&(struct ignore){patterns, ARRAY_LEN(passing)}, name);
}

/* === one rule === */

/* What patterns see: the path below the rule's, or the name of a rule for one file. */
static const char *name_for(const struct watch_rule *rule, const char *path)
{
	const char *below = path_below(rule->path, path);

	return below && !*below ? path_basename(path) : below;
}

/* What .dockerignore sees; NULL outside of the context. */
static const char *name_in_context(const struct watch_rule *rule, const char *path)
{
	const char *below = rule->context ? path_below(rule->context, path) : NULL;

	return below && *below ? below : NULL;
}

bool watch_rule_matches(const struct watch_rule *rule, const char *path)
{
	const char *name = name_for(rule, path), *in_context = name_in_context(rule, path);

	if (!name || is_passing(name) || ignore_matches(&rule->ignore, name))
		return false;
	if (in_context && ignore_matches(&rule->left_out, in_context))
		return false;
	return !rule->include.n || ignore_matches(&rule->include, name);
}

char *watch_rule_target(const struct watch_rule *rule, const char *path)
{
	const char *below = path_below(rule->path, path);
	autofree char *joined = path_join(rule->target, below);

	return path_clean(*below ? joined : rule->target);
}

/* Is all below left out as well? */
static bool leaves_out(const struct ignore *ignore, const char *name)
{
	return name && ignore_matches(ignore, name) && !ignore_may_hold(ignore, name);
}

static bool skips(const struct watch_rule *rule, const char *path)
{
	const char *name = name_for(rule, path);

	if (path_below(path, rule->path))
		return false;
	return !name || is_passing(name) || leaves_out(&rule->ignore, name) ||
	       leaves_out(&rule->left_out, name_in_context(rule, path));
}

bool watch_rules_skip(void *ctx, const char *path)
{
	const struct watch_rules *rules = ctx;

	for (size_t i = 0; i < rules->n; i++)
		if (!skips(&rules->list[i], path))
			return false;
	return true;
}

/* === making rules === */

static int add_patterns(struct ignore *ignore, const json_t *list, struct err *err)
{
	json_t *pattern;
	size_t i;

	json_array_foreach (list, i, pattern)
		if (ignore_add(ignore, json_string_value(pattern), err) < 0)
			return -1;
	return 0;
}

/* The bind mount that has `path` already, or NULL. */
static const char *bind_over(const json_t *service, const char *path)
{
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(service, "volumes"), i, volume) {
		const char *source = json_str(volume, "source");

		if (str_eq(json_str(volume, "type"), "bind") && source && path_below(source, path))
			return source;
	}
	return NULL;
}

static int fill_rule(
	struct watch_rule *rule, const json_t *service, const json_t *trigger, struct err *err)
{
	const json_t *build = json_object_get(service, "build");
	const char *action = json_str(trigger, "action");

	rule->path = json_str(trigger, "path");
	rule->target = json_str(trigger, "target");
	rule->rebuild = str_eq(action, "rebuild");
	rule->restart = str_ends(action, "restart");
	rule->sync = str_starts(action, "sync");
	rule->initial = rule->sync && json_bool(trigger, "initial_sync");
	rule->exec = str_eq(action, "sync+exec") ? json_object_get(trigger, "exec") : NULL;
	if (rule->rebuild && !build)
		return err_set(err, ERR_MANIFEST,
			"the action \"rebuild\" for %s needs `build:`; an image that is only "
			"pulled can be synced into or restarted",
			rule->path);
	if (build) {
		rule->context = json_str(build, "context");
		if (build_ignore(build, &rule->left_out, err) < 0)
			return -1;
	}
	if (add_patterns(&rule->ignore, json_object_get(trigger, "ignore"), err) < 0)
		return err_wrap(err, "`ignore` for %s", rule->path);
	if (add_patterns(&rule->include, json_object_get(trigger, "include"), err) < 0)
		return err_wrap(err, "`include` for %s", rule->path);
	return 0;
}

static void rule_release(struct watch_rule *rule)
{
	ignore_release(&rule->left_out);
	ignore_release(&rule->ignore);
	ignore_release(&rule->include);
}

/* A copy onto itself would be a change again, for ever. */
static bool is_pointless(
	struct watch_rule *rule, const json_t *service, const char *object, const struct sink *sink)
{
	const char *mounted = rule->sync ? bind_over(service, rule->path) : NULL;

	if (!mounted)
		return false;
	rule->sync = rule->initial = false;
	sink_warn(sink, object, "%s is in the container already, by the bind mount of %s: %s",
		rule->path, mounted, rule->exec ? "only the command is run" : "it is not watched");
	return !rule->exec;
}

static int add_rules(struct watch_rules *rules, const struct selected *one, const char *object,
	const struct sink *sink, struct err *err)
{
	const json_t *service = model_service(one->manifest, one->service);
	json_t *trigger;
	size_t i;

	json_array_foreach (json_at(service, "develop", "watch", NULL), i, trigger) {
		struct watch_rule *rule;

		rules->list = xgrow(rules->list, rules->n, sizeof(*rules->list));
		rule = &rules->list[rules->n++];
		*rule = (struct watch_rule){.manifest = one->manifest, .service = one->service};
		if (fill_rule(rule, service, trigger, err) < 0)
			return err_wrap(err, "%s: develop.watch", object);
		if (is_pointless(rule, service, object, sink)) {
			rule_release(rule);
			rules->n--;
		}
	}
	return 0;
}

static int nothing_to_watch(const struct selection *selection, struct err *err)
{
	const char *service = selection->n ? selection->list[0].service : "web";

	return err_set(err, ERR_MANIFEST,
		"none of the services has anything under `develop.watch`; for example:\n"
		"  services:\n"
		"    %s:\n"
		"      develop:\n"
		"        watch:\n"
		"          - {action: sync, path: ./src, target: /app/src}",
		service);
}

int watch_rules_make(const struct plan_request *request, const struct sink *sink,
	struct watch_rules *rules, struct err *err)
{
	struct selection selection = {0};
	int result;

	*rules = (struct watch_rules){0};
	result = selection_make(request, false, &selection, err);
	for (size_t i = 0; i < selection.n && result == 0; i++) {
		const struct selected *one = &selection.list[i];
		autofree char *object = object_service(request->ws, one->manifest, one->service, 1);

		result = add_rules(rules, one, object, sink, err);
	}
	if (result == 0 && !rules->n)
		result = nothing_to_watch(&selection, err);
	selection_release(&selection);
	if (result < 0)
		watch_rules_release(rules);
	return result;
}

void watch_rules_release(struct watch_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		rule_release(&rules->list[i]);
	free(rules->list);
	*rules = (struct watch_rules){0};
}

/* === batches === */

static struct watch_job *job_for(
	const struct workspace *ws, struct watch_batch *batch, const struct watch_rule *rule)
{
	for (size_t i = 0; i < batch->n; i++)
		if (batch->jobs[i].manifest == rule->manifest &&
			str_eq(batch->jobs[i].service, rule->service))
			return &batch->jobs[i];
	batch->jobs = xgrow(batch->jobs, batch->n, sizeof(*batch->jobs));
	batch->jobs[batch->n] = (struct watch_job){
		.manifest = rule->manifest,
		.service = rule->service,
		.object = object_service(ws, rule->manifest, rule->service, 1),
	};
	return &batch->jobs[batch->n++];
}

static void add_change(struct watch_job *job, const struct watch_rule *rule, const char *path)
{
	if (!rule->sync)
		return;
	strv_push(&job->from, path);
	strv_push_take(&job->to, watch_rule_target(rule, path));
}

/* All that the rule asks for besides copying, once a batch. */
static void add_wishes(struct watch_job *job, const struct watch_rule *rule)
{
	job->rebuild |= rule->rebuild;
	job->restart |= rule->restart;
	if (!rule->exec)
		return;
	job->execs = xgrow(job->execs, job->n_execs, sizeof(*job->execs));
	job->execs[job->n_execs++] = rule->exec;
}

void watch_batch_make(const struct workspace *ws, const struct watch_rules *rules,
	const struct strv *changed, bool initial, struct watch_batch *batch)
{
	*batch = (struct watch_batch){0};
	for (size_t i = 0; i < rules->n; i++) {
		const struct watch_rule *rule = &rules->list[i];
		struct watch_job *job = NULL;

		if (initial && !rule->initial)
			continue;
		for (size_t n = 0; n < changed->n; n++) {
			if (!watch_rule_matches(rule, changed->v[n]))
				continue;
			if (!job)
				job = job_for(ws, batch, rule);
			add_change(job, rule, changed->v[n]);
		}
		if (job && !initial)
			add_wishes(job, rule);
	}
}

void watch_batch_release(struct watch_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		free(batch->jobs[i].object);
		strv_release(&batch->jobs[i].from);
		strv_release(&batch->jobs[i].to);
		free(batch->jobs[i].execs);
	}
	free(batch->jobs);
	*batch = (struct watch_batch){0};
}
