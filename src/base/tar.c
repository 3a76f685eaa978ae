/*
 * tar.c - writing tar: ustar headers, and pax records for what does not fit into them.
 */
#include "ustar.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ID_MAX 07777777
#define SIZE_MAX_USTAR UINT64_C(077777777777)
#define PAX_MAX ((size_t)32 << 20)
#define NAME_MAX_LEN ((size_t)64 << 10)
#define NS 1000000000

static const char zeros[TAR_BLOCK];

static int put(struct tar_writer *tar, const void *data, size_t len, struct err *err)
{
	return tar->write(tar->ctx, data, len, err) ? -1 : 0;
}

static void set_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
}

static void set_octal(char *field, size_t size, uint64_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%0*" PRIo64, (int)size - 1, value);
	memcpy(field, digits, size);
}

static int put_header(struct tar_writer *tar, const struct tar_entry *entry, struct err *err)
{
	struct ustar header = {.type = entry->type, .magic = "ustar", .version = {'0', '0'}};
	unsigned sum = 0;

	set_text(header.name, sizeof(header.name), entry->name);
	set_text(header.link, sizeof(header.link), entry->link ? entry->link : "");
	set_octal(header.mode, sizeof(header.mode), entry->mode & 07777);
	set_octal(header.uid, sizeof(header.uid), entry->uid > ID_MAX ? 0 : entry->uid);
	set_octal(header.gid, sizeof(header.gid), entry->gid > ID_MAX ? 0 : entry->gid);
	set_octal(header.size, sizeof(header.size), entry->size > SIZE_MAX_USTAR ? 0 : entry->size);
	set_octal(header.mtime, sizeof(header.mtime),
		entry->mtime < 0 ? 0 : (uint64_t)entry->mtime & SIZE_MAX_USTAR);
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((unsigned char *)&header)[i];
	snprintf(header.checksum, sizeof(header.checksum), "%06o", sum & 0777777);
	return put(tar, &header, sizeof(header), err);
}

/* "LEN KEY=VALUE\n", where LEN counts itself (pax Extended Header). */
static void add_bytes(struct buf *out, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, len = rest + 1;
	char digits[24];

	while ((size_t)snprintf(digits, sizeof(digits), "%zu", len) + rest != len)
		len++;
	buf_addf(out, "%zu %s=", len, key);
	buf_add(out, value, size);
	buf_addch(out, '\n');
}

static void add_record(struct buf *out, const char *key, const char *value)
{
	add_bytes(out, key, value, strlen(value));
}

static void add_number(struct buf *out, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	add_record(out, key, digits);
}

static int put_padded(struct tar_writer *tar, const struct buf *data, struct err *err)
{
	size_t padding = (TAR_BLOCK - data->len % TAR_BLOCK) % TAR_BLOCK;

	if (put(tar, data->data, data->len, err) < 0)
		return -1;
	return padding ? put(tar, zeros, padding, err) : 0;
}

static void add_time(struct buf *out, const struct tar_entry *entry)
{
	/* Before 1970 the fraction counts away from it, as the seconds do. */
	bool before = entry->mtime < 0;
	uint64_t seconds = before ? -(uint64_t)entry->mtime : (uint64_t)entry->mtime;
	uint32_t ns = entry->mtime_ns;
	char text[48];

	if (before && ns) {
		seconds--;
		ns = NS - ns;
	}
	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu32, before ? "-" : "", seconds, ns);
	add_record(out, "mtime", text);
}

static void add_xattrs(struct buf *out, const struct tar_entry *entry)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		autofree char *key = xasprintf(XATTR_KEY "%s", entry->xattrs[i].name);

		add_bytes(out, key, entry->xattrs[i].value, entry->xattrs[i].len);
	}
}

static void add_sparse(struct buf *out, const struct tar_entry *entry)
{
	add_record(out, "GNU.sparse.major", "1");
	add_record(out, "GNU.sparse.minor", "0");
	add_record(out, "GNU.sparse.name", entry->name);
	add_number(out, "GNU.sparse.realsize", entry->real_size);
}

