/* notes.c - what the agent tells while it works. */
#include "agent.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_MS 100

static int write_note(struct agent *agent, enum frame_type type, const json_t *json)
{
	struct err ignored = ERR_INIT;
	int status;

	pthread_mutex_lock(&agent->notes_lock);
	status = frame_write_json(&agent->link, type, json, &ignored);
	pthread_mutex_unlock(&agent->notes_lock);
	return status;
}

int agent_progress(struct agent *agent, uint64_t done, uint64_t total)
{
	int64_t now = clock_ms();
	autojson json_t *json = NULL;

	if (agent_hung_up())
		return -1;
	if (now - agent->noted_ms < PROGRESS_MS && done < total)
		return 0;
	agent->noted_ms = now;
	json = json_pack("{s:I, s:I}", "done", (json_int_t)done, "total", (json_int_t)total);
	return write_note(agent, FRAME_PROGRESS, json);
}

void agent_warn(struct agent *agent, const char *fmt, ...)
{
	autojson json_t *json = json_object();
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_set_str(json, "text", text);
	write_note(agent, FRAME_WARNING, json);
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	return agent_progress(ctx, done, total);
}

static void on_warning(void *ctx, const char *path, const char *what)
{
	agent_warn(ctx, "%s: %s", path, what);
}

struct tree_watch agent_watch(struct agent *agent)
{
	return (struct tree_watch){on_progress, on_warning, agent};
}

int agent_target(struct err *err)
{
	int fd = open(AGENT_TARGET, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_os(err, ERR_SNAPSHOT, errno, "open the volume") : fd;
}

int agent_volume(const char *name, struct err *err)
{
	autofree char *path = NULL;
	int fd;

	/* Engines allow no other names; and it becomes a part of paths. */
	if (str_empty(name) || *name == '.' || strchr(name, '/'))
		return err_set(err, ERR_FAILED, "\"%s\" is no volume", name ? name : "");
	path = xasprintf(AGENT_VOLUMES "/%s", name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_os(err, ERR_SNAPSHOT, errno, "open the volume %s", name) : fd;
}
