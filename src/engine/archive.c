/*
 * archive.c - paths of a container as tar, both ways.
 *
 * Docker Engine API 1.41, "ContainerArchive", "PutContainerArchive", "ContainerArchiveInfo",
 * "ContainerExport"; Podman has the same under the same paths.
 */
#include "engine_priv.h"

#include "feeder.h"

#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>

/* Go's os.FileMode, which the engines send as it is. */
#define GO_DIR (UINT64_C(1) << 31)
#define GO_LINK (UINT64_C(1) << 27)
#define GO_SPECIAL (UINT64_C(1) << 26 | UINT64_C(1) << 25 | UINT64_C(1) << 24 | UINT64_C(1) << 19)

static char *archive_path(const char *id, const char *path, const char *more)
{
	autofree char *name = engine_escape(id);
	autofree char *where = engine_escape(path);

	return xasprintf("/containers/%s/archive?path=%s%s", name, where, more);
}

/* === in === */

int container_put_fd(
	struct engine *engine, const char *id, const char *dir, int fd, struct err *err)
{
	/* A file must not take the place of a folder, nor a folder that of a file. */
	autofree char *path = archive_path(id, dir, "&noOverwriteDirNonDir=true");

	/* No time limit: a large volume may make a slow disk silent for long. */
	return engine_request(engine,
		&(struct http1_request){.method = "PUT",
			.path = path,
			.type = "application/x-tar",
			.body_fd = fd,
			.interruptible = true},
		NULL, err);
}

struct put {
	struct engine *engine;
	const char *id, *dir;
};

static int send_tar(void *ctx, int fd, struct err *err)
{
	const struct put *put = ctx;

	return container_put_fd(put->engine, put->id, put->dir, fd, err);
}

int container_archive_put(struct engine *engine, const char *id, const char *dir, tar_make_fn *make,
	void *ctx, struct err *err)
{
	struct put put = {engine, id, dir};

	return feeder_run(make, ctx, send_tar, &put, err);
}

/* === out === */

void archive_stat_release(struct archive_stat *stat)
{
	free(stat->target);
	*stat = (struct archive_stat){0};
}

static enum archive_type type_of(uint64_t mode)
{
	if (mode & GO_DIR)
		return ARCHIVE_DIR;
	if (mode & GO_LINK)
		return ARCHIVE_LINK;
	return mode & GO_SPECIAL ? ARCHIVE_SPECIAL : ARCHIVE_FILE;
}

/* {"name", "size", "mode", "mtime", "linkTarget"} in base64. */
static int read_stat(struct engine *engine, struct archive_stat *stat, struct err *err)
{
	const char *header = http1_header(engine->http, "X-Docker-Container-Path-Stat");
	size_t len = 0;
	autofree char *text = header ? base64_decode(header, &len) : NULL;
	autojson json_t *json = text ? json_parse(text, len, "path stat", err) : NULL;

	if (!json) {
		err_clear(err);
		return err_set(err, ERR_ENGINE, "the engine does not tell what is there");
	}
	*stat = (struct archive_stat){.type = type_of((uint64_t)json_int(json, "mode")),
		.size = (uint64_t)json_int(json, "size")};
	if (!str_empty(json_str(json, "linkTarget")))
		stat->target = xstrdup(json_str(json, "linkTarget"));
	return 0;
}

int container_archive_stat(struct engine *engine, const char *id, const char *path,
	struct archive_stat *stat, struct err *err)
{
	autofree char *where = archive_path(id, path, "");
	struct http1_response response;

	if (engine_send(engine,
		    &(struct http1_request){.method = "HEAD",
			    .path = where,
			    .body_fd = -1,
			    .interruptible = true,
			    .timeout_ms = ENGINE_TIMEOUT_MS},
		    &response, err) < 0)
		return -1;
	return read_stat(engine, stat, err);
}

int container_archive_get(struct engine *engine, const char *id, const char *path,
	struct archive_stat *stat, struct err *err)
{
	autofree char *where = archive_path(id, path, "");
	struct http1_response response;

	if (engine_send(engine,
		    &(struct http1_request){
			    .method = "GET", .path = where, .body_fd = -1, .interruptible = true},
		    &response, err) < 0)
		return -1;
	return read_stat(engine, stat, err);
}

int container_export(struct engine *engine, const char *id, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *where = xasprintf("/containers/%s/export", name);
	struct http1_response response;

	return engine_send(engine,
		&(struct http1_request){
			.method = "GET", .path = where, .body_fd = -1, .interruptible = true},
		&response, err);
}

ssize_t container_archive_read(struct engine *engine, void *data, size_t len, struct err *err)
{
	ssize_t n = http1_read(engine->http, data, len, err);

	return n < 0 ? engine_failed(err) : n;
}
