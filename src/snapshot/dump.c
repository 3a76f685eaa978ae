/* dump.c - telling dumps apart, and reading them (dump.h). */
#include "devenv/dump.h"

#include "devenv/mem.h"
#include "devenv/packed.h"
#include "devenv/signals.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW_SIZE ((size_t)128 << 10)
#define TAIL_SIZE 512

/* The longest beginning of a line that decides what becomes of the line. */
#define LOOK_AHEAD 12

#define COPY_BEGIN "COPY "
#define COPY_END "FROM stdin;"

struct dump {
	char *path;
	int fd; /* 0: stdin */
	struct unpack *packed;
	enum dump_kind kind;
	enum datadir_kind origin;
	const char *what;
	const char *last_line; /* that must come; NULL: none */
	uint64_t size;
	bool keep_restrict, ended;
	/* Of SQL, line by line: */
	bool inside;  /* of a line */
	bool blank;   /* this line becomes spaces */
	bool copying; /* rows of COPY follow: they are data */
	bool copy;    /* the line begins as COPY does */
	char tail[TAIL_SIZE + 1];
	size_t n_tail;
	size_t start, end; /* of what was read and not handed out */
	char raw[RAW_SIZE];
};

/* === what it is === */

/* What people try to import, and what to do instead. */
static const struct {
	size_t offset, len;
	const char *magic, *what;
} foreign[] = {
	{0, 6,
		"\xfd"
		"7zXZ",
		"xz: decompress it first, xz -d"},
	{0, 3, "BZh", "bzip2: decompress it first, bunzip2"},
	{0, 4, "PK\3\4", "a zip archive: unpack it first"},
	{0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
	{0, 16, "SQLite format 3", "a database of SQLite"},
	{0, 8, "XBSTCK01",
		"a stream of mariabackup or xtrabackup: prepare it into a data "
		"directory first, and make a tar of that"},
	{0, 4,
		"\x7f"
		"ELF",
		"a program"},
	{0, 2, "\xff\xfe",
		"text in UTF-16, as PowerShell's > writes it: let the dump program "
		"write the file itself (--result-file, -f)"},
	{0, 2, "\xfe\xff", "text in UTF-16: convert it to UTF-8"},
	{0, 4,
		"\xfe"
		"bin",
		"a binary log of MySQL: turn it into SQL with mysqlbinlog"},
	{0, 14, "<!DOCTYPE html", "a web page: was the download refused?"},
	{0, 5, "<html", "a web page: was the download refused?"},
};

/* Programs that write SQL: how theirs begins, and their last words. */
static const struct {
	const char *begin, *what, *last_line;
	enum datadir_kind origin;
} writers[] = {
	{"-- MariaDB dump", "SQL of mariadb-dump", "-- Dump completed", DATADIR_MYSQL},
	{"-- MySQL dump", "SQL of mysqldump", "-- Dump completed", DATADIR_MYSQL},
	{"-- PostgreSQL database dump", "SQL of pg_dump", "dump complete", DATADIR_POSTGRES},
	{"-- PostgreSQL database cluster dump", "SQL of pg_dumpall", "dump complete",
		DATADIR_POSTGRES},
};

#define TAR_MAGIC_AT 257

static bool has_bytes(const struct dump *dump, size_t offset, const char *bytes, size_t len)
{
	return dump->end >= offset + len && memcmp(dump->raw + offset, bytes, len) == 0;
}

static void is(struct dump *dump, enum dump_kind kind, enum datadir_kind origin, const char *what)
{
	dump->kind = kind;
	dump->origin = origin;
	dump->what = what;
}

static int refuse(const struct dump *dump, const char *what, struct err *err)
{
	return err_set(err, ERR_SNAPSHOT,
		"%s: it is %s; SQL, an archive of pg_dump, or a tar of a data directory is wanted, "
		"plain or as .gz or .zst",
		dump->path, what);
}

/* SQL has no control characters but white space near its top. */
static bool is_text(const struct dump *dump)
{
	size_t n = dump->end < 4096 ? dump->end : 4096;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)dump->raw[i];

		if (c < ' ' && !memchr("\t\n\r\f\v", c, 5))
			return false;
	}
	return true;
}

