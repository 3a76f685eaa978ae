/* cache.c - the cache's folders, its lock and small blobs. */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/spill.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LAYOUT_FILE AGENT_CACHE "/oci-layout"
#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define LOCK_FILE AGENT_CACHE "/lock"

/* === what killed runs left === */

/* A blob that was not finished: .put-*, .new-*, or HEX.XXXXXX (fs_write_atomic). */
static bool is_unfinished(void *ctx, const char *name, const char *path)
{
	const char *end = name + strspn(name, "0123456789abcdef");

	if (str_starts(name, ".put-") || str_starts(name, ".new-"))
		return true;
	return end - name == SHA256_HEX - 1 && *end == '.' && !str_eq(end, ".part");
}

static bool is_unfinished_tree(void *ctx, const char *name, const char *path)
{
	return strstr(name, ".new-") != NULL;
}

static bool is_unfinished_file(void *ctx, const char *name, const char *path)
{
	return str_starts(name, "index.json.") || str_starts(name, "oci-layout.");
}

/* The name of no volume. */
static bool is_unfinished_thin(void *ctx, const char *name, const char *path)
{
	return *name == '.';
}

int cache_sweep(const char *folder, cache_waste *waste, void *ctx, struct err *err)
{
	autostrv struct strv names = STRV_INIT;

	if (!fs_is_dir(folder))
		return 0;
	if (fs_list(folder, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = path_join(folder, names.v[i]);

		if (waste(ctx, names.v[i], path) && fs_remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}

/* Only while nobody else is at work. */
static int sweep(struct err *err)
{
	if (cache_sweep(CACHE_BLOBS, is_unfinished, NULL, err) < 0 ||
		cache_sweep(CACHE_TREES, is_unfinished_tree, NULL, err) < 0 ||
		cache_sweep(CACHE_THIN, is_unfinished_thin, NULL, err) < 0)
		return -1;
	if (cache_sweep(AGENT_CACHE, is_unfinished_file, NULL, err) < 0)
		return -1;
	return import_sweep(err);
}

/* === using it === */

static int lock_shared(struct agent *agent, struct err *err)
{
	autoclose int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "lock the cache");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && sweep(err) < 0)
		return -1;
	if (flock(fd, LOCK_SH) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "lock the cache");
	agent->using = TAKE_FD(fd);
	return 0;
}

int cache_use(struct agent *agent, struct err *err)
{
	if (agent->blobs >= 0)
		return 0;
	if (fs_mkdirs(CACHE_BLOBS, 0755, err) < 0 ||
		(agent->using < 0 && lock_shared(agent, err) < 0))
		return -1;
	if (!fs_exists(LAYOUT_FILE) &&
		fs_write_atomic(LAYOUT_FILE, LAYOUT_TEXT, strlen(LAYOUT_TEXT), 0644, err) < 0)
		return -1;
	agent->blobs = open(CACHE_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (agent->blobs < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open the cache");
	spill_into(AGENT_CACHE);
	return 0;
}

int cache_read(struct agent *agent, struct err *err)
{
	agent->using = open(LOCK_FILE, O_RDONLY | O_CLOEXEC);
	agent->blobs = open(CACHE_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (agent->using < 0 || agent->blobs < 0 || flock(agent->using, LOCK_SH) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open the cache");
	return 0;
}

int cache_alone(struct agent *agent, struct err *err)
{
	if (cache_use(agent, err) < 0)
		return -1;
	if (flock(agent->using, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_os(err, ERR_SNAPSHOT, errno, "lock the cache");
	return err_set(err, ERR_SNAPSHOT,
		"another devenv works with the cache; wait for it, and try again");
}

const char *digest_hex(const char *digest, struct err *err)
{
	const char *hex = digest && str_starts(digest, "sha256:") ? digest + 7 : "";

	if (strlen(hex) == SHA256_HEX - 1 && strspn(hex, "0123456789abcdef") == SHA256_HEX - 1)
		return hex;
	err_set(err, ERR_FAILED, "\"%s\" is no sha256 digest", digest ? digest : "");
	return NULL;
}

char *blob_path(const char *hex)
{
	return xasprintf(CACHE_BLOBS "/%s", hex);
}

int blob_store(const char *text, size_t len, char digest[DIGEST_SIZE], struct err *err)
{
	autofree char *path = NULL;
	char hex[SHA256_HEX];

	sha256_hex(text, len, hex);
	path = blob_path(hex);
	snprintf(digest, DIGEST_SIZE, "sha256:%s", hex);
	return fs_exists(path) ? 0 : fs_write_atomic(path, text, len, 0644, err);
}

json_t *blob_json(const char *digest, struct err *err)
{
	const char *hex = digest_hex(digest, err);
	autofree char *path = hex ? blob_path(hex) : NULL;
	autobuf struct buf text = BUF_INIT(SNAPSHOT_JSON_MAX);
	char actual[SHA256_HEX];
	json_t *json;

	if (!hex || fs_read(path, &text, ERR_SNAPSHOT, err) < 0)
		return NULL;
	sha256_hex(buf_str(&text), text.len, actual);
	if (!str_eq(actual, hex)) {
		err_set(err, ERR_SNAPSHOT, "blob %s in the cache is damaged", digest);
		return NULL;
	}
	json = json_parse(buf_str(&text), text.len, digest, err);
	if (json && json_is_object(json))
		return json;
	json_decref(json);
	err_set(err, ERR_SNAPSHOT, "blob %s is no JSON object", digest);
	return NULL;
}

json_t *descriptor(const char *type, const char *digest, uint64_t size)
{
	return json_pack(
		"{s:s, s:s, s:I}", "mediaType", type, "digest", digest, "size", (json_int_t)size);
}
