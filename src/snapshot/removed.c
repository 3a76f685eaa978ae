/* removed.c - large files that have no name any more, and are freed when somebody has time. */
#include "stage.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE ((off_t)1 << 20)
#define FILES_MAX 256 /* half of what a process may have open where limits are low */

static void hold_folder(struct tree_removed *removed, int dir);

/* Any file with one name: that name goes, and others would keep it. */
static void hold_at(struct tree_removed *removed, int dir, const char *name)
{
	autoclose int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return;
	if (S_ISDIR(status.st_mode))
		hold_folder(removed, fd);
	if (S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_size >= LARGE &&
		removed->n < FILES_MAX) {
		removed->fds = xrealloc(removed->fds, (removed->n + 1) * sizeof(*removed->fds));
		removed->fds[removed->n++] = TAKE_FD(fd);
	}
}

static void hold_folder(struct tree_removed *removed, int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		cleanup_close(&fd);
		return;
	}
	while ((entry = readdir(stream)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			hold_at(removed, fd, entry->d_name);
	closedir(stream);
}

void stage_hold(struct tree_removed *removed, int target, const struct strv *names)
{
	for (size_t i = 0; removed && i < names->n; i++)
		hold_at(removed, target, names->v[i]);
}

void tree_removed_free(struct tree_removed *removed)
{
	while (removed->n)
		close(removed->fds[--removed->n]);
	free(removed->fds);
	removed->fds = NULL;
}
