/*
 * template.c - finding templates and writing a manifest from one.
 */
#include "template.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define DEPTH_MAX 8

/* === finding === */

char *template_root(void)
{
	const char *chosen = getenv("DEVENV_TEMPLATES");
	autofree char *self = proc_self(), *bin = path_dirname(self);
	static const char *const beside[] = {"../templates", "../share/devenv/templates"};

	if (!str_empty(chosen))
		return xstrdup(chosen);
	chosen = getenv("DEVENV_DATADIR");
	if (!str_empty(chosen))
		return path_join(chosen, "templates");
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		autofree char *path = path_absolute(bin, beside[i]);

		if (fs_is_dir(path))
			return TAKE(path);
	}
	return xstrdup(DEVENV_DATADIR "/templates");
}

/* The entries of a folder without those that begin with a dot, sorted. */
static void list_dir(const char *path, struct strv *names)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_push(names, entry->d_name);
	if (dir)
		closedir(dir);
	strv_sort(names);
}

void template_names(struct strv *names)
{
	autofree char *root = template_root();
	autostrv struct strv all = STRV_INIT;

	list_dir(root, &all);
	for (size_t i = 0; i < all.n; i++) {
		autofree char *path = path_join(root, all.v[i]);

		if (fs_is_dir(path))
			strv_push(names, all.v[i]);
	}
}

char *template_summary(const char *template)
{
	autofree char *root = template_root();
	autofree char *path = xasprintf("%s/%s/envs/@NAME@.yaml", root, template);
	autobuf struct buf text = BUF_INIT(FILE_MAX);
	struct err ignored = ERR_INIT;
	const char *line;

	if (fs_read(path, &text, ERR_MANIFEST, &ignored) < 0 || !str_starts(buf_str(&text), "# "))
		return xstrdup("");
	line = buf_str(&text) + 2;
	return xstrndup(line, strcspn(line, "\n"));
}

/* === writing === */

struct writing {
	const char *name;
	char *variable; /* the name in upper case, '-' as '_' */
	const char *dir;
	struct strv from, to; /* files, in pairs; `to` is relative to dir */
	struct err *err;
};

static void replace(struct buf *out, const char *text, const char *name, const char *variable)
{
	while (*text) {
		size_t plain = strcspn(text, "@");

		buf_add(out, text, plain);
		text += plain;
		if (str_starts(text, "@NAME@") || str_starts(text, "@VAR@")) {
			bool is_name = text[1] == 'N';

			buf_addstr(out, is_name ? name : variable);
			text += strlen(is_name ? "@NAME@" : "@VAR@");
		} else if (*text) {
			buf_addch(out, *text++);
		}
	}
}

/* Collect the files below FROM; `below` is the path within the template. */
static int collect(struct writing *writing, const char *from, const char *below, int depth)
{
	autostrv struct strv names = STRV_INIT;

	if (depth > DEPTH_MAX)
		return err_set(writing->err, ERR_FAILED, "%s is too deep", from);
	list_dir(from, &names);
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = path_join(from, names.v[i]);
		autofree char *inside = path_join(below, names.v[i]);
		autobuf struct buf target = BUF_INIT(4096);

		if (fs_is_dir(path)) {
			if (collect(writing, path, inside, depth + 1) < 0)
				return -1;
			continue;
		}
		replace(&target, inside, writing->name, writing->variable);
		strv_push(&writing->from, path);
		strv_push(&writing->to, buf_str(&target));
	}
	return 0;
}

static int check_free(const struct writing *writing, struct err *err)
{
	for (size_t i = 0; i < writing->to.n; i++) {
		autofree char *path = path_join(writing->dir, writing->to.v[i]);

		if (fs_exists(path))
			return err_set(err, ERR_MANIFEST,
				"%s is there already; nothing was written", path);
	}
	return 0;
}

static int write_file(const struct writing *writing, size_t i, struct err *err)
{
	autofree char *path = path_join(writing->dir, writing->to.v[i]);
	autofree char *parent = path_dirname(path);
	autobuf struct buf text = BUF_INIT(FILE_MAX), out = BUF_INIT(2 * FILE_MAX);
	autoclose int fd = -1;
	struct stat st;

	if (fs_read(writing->from.v[i], &text, ERR_FAILED, err) < 0 ||
		fs_mkdirs(parent, 0755, err) < 0)
		return -1;
	replace(&out, buf_str(&text), writing->name, writing->variable);
	/* A program in a template stays one. */
	if (stat(writing->from.v[i], &st) < 0)
		return err_os(err, ERR_FAILED, errno, "read %s", writing->from.v[i]);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0755);
	if (fd < 0 || write(fd, buf_str(&out), out.len) != (ssize_t)out.len)
		return err_os(err, ERR_FAILED, errno, "write %s", path);
	return 0;
}

/* The manifest's name becomes part of names of containers, networks and hosts. */
static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);
	bool good = len && len <= 40 &&
		    (islower((unsigned char)*name) || isdigit((unsigned char)*name));

	for (size_t i = 0; good && i < len; i++)
		good = islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) ||
		       name[i] == '-' || name[i] == '_';
	if (!good)
		return err_set(err, ERR_USAGE,
			"\"%s\" is no name for a manifest: small letters, digits, - and _, at most "
			"40",
			name);
	if (str_eq(name, "workspace"))
		return err_set(err, ERR_USAGE,
			"envs/workspace.yaml is the workspace's own file; choose another name");
	return 0;
}

static int write_all(struct writing *writing, struct err *err)
{
	if (check_free(writing, err) < 0)
		return -1;
	for (size_t i = 0; i < writing->to.n; i++)
		if (write_file(writing, i, err) < 0)
			return -1;
	return 0;
}

static int check_template(const char *template, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *root = template_root();
	const char *meant;

	template_names(&names);
	if (strv_has(&names, template))
		return 0;
	if (!names.n)
		return err_set(err, ERR_FAILED, "there are no templates at %s", root);
	meant = str_suggest(template, (const char *const *)names.v);
	return err_set(err, ERR_USAGE, "there is no template \"%s\"%s%s%s; `devenv new` lists them",
		template, meant ? " (did you mean \"" : "", meant ? meant : "",
		meant ? "\"?)" : "");
}

int template_write(const char *template, const char *name, const char *dir, struct strv *written,
	struct err *err)
{
	struct writing writing = {.name = name, .dir = dir, .err = err};
	autofree char *root = template_root();
	autofree char *from = path_join(root, template);
	int result = -1;

	if (check_name(name, err) < 0 || check_template(template, err) < 0)
		return -1;
	writing.variable = xstrdup(name);
	for (char *c = writing.variable; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	if (collect(&writing, from, "", 0) == 0)
		result = write_all(&writing, err);
	if (result == 0)
		strv_extend(written, &writing.to);
	free(writing.variable);
	strv_release(&writing.from);
	strv_release(&writing.to);
	return result;
}
