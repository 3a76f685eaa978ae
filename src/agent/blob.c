/* blob.c - blobs in and out, each checked against its digest before it has its name. */
#include "cache.h"

#include "devenv/hash.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The size of a blob, or -1 when it is not there. */
static int64_t size_of(const char *hex)
{
	autofree char *path = blob_path(hex);
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
}

static bool is_right(const char *hex)
{
	autofree char *path = blob_path(hex);
	char actual[SHA256_HEX];
	struct err ignored;

	return sha256_file(path, actual, &ignored) == 0 && str_eq(actual, hex);
}

int agent_blob_have(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autojson json_t *sizes = json_array();
	bool check = json_bool(request, "check");
	json_t *each;
	size_t i;

	if (cache_use(agent, err) < 0)
		return -1;
	json_array_foreach (json_object_get(request, "digests"), i, each) {
		const char *hex = digest_hex(json_string_value(each), err);

		if (!hex)
			return -1;
		json_array_append_new(
			sizes, json_integer(check && !is_right(hex) ? -1 : size_of(hex)));
	}
	*result = json_pack("{s:O}", "sizes", sizes);
	return 0;
}

/* === in === */

/* DATA up to END into `fd`; `hex` gets the digest of it. */
static int receive(struct agent *agent, int fd, char hex[SHA256_HEX], struct err *err)
{
	struct sha256 *hash = sha256_new();
	struct frame frame = {.type = FRAME_DATA};
	int status = 0;

	while (status == 0 && frame.type == FRAME_DATA) {
		if (frame_read(&agent->link, &frame, err) <= 0)
			exit(0);
		sha256_add(hash, frame.data, frame.len);
		status = fs_write_all(fd, frame.data, frame.len) < 0
				 ? err_os(err, ERR_SNAPSHOT, errno, "write to the cache")
				 : 0;
	}
	agent->data_ended = frame.type == FRAME_END;
	sha256_end(hash, hex);
	return status;
}

static int keep(int fd, const char *path, const char *temporary, struct err *err)
{
	if (fsync(fd) < 0 || fchmod(fd, 0644) < 0 || rename(temporary, path) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "write to the cache");
	return 0;
}

int agent_blob_put(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *hex = digest_hex(json_str(request, "digest"), err);
	char temporary[] = CACHE_BLOBS "/.put-XXXXXX", actual[SHA256_HEX];
	autofree char *path = hex ? blob_path(hex) : NULL;
	autoclose int fd = -1;

	if (!hex || cache_use(agent, err) < 0)
		return -1;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "write to the cache");
	if (receive(agent, fd, actual, err) < 0) {
		unlink(temporary);
		return -1;
	}
	if (!str_eq(actual, hex)) {
		unlink(temporary);
		return err_set(err, ERR_SNAPSHOT,
			"what came as blob sha256:%s has the digest sha256:%s", hex, actual);
	}
	if (keep(fd, path, temporary, err) == 0)
		return 0;
	unlink(temporary);
	return -1;
}

/* === out === */

static int send_range(struct agent *agent, int fd, uint64_t offset, uint64_t left, struct err *err)
{
	autofree char *piece = xmalloc(FRAME_DATA_MAX);

	while (left) {
		ssize_t n = pread(fd, piece, left < FRAME_DATA_MAX ? (size_t)left : FRAME_DATA_MAX,
			(off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, ERR_SNAPSHOT, errno, "read from the cache");
		if (n == 0)
			break;
		if (frame_write(&agent->link, FRAME_DATA, piece, (size_t)n, err) < 0)
			exit(0);
		offset += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return frame_write(&agent->link, FRAME_END, NULL, 0, err);
}

int agent_blob_get(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *hex = digest_hex(json_str(request, "digest"), err);
	json_int_t offset = json_int(request, "offset"), size = json_int(request, "size");
	autofree char *path = hex ? blob_path(hex) : NULL;
	autoclose int fd = -1;

	if (!hex || cache_use(agent, err) < 0)
		return -1;
	if (offset < 0 || size < 0)
		return err_set(err, ERR_FAILED, "a range below zero");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "blob sha256:%s", hex);
	return send_range(agent, fd, (uint64_t)offset, (uint64_t)size, err);
}
