/* snapshot_export.c - `devenv snapshot export`. */
#include "snapshots.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/packed.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct export_options {
	bool replace;
	const char *compress;
};

#define AT(member) OPT_AT(struct export_options, member)

static const char *const packings[] = {"none", "gzip", "zstd", NULL};

static const struct option_spec options[] = {
	{.name = "compress",
		.type = OPT_CHOICE,
		AT(compress),
		.arg = "HOW",
		.choices = packings,
		.help = "How to compress; without: as FILE's name says"},
	{.name = "replace", .type = OPT_FLAG, AT(replace), .help = "Over a FILE that is there"},
	{0},
};

/* The file is written beside its place and moved there when it is whole. */
struct target {
	const char *path; /* NULL: stdout */
	char *part;
	int fd;
	struct packer *packer;
};

static int write_out(void *ctx, const void *data, size_t len, struct err *err)
{
	struct target *target = ctx;

	if (fs_write_all(target->fd, data, len) == 0)
		return 0;
	return err_os(err, ERR_FAILED, errno, "write %s", target->path ? target->path : "stdout");
}

static int open_part(struct target *target, const struct export_options *chosen, struct err *err)
{
	if (fs_exists(target->path) && !chosen->replace)
		return err_set(err, ERR_FAILED,
			"%s is there already; choose another name, or say --replace", target->path);
	target->part = xasprintf("%s.part", target->path);
	target->fd = open(target->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (target->fd < 0)
		return err_os(err, ERR_FAILED, errno, "write %s", target->part);
	if (flock(target->fd, LOCK_EX | LOCK_NB) < 0) {
		cleanup_close(&target->fd);
		return err_set(err, ERR_FAILED, "another devenv writes %s", target->part);
	}
	return ftruncate(target->fd, 0) < 0
		       ? err_os(err, ERR_FAILED, errno, "write %s", target->part)
		       : 0;
}

static enum packing choose_packing(const struct target *target, const struct export_options *chosen)
{
	for (size_t i = 0; packings[i]; i++)
		if (str_eq(chosen->compress, packings[i]))
			return (enum packing)i;
	return target->path ? packing_of_name(target->path) : PACKING_NONE;
}

/* A name that says what `export` does not write. */
static int check_path(const char *path, struct err *err)
{
	static const char *const others[] = {".zip", ".7z", ".rar", ".xz", ".txz", ".bz2", ".tbz2",
		".lz4", ".lzma", ".br", ".Z", ".sql", ".sql.gz", ".sql.zst", ".dump"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_ends(path, others[i]))
			return err_set(err, ERR_USAGE,
				"%s: a tar is what is written, not %s; end the name in .tar, "
				".tar.gz or .tar.zst",
				path, others[i]);
	return 0;
}

static int target_open(struct target *target, const struct export_options *chosen, struct err *err)
{
	if (!target->path && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
			"stdout is a terminal; name a file, or pipe it to somewhere");
	if (!target->path)
		target->fd = STDOUT_FILENO;
	else if (open_part(target, chosen, err) < 0)
		return -1;
	target->packer = packer_new(choose_packing(target, chosen), write_out, target, err);
	return target->packer ? 0 : -1;
}

static int to_packer(void *ctx, const void *data, size_t len, struct err *err)
{
	struct target *target = ctx;

	return packer_add(target->packer, data, len, err);
}

static int target_finish(struct target *target, struct err *err)
{
	if (packer_end(target->packer, err) < 0)
		return -1;
	if (target->path && (fsync(target->fd) < 0 || rename(target->part, target->path) < 0))
		return err_os(err, ERR_FAILED, errno, "write %s", target->path);
	return 0;
}

/* What is not finished goes. */
static void target_close(struct target *target, bool finished)
{
	packer_free(target->packer);
	if (target->path && target->fd >= 0 && !finished)
		unlink(target->part);
	if (target->path)
		cleanup_close(&target->fd);
	cleanup_free(&target->part);
}

static int export_to(struct app *app, const char *name, struct target *target,
	const struct export_options *chosen, struct err *err)
{
	autosession struct session session = SESSION_INIT;
	autofree char *object = xasprintf("snapshot %s", name);

	if (session_open(app, SESSION_ENGINE | SESSION_ALL, &session, err) < 0 ||
		target_open(target, chosen, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_START, .object = object, .text = "Exporting"});
	if (plan_snapshot_export(session.engine, name, to_packer, target, &app->sink, err) < 0 ||
		target_finish(target, err) < 0)
		return -1;
	sink_emit(&app->sink,
		&(struct event){.kind = EVENT_DONE, .object = object, .text = "Exported"});
	return 0;
}

/* "registry.example/seeds/shop:1" as a file's name. */
static char *default_path(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *path = xasprintf("%s.tar.zst", slash ? slash + 1 : name);

	for (char *at = path; (at = strpbrk(at, ":@"));)
		*at = '-';
	return path;
}

static int export_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	autofree char *path = argc > 1 ? xstrdup(argv[1]) : default_path(argv[0]);
	struct target target = {.path = str_eq(path, "-") ? NULL : path, .fd = -1};
	int status = target.path ? check_path(target.path, err) : 0;

	if (status == 0)
		status = export_to(app, argv[0], &target, opts, err);
	target_close(&target, status == 0);
	return status;
}

static const char *const examples[] = {
	"devenv snapshot export clean                      # clean.tar.zst",
	"devenv snapshot export clean shop.tar.gz",
	"devenv snapshot export clean - | tar -t           # what is in it",
	NULL,
};

const struct command cmd_snapshot_export = {
	.name = "export",
	.args = "NAME [FILE|-]",
	.summary = "Write what a snapshot holds as a tar",
	.details =
		"A plain tar, for any tool: owners, modes, times, extended attributes, hard links "
		"and holes are as they were saved, and every byte is checked on the way. FILE's "
		"name says whether it is compressed: .tar, .tar.gz or .tar.zst; - is stdout. A "
		"FILE is there only when it is whole, for its owner's eyes only.\n"
		"\n"
		"`devenv snapshot import` makes the same snapshot of it again, and `x-snapshot` "
		"takes it as it is.",
	.examples = examples,
	.min_args = 1,
	.max_args = 2,
	.options = options,
	.options_size = sizeof(struct export_options),
	.run = export_run,
};
