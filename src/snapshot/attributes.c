/* attributes.c - owner, mode, attributes and time of what was made. */
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failed(const struct tree_entry *entry, const char *what, struct err *err)
{
	return err_os(err, ERR_SNAPSHOT, errno, "set the %s of \"%.200s\"", what, entry->path);
}

static int set_xattrs(
	int fd, const struct tree_entry *entry, const struct tree_watch *watch, struct err *err)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tree_xattr *xattr = &entry->xattrs[i];

		if (fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) == 0)
			continue;
		if (errno != ENOTSUP)
			return failed(entry, xattr->name, err);
		if (watch->warn)
			watch->warn(watch->ctx, entry->path,
				"has an extended attribute that this file system cannot keep");
	}
	return 0;
}

int attributes_set_time(int fd, const struct tree_entry *entry, struct err *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, entry->mtime};

	return futimens(fd, times) < 0 ? failed(entry, "time", err) : 0;
}

/* A change of owner clears set-id bits and capabilities: it comes first. */
int attributes_set(
	int fd, const struct tree_entry *entry, const struct tree_watch *watch, struct err *err)
{
	if (fchown(fd, entry->uid, entry->gid) < 0)
		return failed(entry, "owner", err);
	if (fchmod(fd, entry->mode) < 0)
		return failed(entry, "mode", err);
	if (set_xattrs(fd, entry, watch, err) < 0)
		return -1;
	return attributes_set_time(fd, entry, err);
}

int attributes_set_at(int dir, const char *name, const struct tree_entry *entry, struct err *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, entry->mtime};

	if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(entry, "owner", err);
	/* A link's own mode cannot be set, and is not used. */
	if (entry->type == SNAPSHOT_FIFO && fchmodat(dir, name, entry->mode, 0) < 0)
		return failed(entry, "mode", err);
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(entry, "time", err);
	return 0;
}
