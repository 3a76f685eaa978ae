/* files.c - the files of an input, and no others; see fuzz.h. */
#include "fuzz.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_open64(const char *path, int flags, ...);
int __real_stat64(const char *path, struct stat *st);
int __real_lstat64(const char *path, struct stat *st);
char *__real_realpath(const char *path, char *resolved);

int __wrap_open64(const char *path, int flags, ...);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_lstat64(const char *path, struct stat *st);
char *__wrap_realpath(const char *path, char *resolved);

static const char *const *shown_names; /* NULL: the files of the machine are there */
static const struct parts *shown;

void parts_cut(const uint8_t *data, size_t size, struct parts *parts)
{
	static const char mark[] = "%%\n";
	const char *at = (const char *)data, *end = at + size;

	*parts = (struct parts){0};
	for (;;) {
		const char *cut = parts->n + 1 < PARTS_MAX && size
					  ? memmem(at, (size_t)(end - at), mark, 3)
					  : NULL;
		size_t len = (size_t)((cut ? cut : end) - at);
		char *text = xcalloc(1, len + 1);

		if (len)
			memcpy(text, at, len);
		parts->text[parts->n] = text;
		parts->len[parts->n++] = len;
		if (!cut)
			return;
		at = cut + 3;
	}
}

void parts_release(struct parts *parts)
{
	while (parts->n)
		cleanup_free(&parts->text[--parts->n]);
}

void files_show(const char *const *names, const struct parts *parts)
{
	static char *environment[] = {"HOME=/home", "SET=value", "EMPTY=", NULL};
	extern char **environ;

	environ = environment;
	shown_names = names;
	shown = parts;
}

void files_hide(void)
{
	shown_names = NULL;
	shown = NULL;
}

/* The number of the file, or -1 with errno. */
static int find_file(const char *path)
{
	for (size_t i = 0; i < shown->n; i++) {
		if (strcmp(path, shown_names[i]) == 0)
			return (int)i;
	}
	errno = ENOENT;
	return -1;
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;
	int i, fd;

	if (!shown_names) {
		va_start(args, flags);
		mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
		va_end(args);
		return __real_open64(path, flags, mode);
	}
	i = find_file(path);
	fd = i < 0 ? -1 : memfd_create("input", MFD_CLOEXEC);
	if (fd >= 0 && (pwrite(fd, shown->text[i], shown->len[i], 0) != (ssize_t)shown->len[i]))
		abort();
	return fd;
}

static int stat_shown(const char *path, struct stat *st)
{
	bool dir = strcmp(path, FUZZ_DIR) == 0;
	int i = dir ? -1 : find_file(path);

	if (i < 0 && !dir)
		return -1;
	*st = (struct stat){.st_mode = dir ? S_IFDIR | 0755 : S_IFREG | 0644};
	return 0;
}

int __wrap_stat64(const char *path, struct stat *st)
{
	return shown_names ? stat_shown(path, st) : __real_stat64(path, st);
}

int __wrap_lstat64(const char *path, struct stat *st)
{
	return shown_names ? stat_shown(path, st) : __real_lstat64(path, st);
}

char *__wrap_realpath(const char *path, char *resolved)
{
	if (!shown_names)
		return __real_realpath(path, resolved);
	errno = ENOENT;
	return NULL;
}
