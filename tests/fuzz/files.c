/* files.c - the files of an input, and no others; see fuzz.h. */
#include "fuzz.h"

#include "devenv/mem.h"
#include "devenv/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <netdb.h>
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
int __real_glob64(const char *pattern, int flags, int (*problem)(const char *, int), glob_t *found);
void __real_globfree64(glob_t *found);
int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **list);
int __real_proc_run(
	const struct proc_spec *spec, struct buf *output, struct buf *errors, struct err *err);

int __wrap_open64(const char *path, int flags, ...);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_lstat64(const char *path, struct stat *st);
char *__wrap_realpath(const char *path, char *resolved);
int __wrap_glob64(const char *pattern, int flags, int (*problem)(const char *, int), glob_t *found);
void __wrap_globfree64(glob_t *found);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **list);
int __wrap_proc_run(
	const struct proc_spec *spec, struct buf *output, struct buf *errors, struct err *err);

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
	static char *environment[] = {
		"HOME=/home", "SET=value", "EMPTY=", "DEVENV_SSH_CONFIG=" FUZZ_DIR "/1", NULL};
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

int __wrap_glob64(const char *pattern, int flags, int (*problem)(const char *, int), glob_t *found)
{
	if (!shown_names)
		return __real_glob64(pattern, flags, problem, found);
	*found = (glob_t){.gl_pathv = xcalloc(PARTS_MAX, sizeof(char *))};
	for (size_t i = 0; i < shown->n; i++)
		if (fnmatch(pattern, shown_names[i], FNM_PATHNAME) == 0)
			found->gl_pathv[found->gl_pathc++] = xstrdup(shown_names[i]);
	if (found->gl_pathc)
		return 0;
	free(found->gl_pathv);
	return GLOB_NOMATCH;
}

void __wrap_globfree64(glob_t *found)
{
	if (!shown_names) {
		__real_globfree64(found);
		return;
	}
	while (found->gl_pathc)
		free(found->gl_pathv[--found->gl_pathc]);
	free(found->gl_pathv);
}

/* Addresses only: no name is looked up. */
int __wrap_getaddrinfo(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	if (shown_names && !(hints->ai_flags & AI_NUMERICHOST))
		return EAI_NONAME;
	return __real_getaddrinfo(name, service, hints, list);
}

/* No program is started; half of them succeed. */
int __wrap_proc_run(
	const struct proc_spec *spec, struct buf *output, struct buf *errors, struct err *err)
{
	size_t n = 0;

	if (!shown_names)
		return __real_proc_run(spec, output, errors, err);
	while (spec->argv[n])
		n++;
	return (int)(strlen(spec->argv[n - 1]) & 1);
}
