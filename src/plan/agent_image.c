/*
 * agent_image.c - the agent, carried inside this program, as an image of one file.
 *
 * The image is made in memory in the form of `docker save` (moby's image/spec v1.2: manifest.json,
 * the config, one layer), which Docker and Podman load alike.
 */
#include "agent_image.h"

#include "plan_priv.h"

#include "devenv/hash.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/tar.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* DEVENV_AGENT is its file name (Makefile). */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	".globl devenv_agent_start\n"
	"devenv_agent_start:\n"
	".incbin \"" DEVENV_AGENT "\"\n"
	".globl devenv_agent_end\n"
	"devenv_agent_end:\n"
	".byte 0\n"
	".popsection\n");
extern const char devenv_agent_start[], devenv_agent_end[];

#define IMAGE_MAX ((size_t)64 << 20)
#define PROGRAM "devenv-agent"
#define TAG_DIGITS 12

/* === which processor === */

/* Go's names, as images and Docker have them, for the kernel's (`uname -m`). */
static const char *go_architecture(const char *machine)
{
	static const struct {
		const char *machine, *name;
	} names[] = {
		{"x86_64", "amd64"},
		{"aarch64", "arm64"},
		{"armv7l", "arm"},
		{"i386", "386"},
		{"i686", "386"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(machine, names[i].machine))
			return names[i].name;
	return machine;
}

const char *agent_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
#error "What do images call this processor?"
#endif
}

static int check_architecture(struct engine *engine, struct err *err)
{
	const char *ours = agent_architecture();
	autojson json_t *info = NULL;
	const char *theirs;

	if (engine_get(engine, &info, err, "/info") < 0)
		return -1;
	theirs = json_str(info, "Architecture");
	if (!theirs || str_eq(go_architecture(theirs), ours))
		return 0;
	return err_set(err, ERR_ENGINE,
		"the engine runs on %s, and this devenv brings an agent for %s only; use a "
		"devenv that was built for %s",
		go_architecture(theirs), ours, go_architecture(theirs));
}

/* === the image === */

static int to_buf(void *ctx, const void *data, size_t len, struct err *err)
{
	return buf_add(ctx, data, len) < 0 ? err_set(err, ERR_FAILED, "the image is too large") : 0;
}

static int add_file(struct tar_writer *tar, const char *name, mode_t mode, const void *data,
	size_t len, struct err *err)
{
	struct tar_entry entry = {.name = name, .type = '0', .mode = mode, .size = len};

	return tar_add(tar, &entry, err) < 0 ? -1 : tar_data(tar, data, len, err);
}

static int make_layer(struct buf *layer, struct err *err)
{
	struct tar_writer tar = {.write = to_buf, .ctx = layer};
	size_t size = (size_t)(devenv_agent_end - devenv_agent_start);

	if (add_file(&tar, PROGRAM, 0755, devenv_agent_start, size, err) < 0)
		return -1;
	return tar_end(&tar, err);
}

static char *make_config(const struct buf *layer)
{
	char digest[SHA256_HEX];
	autojson json_t *config = NULL;
	autofree char *diff_id = NULL;

	sha256_hex(layer->data, layer->len, digest);
	diff_id = xasprintf("sha256:%s", digest);
	config = json_pack("{s:s, s:s, s:{s:[s], s:{s:s}}, s:{s:s, s:[s]}, s:[{s:s}]}",
		"architecture", agent_architecture(), "os", "linux", "config", "Entrypoint",
		"/" PROGRAM, "Labels", LABEL_HELPER, "agent", "rootfs", "type", "layers",
		"diff_ids", diff_id, "history", "created_by", PROGRAM " " DEVENV_VERSION);
	return json_print(config);
}

static int make_image(const char *tag, struct buf *image, struct err *err)
{
	autobuf struct buf layer = BUF_INIT(IMAGE_MAX);
	struct tar_writer tar = {.write = to_buf, .ctx = image};
	autofree char *config = NULL, *config_name = NULL, *manifest = NULL;
	autojson json_t *list = NULL;
	char digest[SHA256_HEX];

	if (make_layer(&layer, err) < 0)
		return -1;
	config = make_config(&layer);
	sha256_hex(config, strlen(config), digest);
	config_name = xasprintf("%s.json", digest);
	list = json_pack("[{s:s, s:[s], s:[s]}]", "Config", config_name, "RepoTags", tag, "Layers",
		"layer.tar");
	manifest = json_print(list);
	if (add_file(&tar, "layer.tar", 0644, layer.data, layer.len, err) < 0 ||
		add_file(&tar, config_name, 0644, config, strlen(config), err) < 0 ||
		add_file(&tar, "manifest.json", 0644, manifest, strlen(manifest), err) < 0)
		return -1;
	return tar_end(&tar, err);
}

/* A pipe would do, but for a thread that fills it. */
static int as_file(const struct buf *image, struct err *err)
{
	autoclose int fd = memfd_create(PROGRAM, MFD_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, image->data, image->len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_os(err, ERR_FAILED, errno, "keep the agent's image in memory");
	return TAKE_FD(fd);
}

static int load(struct engine *engine, const char *tag, struct err *err)
{
	autobuf struct buf image = BUF_INIT(IMAGE_MAX);
	autoclose int fd = -1;

	if (check_architecture(engine, err) < 0 || make_image(tag, &image, err) < 0)
		return -1;
	fd = as_file(&image, err);
	return fd < 0 ? -1 : image_load(engine, fd, err);
}

static char *tag_of_ours(void)
{
	char digest[SHA256_HEX];

	sha256_hex(devenv_agent_start, (size_t)(devenv_agent_end - devenv_agent_start), digest);
	return xasprintf(PROGRAM ":%.*s", TAG_DIGITS, digest);
}

int agent_image(struct engine *engine, char **image, struct err *err)
{
	autofree char *tag = tag_of_ours();

	if (image_inspect(engine, tag, NULL, err) < 0) {
		if (err->status != 404)
			return -1;
		if (load(engine, tag, err) < 0)
			return err_wrap(err, "load devenv's agent into the engine");
		err_clear(err);
	}
	*image = TAKE(tag);
	return 0;
}

/* Podman puts a registry before the name. */
static bool has_tag(const json_t *image, const char *tag)
{
	json_t *each;
	size_t i;

	json_array_foreach (json_object_get(image, "RepoTags"), i, each)
		if (str_ends(json_string_value(each), tag))
			return true;
	return false;
}

int agent_image_sweep(struct engine *engine, struct err *err)
{
	autofree char *filters = engine_filters("label", LABEL_HELPER "=agent", NULL);
	autofree char *tag = tag_of_ours();
	autojson json_t *images = NULL;
	json_t *image;
	size_t i;

	if (engine_get(engine, &images, err, "/images/json?filters=%s", filters) < 0)
		return -1;
	json_array_foreach (images, i, image) {
		autofree char *id = engine_escape(json_str(image, "Id"));

		if (!has_tag(image, tag) && engine_delete(engine, err, "/images/%s", id) < 0 &&
			err->status != 409 && err->status != 404)
			return -1;
		err_clear(err);
	}
	return 0;
}
