/*
 * build_context.c - a folder as a build context: what is ignored, and the tar of the rest.
 *
 * As docker's client makes it: owners are root's, the Dockerfile and .dockerignore always go along
 * (the engine needs them and takes them away again when they are ignored), and a Dockerfile from
 * elsewhere gets a name of its own, which the .dockerignore that is sent leaves out.
 */
#include "build.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/ignore.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DOCKERFILE_MAX ((size_t)4 << 20)
#define IGNORE_MAX ((size_t)1 << 20)
#define DEPTH_MAX 128
#define IGNORE_NAME ".dockerignore"

bool build_is_remote(const char *context)
{
	return strstr(context, "://") || str_starts(context, "git@") ||
	       str_starts(context, "github.com/");
}

const char *build_context_file(
	struct build_context *context, const char *what, const char *content, size_t len)
{
	struct build_file *file = &context->files[context->n_files];
	char random[17];

	if (context->n_files == BUILD_FILES_MAX)
		return NULL;
	random_hex(random, 8);
	file->name = xasprintf(".devenv-%s-%s", what, random);
	file->content = xmalloc(len + 1);
	memcpy(file->content, content, len);
	file->content[len] = '\0';
	file->len = len;
	context->n_files++;
	return file->name;
}

/* === reading what decides === */

static int read_text(const char *path, size_t limit, char **out, struct err *err)
{
	autobuf struct buf text = BUF_INIT(limit);

	if (fs_read(path, &text, ERR_MANIFEST, err) < 0)
		return -1;
	*out = buf_detach(&text);
	return 0;
}

/* NAME.dockerignore beside the Dockerfile wins over the context's. */
static int find_ignore(struct build_context *context, const char *dockerfile, struct err *err)
{
	autofree char *own = xasprintf("%s" IGNORE_NAME, dockerfile ? dockerfile : "");
	autofree char *common = path_join(context->dir, IGNORE_NAME);

	if (dockerfile && fs_is_file(own)) {
		context->ignore_other = true;
		context->ignore_file = TAKE(own);
	} else if (fs_is_file(common)) {
		context->ignore_file = TAKE(common);
	}
	if (!context->ignore_file)
		return 0;
	return read_text(context->ignore_file, IGNORE_MAX, &context->ignore, err);
}

static int use_inline(struct build_context *context, const char *text, struct err *err)
{
	context->text = xstrdup(text);
	context->dockerfile = xstrdup(
		build_context_file(context, "dockerfile", text, strlen(text)));
	return find_ignore(context, NULL, err);
}

static int use_file(struct build_context *context, const char *given, struct err *err)
{
	autofree char *path = path_absolute(context->dir, given);
	autofree char *below = xasprintf("%s/", context->dir);

	if (!fs_is_file(path))
		return err_set(err, ERR_MANIFEST, "there is no Dockerfile %s", path);
	if (read_text(path, DOCKERFILE_MAX, &context->text, err) < 0)
		return -1;
	if (str_starts(path, below))
		context->dockerfile = xstrdup(path + strlen(below));
	else
		context->dockerfile = xstrdup(build_context_file(
			context, "dockerfile", context->text, strlen(context->text)));
	return find_ignore(context, path, err);
}

int build_context_open(const json_t *build, struct build_context *context, struct err *err)
{
	const char *text = json_str(build, "dockerfile_inline");
	const char *file = json_str(build, "dockerfile");

	*context = (struct build_context){.dir = json_str(build, "context")};
	if (!context->dir)
		return err_set(err, ERR_MANIFEST, "`build:` names no context");
	if (build_is_remote(context->dir)) {
		context->dockerfile = xstrdup(file ? file : "Dockerfile");
		return 0;
	}
	if (!fs_is_dir(context->dir))
		return err_set(
			err, ERR_MANIFEST, "the build context %s is no folder", context->dir);
	if (text)
		return use_inline(context, text, err);
	return use_file(context, file ? file : "Dockerfile", err);
}

int build_ignore(const json_t *build, struct ignore *ignore, struct err *err)
{
	struct build_context context = {0};
	int result = 0;

	if (build_context_open(build, &context, err) < 0)
		return -1;
	if (context.ignore)
		result = ignore_parse(ignore, context.ignore, context.ignore_file, err);
	build_context_release(&context);
	return result;
}

void build_context_release(struct build_context *context)
{
	for (size_t i = 0; i < context->n_files; i++) {
		free(context->files[i].name);
		free(context->files[i].content);
	}
	free(context->dockerfile);
	free(context->ignore);
	free(context->ignore_file);
	free(context->text);
	*context = (struct build_context){0};
}

/* === walking === */

/* Folders that are left out wait here: one is only sent when something below it is. */
struct walk {
	const struct build_context *context;
	struct ignore ignore;
	struct tar_writer *tar;
	char *pending[DEPTH_MAX]; /* names, outermost first */
	size_t n_pending;
};

static int walk_dir(struct walk *walk, const char *name, size_t depth, struct err *err);

