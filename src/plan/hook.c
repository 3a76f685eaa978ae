/*
 * hook.c - commands that a manifest has run inside its containers.
 *
 * develop.watch's `exec`, and post_start and pre_stop of compose-spec 05-services: one form.
 */
#include "hook.h"

#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <stdlib.h>

#define LINE_MAX_BYTES ((size_t)64 << 10)

struct hook_output {
	const char *object;
	const struct sink *sink;
	struct buf part[2]; /* the line that is not complete yet: stdout, stderr */
};

static void say_line(struct hook_output *run, int stream)
{
	struct buf *part = &run->part[stream == 2];

	sink_emit(run->sink, &(struct event){.kind = EVENT_LOG,
				     .object = run->object,
				     .text = buf_str(part),
				     .stream = stream});
	buf_reset(part);
}

static int on_output(void *ctx, int stream, const char *data, size_t len)
{
	struct hook_output *run = ctx;

	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n' || buf_addch(&run->part[stream == 2], data[i]) < 0)
			say_line(run, stream);
	return 0;
}

/* {"A": "1"} as A=1; a variable without a value is taken from the manifest's environment. */
static void read_environment(const json_t *exec, const json_t *otherwise, struct strv *env)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(exec, "environment"), name, value) {
		const char *text = json_is_string(value) ? json_string_value(value)
							 : json_str(otherwise, name);

		if (text)
			strv_pushf(env, "%s=%s", name, text);
	}
}

int hook_run(struct engine *engine, const char *id, const json_t *hook, const json_t *variables,
	const char *object, const struct sink *sink, struct err *err)
{
	autostrv struct strv argv = STRV_INIT, env = STRV_INIT;
	struct hook_output run = {.object = object,
		.sink = sink,
		.part = {BUF_INIT(LINE_MAX_BYTES), BUF_INIT(LINE_MAX_BYTES)}};
	struct stream_io io = {.in = -1,
		.out = -1,
		.errfd = -1,
		.on_data = on_output,
		.ctx = &run,
		.cancel_fd = signals_fd()};
	struct exec_spec spec = {
		.user = json_str(hook, "user"),
		.dir = json_str(hook, "working_dir"),
		.privileged = json_bool(hook, "privileged"),
	};
	int status = 0, result;

	json_to_strv(json_object_get(hook, "command"), &argv);
	read_environment(hook, variables, &env);
	spec.argv = (const char *const *)argv.v;
	spec.env = env.n ? (const char *const *)env.v : NULL;
	result = container_exec(engine, id, &spec, &io, &status, err);
	for (int stream = 1; stream <= 2; stream++) {
		if (run.part[stream == 2].len)
			say_line(&run, stream);
		buf_release(&run.part[stream == 2]);
	}
	if (result == 0 && status)
		return err_set(err, ERR_SERVICE, "\"%s\" ended with status %d", argv.v[0], status);
	return result;
}

int hooks_run(struct engine *engine, const char *id, const struct action *action, const char *key,
	const struct sink *sink, struct err *err)
{
	json_t *service = action->manifest && action->service
				  ? model_service(action->manifest, action->service)
				  : NULL;
	json_t *hooks = json_object_get(service, key), *hook;
	struct err ignored = ERR_INIT;
	size_t i;

	if (!json_array_size(hooks) || container_alive(engine, id, &ignored) <= 0)
		return 0;
	json_array_foreach (hooks, i, hook)
		if (hook_run(engine, id, hook, action->manifest->env, action->object, sink, err) <
			0)
			return err_wrap(err, "%s[%d]", key, (int)i);
	return 0;
}
