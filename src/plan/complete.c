/*
 * complete.c - what a created container still lacks: further networks, and inline secrets and
 * configs, which are put into it as files.
 */
#include "plan_priv.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdio.h>
#include <string.h>

/* Compose's own ceiling for configs and secrets is 500 kB. */
#define FILE_MAX ((size_t)1 << 20)

/* A ustar header (POSIX.1-2017 pax, "ustar Interchange Format") for one small regular file. */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

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

static int add_file(struct buf *tar, const json_t *file, struct err *err)
{
	const char *path = json_str(file, "path"), *content = json_str(file, "content");
	size_t len = strlen(content), padding = (512 - len % 512) % 512;
	struct ustar header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
	unsigned sum = 0;

	path += strspn(path, "/");
	if (len > FILE_MAX)
		return err_set(err, ERR_MANIFEST, "/%s: an inline file is at most 1 MiB", path);
	if (strlen(path) >= sizeof(header.name))
		return err_set(err, ERR_MANIFEST,
			"/%s: the path of an inline file is at most 99 bytes", path);
	memcpy(header.name, path, strlen(path));
	snprintf(header.mode, 8, "%07o", (unsigned)octal_of(json_str(file, "mode"), 0444));
	snprintf(header.uid, 8, "%07o", (unsigned)number_of(json_str(file, "uid")));
	snprintf(header.gid, 8, "%07o", (unsigned)number_of(json_str(file, "gid")));
	snprintf(header.size, 12, "%011o", (unsigned)len);
	snprintf(header.mtime, 12, "%011llo", (unsigned long long)clock_wall());
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((unsigned char *)&header)[i];
	snprintf(header.checksum, 8, "%06o", sum);
	if (buf_add(tar, &header, sizeof(header)) < 0 || buf_add(tar, content, len) < 0 ||
		!buf_reserve(tar, padding))
		return err_set(err, ERR_MANIFEST, "inline files are too large");
	memset(tar->data + tar->len, 0, padding);
	tar->len += padding;
	return 0;
}

static int put_files(struct engine *engine, const char *id, const json_t *files, struct err *err)
{
	autobuf struct buf tar = BUF_INIT(16 << 20);
	static const char end[1024];
	json_t *file;
	size_t i;

	if (!json_array_size(files))
		return 0;
	json_array_foreach ((json_t *)files, i, file)
		if (add_file(&tar, file, err) < 0)
			return -1;
	buf_add(&tar, end, sizeof(end));
	return container_put(engine, id, "/", tar.data, tar.len, err);
}

int plan_complete(struct engine *engine, const char *id, const json_t *extra, struct err *err)
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
	return put_files(engine, id, json_object_get(extra, "files"), err);
}
