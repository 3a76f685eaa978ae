/*
 * port.c - the process that listens on a port, through /proc (proc(5)).
 *
 * /proc/net/tcp gives the socket's inode, and one of some process's descriptors links to it.
 */
#include "devenv/port.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/strv.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_LIMIT ((size_t)16 << 20)
#define STATE_LISTEN "0A"

/* proc files have no size, so fs_read (regular files of a known size) is not for them. */
static bool read_proc(const char *path, struct buf *out)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0) {
		char *to = buf_reserve(out, 65536);
		ssize_t n = to ? read(fd, to, 65536) : -1;

		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return false;
}

/* Fields of a row: sl local rem state queues timers retransmits uid timeout inode. */
static char *listening_inode(const char *row, const char *wanted)
{
	autostrv struct strv fields = STRV_INIT;
	const char *colon;

	strv_split(&fields, row, ' ');
	if (fields.n < 10 || strcmp(fields.v[3], STATE_LISTEN) != 0)
		return NULL;
	colon = strrchr(fields.v[1], ':');
	return colon && !strcmp(colon + 1, wanted) ? xstrdup(fields.v[9]) : NULL;
}

static char *find_inode(const char *table, uint16_t port)
{
	autobuf struct buf text = BUF_INIT(TABLE_LIMIT);
	autostrv struct strv rows = STRV_INIT;
	autofree char *wanted = xasprintf("%04X", port);

	if (!read_proc(table, &text))
		return NULL;
	strv_split(&rows, buf_str(&text), '\n');
	for (size_t i = 1; i < rows.n; i++) {
		char *inode = listening_inode(rows.v[i], wanted);

		if (inode)
			return inode;
	}
	return NULL;
}

static bool holds(const char *pid, const char *link)
{
	autofree char *path = xasprintf("/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char target[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = !strcmp(target, link);
	}
	if (dir)
		closedir(dir);
	return found;
}

static char *describe(const char *pid)
{
	autofree char *path = xasprintf("/proc/%s/comm", pid);
	autobuf struct buf name = BUF_INIT((size_t)256 << 10);

	if (!read_proc(path, &name))
		return xasprintf("pid %s", pid);
	return xasprintf("%s (pid %s)", str_trim(name.data), pid);
}

char *port_holder(uint16_t port)
{
	autofree char *inode = find_inode("/proc/net/tcp", port);
	autofree char *link = NULL;
	char *holder = NULL;
	struct dirent *entry;
	DIR *dir;

	if (!inode)
		inode = find_inode("/proc/net/tcp6", port);
	if (!inode)
		return NULL;
	link = xasprintf("socket:[%s]", inode);
	dir = opendir("/proc");
	while (dir && !holder && (entry = readdir(dir))) {
		if (isdigit((unsigned char)*entry->d_name) && holds(entry->d_name, link))
			holder = describe(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return holder;
}
