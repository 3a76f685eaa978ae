/*
 * complete.c - what a created container still lacks: further networks, and inline secrets and
 * configs, which are put into it as files.
 */
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/credential.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/tar.h"

#include <string.h>

/* Compose's own ceiling for configs and secrets is 500 kB. */
#define FILE_MAX ((size_t)1 << 20)

static uint64_t octal_of(const char *text, uint64_t otherwise)
{
	uint64_t value = otherwise;

	parse_octal(text, 07777777, &value);
	return value;
}

static uint64_t number_of(const char *text)
{
	uint64_t value = 0;

	parse_u64(text, 0, 07777777, &value);
	return value;
}

static int add_file(
	struct tar_writer *tar, const json_t *file, const char *content, struct err *err)
{
	const char *path = json_str(file, "path");
	struct tar_entry entry = {
		.name = path + strspn(path, "/"),
		.type = '0',
		.mode = (unsigned)octal_of(json_str(file, "mode"), 0444),
		.uid = number_of(json_str(file, "uid")),
		.gid = number_of(json_str(file, "gid")),
		.size = strlen(content),
		.mtime = clock_wall(),
	};

	if (entry.size > FILE_MAX)
		return err_set(err, ERR_MANIFEST, "%s: an inline file is at most 1 MiB", path);
	if (tar_add(tar, &entry, err) < 0)
		return -1;
	return tar_data(tar, content, entry.size, err);
}

static int add_credentials(
	struct tar_writer *tar, const json_t *file, const struct sink *sink, struct err *err)
{
	autofree char *config = NULL;
	int result;

	if (credential_config(sink, &config, err) < 0)
		return err_wrap(err, "use_api_socket");
	result = add_file(tar, file, config, err);
	explicit_bzero(config, strlen(config));
	return result;
}

static int to_buffer(void *ctx, const void *data, size_t len, struct err *err)
{
	if (buf_add(ctx, data, len) < 0)
		return err_set(err, ERR_MANIFEST, "inline files are too large");
	return 0;
}

static int put_files(struct engine *engine, const char *id, const json_t *files,
	const struct sink *sink, struct err *err)
{
	autobuf struct buf out = BUF_INIT(16 << 20);
	struct tar_writer tar = {.write = to_buffer, .ctx = &out};
	json_t *file;
	size_t i;

	if (!json_array_size(files))
		return 0;
	json_array_foreach ((json_t *)files, i, file) {
		const char *content = json_str(file, "content");

		if ((content ? add_file(&tar, file, content, err)
			     : add_credentials(&tar, file, sink, err)) < 0)
			return -1;
	}
	if (tar_end(&tar, err) < 0)
		return -1;
	if (container_put(engine, id, "/", out.data, out.len, err) < 0)
		return err_wrap(err, "put its inline configs and secrets in");
	return 0;
}

int plan_complete(struct engine *engine, const char *id, const json_t *extra,
	const struct sink *sink, struct err *err)
{
	json_t *connect;
	size_t i;

	json_array_foreach (json_object_get(extra, "connect"), i, connect) {
		autofree char *network = engine_escape(json_str(connect, "network"));
		autojson json_t *body = json_pack("{s:s, s:O}", "Container", id, "EndpointConfig",
			json_object_get(connect, "endpoint"));

		if (engine_post(engine, body, NULL, err, "/networks/%s/connect", network) < 0)
			return err_wrap(err, "connect to network %s", json_str(connect, "network"));
	}
	return put_files(engine, id, json_object_get(extra, "files"), sink, err);
}

int plan_need_files(
	struct plan *plan, size_t start, const struct container *container, struct err *err)
{
	struct action *action = &plan->actions[start];
	autojson json_t *extra = NULL, *body = NULL;

	if (!str_eq(container->state, "created") || !action->service ||
		!model_service(action->manifest, action->service))
		return 0;
	body = plan_body(
		plan->ws, action->manifest, action->service, container->number, NULL, &extra, err);
	if (!body)
		return err_wrap(err, "%s", container->name);
	if (!action->extra)
		action->extra = json_object();
	json_object_set(action->extra, "files", json_object_get(extra, "files"));
	return 0;
}
