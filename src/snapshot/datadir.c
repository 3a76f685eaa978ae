/* datadir.c - finding the data directory in a volume, and its facts as JSON. */
#include "datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 2 /* the official image of PostgreSQL 18 keeps it in "18/docker" */

static const char *const kind_names[] = {"opaque", "postgres", "mariadb", "mysql"};
static const char *const state_names[] = {"clean", "not clean", "cannot tell"};

const char *datadir_kind_name(enum datadir_kind kind)
{
	return kind_names[kind];
}

enum datadir_kind datadir_kind_of(const char *name)
{
	enum datadir_kind kind = DATADIR_OPAQUE;

	while (kind < DATADIR_KINDS && !str_eq(kind_names[kind], name))
		kind++;
	return kind;
}

const char *datadir_state_name(enum datadir_state state)
{
	return state_names[state];
}

/* === finding === */

struct search {
	struct strv found; /* paths */
	struct strv next;  /* the folders of the next level */
	const char *below; /* the folder being listed */
};

static bool is_postgres(int dir)
{
	return datadir_has(dir, "PG_VERSION") && datadir_has(dir, "global");
}

static bool is_mysql(int dir)
{
	return datadir_has(dir, "ibdata1") || datadir_has(dir, "aria_log_control") ||
	       datadir_has(dir, "mysql.ibd");
}

static int on_folder(void *ctx, int dir, const char *name)
{
	struct search *search = ctx;
	autofree char *path = *search->below ? xasprintf("%s/%s", search->below, name)
					     : xstrdup(name);
	autoclose int fd = datadir_open_folder(dir, name);

	if (fd < 0)
		return 0;
	if (is_postgres(fd) || is_mysql(fd))
		strv_push(&search->found, path);
	else
		strv_push(&search->next, path);
	return 0;
}

static void search_below(int root, struct search *search)
{
	autostrv struct strv level = STRV_INIT;

	strv_push(&level, "");
	for (int depth = 0; depth < DEPTH && !search->found.n; depth++) {
		for (size_t i = 0; i < level.n; i++) {
			search->below = level.v[i];
			datadir_names(root, *level.v[i] ? level.v[i] : ".", on_folder, search);
		}
		strv_release(&level);
		level = search->next;
		search->next = STRV_INIT;
	}
	strv_release(&search->next);
}

/* The one data directory's path, the caller's; NULL when there is none, or two (then err is set) */
static char *find(int root, struct err *err)
{
	struct search search = {.below = ""};
	char *path = NULL;

	if (is_postgres(root) || is_mysql(root))
		return xstrdup("");
	search_below(root, &search);
	strv_sort(&search.found);
	if (search.found.n == 1)
		path = xstrdup(search.found.v[0]);
	else if (search.found.n)
		err_set(err, ERR_SNAPSHOT,
			"two data directories, %.200s and %.200s, are in one volume: a snapshot is "
			"of one (move one to a volume of its own)",
			search.found.v[0], search.found.v[1]);
	strv_release(&search.found);
	return path;
}

int datadir_examine(int root, struct datadir *out, struct err *err)
{
	struct datadir dir = {.checksums = -1, .capitals = -1, .char_signed = -1};
	struct err found = ERR_INIT;
	autoclose int fd = -1;

	dir.path = find(root, &found);
	if (found.kind) {
		*err = found;
		return -1;
	}
	if (!dir.path) {
		dir.path = xstrdup("");
		datadir_judge(&dir, DATADIR_CANNOT_TELL, "no database that devenv knows");
		*out = dir;
		return 0;
	}
	fd = datadir_open_folder(root, *dir.path ? dir.path : ".");
	if (fd < 0) {
		err_os(err, ERR_SNAPSHOT, errno, "open %s", dir.path);
		datadir_release(&dir);
		return -1;
	}
	if (is_postgres(fd))
		datadir_examine_postgres(fd, &dir);
	else
		datadir_examine_mysql(fd, &dir);
	*out = dir;
	return 0;
}

void datadir_release(struct datadir *dir)
{
	free(dir->path);
	free(dir->version);
	free(dir->proof);
	strv_release(&dir->left_logs);
	memset(dir, 0, sizeof(*dir));
}

/* === facts === */

/* A member with a string; the text may hold names that others chose. */
static void print_text(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_addf(out, ",\"%s\":\"", name);
	for (size_t left = strlen(text), n; left; text += n, left -= n) {
		int columns;

		n = str_character(text, left, &columns);
		if (columns < 0)
			buf_addch(out, '?');
		else if (*text == '"' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else
			buf_add(out, text, n);
	}
	buf_addch(out, '"');
}

static void print_number(struct buf *out, const char *name, uint32_t number)
{
	if (number)
		buf_addf(out, ",\"%s\":%u", name, number);
}

static void print_truth(struct buf *out, const char *name, int truth)
{
	if (truth >= 0)
		buf_addf(out, ",\"%s\":%s", name, truth ? "true" : "false");
}

void datadir_print_facts(const struct datadir *dir, struct buf *out)
{
	buf_addf(out, "{\"kind\":\"%s\"", kind_names[dir->kind]);
	print_text(out, "path", dir->path);
	print_text(out, "version", dir->version);
	print_text(out, "state", state_names[dir->state]);
	print_text(out, "proof", dir->proof);
	print_number(out, "page_size", dir->page_size);
	print_truth(out, "checksums", dir->checksums);
	print_truth(out, "capitals", dir->capitals);
	print_number(out, "control_version", dir->control_version);
	print_number(out, "catalog_version", dir->catalog_version);
	print_number(out, "max_align", dir->max_align);
	print_number(out, "segment_size", dir->segment_size);
	print_truth(out, "char_signed", dir->char_signed);
	buf_addch(out, '}');
}