static int add_pending(struct walk *walk, struct err *err)
{
	for (size_t i = 0; i < walk->n_pending; i++) {
		autofree char *path = NULL;

		if (!walk->pending[i])
			continue;
		path = path_join(walk->context->dir, walk->pending[i]);
		if (tar_add_path(walk->tar, path, walk->pending[i], false, err) < 0)
			return -1;
		free(walk->pending[i]);
		walk->pending[i] = NULL;
	}
	return 0;
}

static int add_one(struct walk *walk, const char *path, const char *name, struct err *err)
{
	if (add_pending(walk, err) < 0)
		return -1;
	return tar_add_path(walk->tar, path, name, false, err);
}

/* A folder that is left out, but where an exception may let something in. */
static int walk_left_out(struct walk *walk, const char *name, size_t depth, struct err *err)
{
	size_t at = walk->n_pending++;
	int result;

	walk->pending[at] = xstrdup(name);
	result = walk_dir(walk, name, depth + 1, err);
	free(walk->pending[at]);
	walk->pending[at] = NULL;
	walk->n_pending = at;
	return result;
}

static bool sends_own_ignore(const struct build_context *context)
{
	return context->n_files || context->ignore_other ||
	       (context->ignore && context->plain_ignore);
}

/* Does the engine need it, ignored or not? */
static bool always_sent(const struct walk *walk, const char *name)
{
	return str_eq(name, walk->context->dockerfile) || str_eq(name, IGNORE_NAME);
}

static bool holds_dockerfile(const struct walk *walk, const char *name)
{
	size_t len = strlen(name);

	return strncmp(walk->context->dockerfile, name, len) == 0 &&
	       walk->context->dockerfile[len] == '/';
}

static int walk_one(struct walk *walk, const char *name, size_t depth, struct err *err)
{
	autofree char *path = path_join(walk->context->dir, name);
	bool out = ignore_matches(&walk->ignore, name) && !always_sent(walk, name);
	struct stat status;

	if (str_eq(name, IGNORE_NAME) && sends_own_ignore(walk->context))
		return 0; /* ours is sent in its place */
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : err_os(err, ERR_FAILED, errno, "read %s", path);
	if (!S_ISDIR(status.st_mode))
		return out ? 0 : add_one(walk, path, name, err);
	if (out) {
		if (!ignore_may_hold(&walk->ignore, name) && !holds_dockerfile(walk, name))
			return 0;
		return walk_left_out(walk, name, depth, err);
	}
	if (add_one(walk, path, name, err) < 0)
		return -1;
	return walk_dir(walk, name, depth + 1, err);
}

static int walk_dir(struct walk *walk, const char *name, size_t depth, struct err *err)
{
	autofree char *path = path_join(walk->context->dir, name);
	autostrv struct strv names = STRV_INIT;

	if (depth >= DEPTH_MAX)
		return err_set(err, ERR_MANIFEST, "%s: folders are nested too deeply", path);
	/* In the order of names, so that the same folder gives the same tar. */
	if (fs_list(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *below = *name ? xasprintf("%s/%s", name, names.v[i])
					     : xstrdup(names.v[i]);

		if (walk_one(walk, below, depth, err) < 0)
			return -1;
	}
	return 0;
}

/* === what goes along === */

static int add_text(
	struct tar_writer *tar, const char *name, const char *text, size_t len, struct err *err)
{
	struct tar_entry entry = {.name = name, .type = '0', .mode = 0600, .size = len};

	return tar_add(tar, &entry, err) < 0 ? -1 : tar_data(tar, text, len, err);
}

/* The .dockerignore that hides our own files from COPY. */
static int add_ignore(struct walk *walk, struct err *err)
{
	const struct build_context *context = walk->context;
	autobuf struct buf text = BUF_INIT(IGNORE_MAX + 65536);

	if (context->ignore && !context->plain_ignore)
		buf_addf(&text, "%s\n", context->ignore);
	if (!context->ignore || context->ignore_other || ignore_matches(&walk->ignore, IGNORE_NAME))
		buf_addstr(&text, IGNORE_NAME "\n");
	if (ignore_matches(&walk->ignore, context->dockerfile))
		buf_addf(&text, "%s\n", context->dockerfile);
	for (size_t i = 0; i < context->n_files; i++)
		buf_addf(&text, "%s\n", context->files[i].name);
	return add_text(walk->tar, IGNORE_NAME, buf_str(&text), text.len, err);
}

static int write_all(struct walk *walk, struct err *err)
{
	const struct build_context *context = walk->context;

	if (context->ignore &&
		ignore_parse(&walk->ignore, context->ignore, context->ignore_file, err) < 0)
		return -1;
	if (walk_dir(walk, "", 0, err) < 0)
		return -1;
	if (sends_own_ignore(context) && add_ignore(walk, err) < 0)
		return -1;
	for (size_t i = 0; i < context->n_files; i++)
		if (add_text(walk->tar, context->files[i].name, context->files[i].content,
			    context->files[i].len, err) < 0)
			return -1;
	return tar_end(walk->tar, err);
}

int build_context_write(
	const struct build_context *context, struct tar_writer *tar, struct err *err)
{
	struct walk walk = {.context = context, .tar = tar};
	int result = write_all(&walk, err);

	ignore_release(&walk.ignore);
	return result;
}