/* A comment near the top tells who wrote it. */
static void find_writer(struct dump *dump)
{
	is(dump, DUMP_SQL, DATADIR_OPAQUE, "SQL");
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		const char *at = memmem(dump->raw, dump->end < 1024 ? dump->end : 1024,
			writers[i].begin, strlen(writers[i].begin));

		if (!at || (at > dump->raw && at[-1] != '\n'))
			continue;
		is(dump, DUMP_SQL, writers[i].origin, writers[i].what);
		dump->last_line = writers[i].last_line;
	}
}

static int tell_kind(struct dump *dump, struct err *err)
{
	if (has_bytes(dump, 0, "PGDMP", 5)) {
		is(dump, DUMP_PG_ARCHIVE, DATADIR_POSTGRES, "an archive of pg_dump -Fc");
		return 0;
	}
	if (has_bytes(dump, TAR_MAGIC_AT, "ustar", 5)) {
		if (has_bytes(dump, 0, "toc.dat", 8))
			is(dump, DUMP_PG_ARCHIVE, DATADIR_POSTGRES, "an archive of pg_dump -Ft");
		else
			is(dump, DUMP_TAR, DATADIR_OPAQUE, "a tar");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (has_bytes(dump, foreign[i].offset, foreign[i].magic, foreign[i].len))
			return refuse(dump, foreign[i].what, err);
	if (!is_text(dump))
		return refuse(dump, "of no kind that devenv knows", err);
	find_writer(dump);
	return 0;
}

/* === opening === */

/* Read more behind what is there. */
static int fill(struct dump *dump, struct err *err)
{
	ssize_t n;

	memmove(dump->raw, dump->raw + dump->start, dump->end - dump->start);
	dump->end -= dump->start;
	dump->start = 0;
	n = unpack_read(dump->packed, dump->raw + dump->end, RAW_SIZE - dump->end, err);
	if (n < 0)
		return err_wrap(err, "%s", dump->path);
	dump->end += (size_t)n;
	dump->ended = n == 0;
	return 0;
}

static int open_file(struct dump *dump, struct err *err)
{
	struct stat status;

	if (!str_eq(dump->path, "-"))
		dump->fd = open(dump->path, O_RDONLY | O_CLOEXEC);
	if (dump->fd < 0 || fstat(dump->fd, &status) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "open %s", dump->path);
	if (S_ISDIR(status.st_mode))
		return err_set(err, ERR_SNAPSHOT,
			"%s: it is a folder; make a tar of it first: tar -C %s -cf seed.tar .",
			dump->path, dump->path);
	if (S_ISREG(status.st_mode))
		dump->size = (uint64_t)status.st_size;
	dump->packed = unpack_new(dump->fd, signals_fd(), err);
	return dump->packed ? 0 : err_wrap(err, "%s", dump->path);
}

struct dump *dump_open(const char *path, struct err *err)
{
	struct dump *dump = xcalloc(1, sizeof(*dump));

	dump->path = xstrdup(path);
	if (open_file(dump, err) == 0) {
		while (dump->end < 4096 && !dump->ended)
			if (fill(dump, err) < 0)
				goto failed;
		if (tell_kind(dump, err) == 0)
			return dump;
	}
failed:
	dump_close(dump);
	return NULL;
}

void dump_close(struct dump *dump)
{
	if (!dump)
		return;
	unpack_free(dump->packed);
	if (dump->fd > 0)
		close(dump->fd);
	free(dump->path);
	free(dump);
}

enum dump_kind dump_kind(const struct dump *dump)
{
	return dump->kind;
}

enum datadir_kind dump_origin(const struct dump *dump)
{
	return dump->origin;
}

const char *dump_what(const struct dump *dump)
{
	return dump->what;
}

uint64_t dump_taken(const struct dump *dump)
{
	return unpack_taken(dump->packed);
}

uint64_t dump_size(const struct dump *dump)
{
	return dump->size;
}

void dump_keep_restrict(struct dump *dump)
{
	dump->keep_restrict = true;
}

/* === SQL, line by line === */

static bool line_begins(const struct dump *dump, const char *text)
{
	size_t len = strlen(text);

	return dump->end - dump->start >= len && memcmp(dump->raw + dump->start, text, len) == 0;
}

/* At the beginning of a line: what becomes of it? */
static void begin_line(struct dump *dump)
{
	dump->inside = true;
	dump->blank = dump->copy = false;
	if (dump->copying) {
		dump->copying = !line_begins(dump, "\\.\n") && !line_begins(dump, "\\.\r");
		return;
	}
	dump->copy = line_begins(dump, COPY_BEGIN);
	dump->blank = line_begins(dump, "/*!999999\\-") || line_begins(dump, "/*M!999999\\-") ||
		      (!dump->keep_restrict && (line_begins(dump, "\\restrict ") ||
						       line_begins(dump, "\\unrestrict ")));
}

static void add_tail(struct dump *dump, const char *text, size_t len)
{
	size_t keep;

	if (len > TAIL_SIZE) {
		text += len - TAIL_SIZE;
		len = TAIL_SIZE;
	}
	keep = dump->n_tail + len > TAIL_SIZE ? TAIL_SIZE - len : dump->n_tail;
	memmove(dump->tail, dump->tail + dump->n_tail - keep, keep);
	memcpy(dump->tail + keep, text, len);
	dump->n_tail = keep + len;
	dump->tail[dump->n_tail] = '\0';
}

/* Behind the end of a line: do rows follow? */
static void end_line(struct dump *dump)
{
	static const char end[] = COPY_END "\n", other[] = COPY_END "\r\n";

	dump->inside = false;
	if (dump->copy)
		dump->copying = str_ends(dump->tail, end) || str_ends(dump->tail, other);
}

/* What is there of the line, up to `len` bytes. */
static size_t take_line(struct dump *dump, char *data, size_t len)
{
	size_t there = dump->end - dump->start, n = there < len ? there : len;
	const char *from = dump->raw + dump->start, *newline = memchr(from, '\n', n);

	if (newline)
		n = (size_t)(newline - from) + 1;
	memcpy(data, from, n);
	if (dump->blank)
		memset(data, ' ', newline ? n - 1 : n);
	/* Of rows only what the last line is compared with matters. */
	if (!dump->copying)
		add_tail(dump, data, n);
	dump->start += n;
	if (newline)
		end_line(dump);
	return n;
}

static ssize_t check_last_line(const struct dump *dump, struct err *err)
{
	if (!dump->last_line || strstr(dump->tail, dump->last_line))
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"%s: it is cut short: %s ends with a line \"%s\", and this does not", dump->path,
		dump->what, dump->last_line);
}

static ssize_t read_sql(struct dump *dump, char *data, size_t len, struct err *err)
{
	size_t done = 0;

	while (done < len) {
		size_t there = dump->end - dump->start;

		if (!dump->ended && (!there || (!dump->inside && there < LOOK_AHEAD))) {
			if (done)
				break;
			if (fill(dump, err) < 0)
				return -1;
			continue;
		}
		if (!there)
			break;
		if (!dump->inside)
			begin_line(dump);
		done += take_line(dump, data + done, len - done);
	}
	return done ? (ssize_t)done : check_last_line(dump, err);
}

ssize_t dump_read(struct dump *dump, void *data, size_t len, struct err *err)
{
	size_t n;

	if (dump->kind == DUMP_SQL)
		return read_sql(dump, data, len, err);
	if (dump->start == dump->end && !dump->ended && fill(dump, err) < 0)
		return -1;
	n = dump->end - dump->start < len ? dump->end - dump->start : len;
	memcpy(data, dump->raw + dump->start, n);
	dump->start += n;
	return (ssize_t)n;
}