static int put_pax(struct tar_writer *tar, const struct tar_entry *entry, struct err *err)
{
	autobuf struct buf records = BUF_INIT(PAX_MAX);
	struct tar_entry pax = {.name = "pax", .type = 'x', .mode = 0644};

	if (strlen(entry->name) > NAME_MAX_LEN)
		return err_set(err, ERR_FAILED, "%.100s...: its name is too long", entry->name);
	if (strlen(entry->name) > 100)
		add_record(&records, "path", entry->name);
	if (entry->link && strlen(entry->link) > 100)
		add_record(&records, "linkpath", entry->link);
	if (entry->uid > ID_MAX)
		add_number(&records, "uid", entry->uid);
	if (entry->gid > ID_MAX)
		add_number(&records, "gid", entry->gid);
	if (entry->size > SIZE_MAX_USTAR)
		add_number(&records, "size", entry->size);
	if (entry->mtime_ns || entry->mtime < 0)
		add_time(&records, entry);
	if (entry->real_size)
		add_sparse(&records, entry);
	add_xattrs(&records, entry);
	if (records.overflow)
		return err_set(err, ERR_FAILED, "%.100s: its attributes are too long", entry->name);
	if (!records.len)
		return 0;
	pax.size = records.len;
	return put_header(tar, &pax, err) < 0 ? -1 : put_padded(tar, &records, err);
}

int tar_add(struct tar_writer *tar, const struct tar_entry *entry, struct err *err)
{
	if (put_pax(tar, entry, err) < 0 || put_header(tar, entry, err) < 0)
		return -1;
	tar->left = entry->size;
	tar->padding = (unsigned)((TAR_BLOCK - entry->size % TAR_BLOCK) % TAR_BLOCK);
	return 0;
}

int tar_data(struct tar_writer *tar, const void *data, size_t len, struct err *err)
{
	if (len > tar->left)
		len = (size_t)tar->left;
	if (len && put(tar, data, len, err) < 0)
		return -1;
	tar->left -= len;
	if (tar->left || !tar->padding)
		return 0;
	len = tar->padding;
	tar->padding = 0;
	return put(tar, zeros, len, err);
}

int tar_end(struct tar_writer *tar, struct err *err)
{
	return put(tar, zeros, TAR_BLOCK, err) < 0 ? -1 : put(tar, zeros, TAR_BLOCK, err);
}

/* === what is on the disk === */

static int add_content(struct tar_writer *tar, int fd, const char *path, struct err *err)
{
	char piece[65536];

	while (tar->left) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_os(err, ERR_FAILED, errno, "read %s", path);
		if (n == 0) {
			memset(piece, 0, sizeof(piece));
			n = sizeof(piece);
		}
		if (tar_data(tar, piece, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

static int add_file(
	struct tar_writer *tar, const char *path, struct tar_entry *entry, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_os(err, ERR_FAILED, errno, "read %s", path);
	entry->type = '0';
	entry->size = (uint64_t)status.st_size;
	if (tar_add(tar, entry, err) < 0)
		return -1;
	return add_content(tar, fd, path, err);
}

static int add_link(
	struct tar_writer *tar, const char *path, struct tar_entry *entry, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return err_os(err, ERR_FAILED, errno, "read the link %s", path);
	target[n] = '\0';
	entry->type = '2';
	entry->link = target;
	return tar_add(tar, entry, err);
}

int tar_add_path(
	struct tar_writer *tar, const char *path, const char *name, int owned, struct err *err)
{
	autofree char *folder = str_ends(name, "/") ? xstrdup(name) : xasprintf("%s/", name);
	struct tar_entry entry = {.name = name};
	struct stat status;

	if (lstat(path, &status) < 0)
		return err_os(err, ERR_FAILED, errno, "read %s", path);
	entry.mode = status.st_mode & 07777;
	entry.mtime = status.st_mtime;
	if (owned) {
		entry.uid = status.st_uid;
		entry.gid = status.st_gid;
	}
	if (S_ISREG(status.st_mode))
		return add_file(tar, path, &entry, err);
	if (S_ISLNK(status.st_mode))
		return add_link(tar, path, &entry, err);
	if (S_ISDIR(status.st_mode)) {
		entry.type = '5';
		entry.name = folder;
		return tar_add(tar, &entry, err);
	}
	if (S_ISFIFO(status.st_mode)) {
		entry.type = '6';
		return tar_add(tar, &entry, err);
	}
	return 0;
}
