/*
 * tar_read.c - reading plain tar piece by piece.
 *
 * For streams that snapshot.h has made plain: pax headers, but no extensions of GNU's and no sparse
 * files.  Still nothing that comes in is believed.
 */
#include "ustar.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX ((size_t)32 << 20)
#define XATTRS_MAX 1024
#define NS 1000000000

static int damaged(struct err *err)
{
	return err_set(err, ERR_FAILED, "the tar is damaged or cut short");
}

static int read_exactly(struct tar_reader *tar, void *data, size_t len, struct err *err)
{
	char *at = data;

	while (len) {
		ssize_t n = tar->read(tar->ctx, at, len, err);

		if (n <= 0)
			return n < 0 ? -1 : damaged(err);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* === numbers === */

/* Octal digits, with spaces before them, and a space, NUL or the field's end behind them. */
static bool read_octal(const char *field, size_t size, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (uint64_t)(field[i] - '0');
	*out = value;
	return i == size || field[i] == '\0' || field[i] == ' ';
}

static bool checksum_fits(const struct ustar *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	uint64_t wanted, sum = 0;

	for (size_t i = 0; i < sizeof(*header); i++)
		sum += bytes[i];
	for (size_t i = 0; i < sizeof(header->checksum); i++)
		sum += ' ' - (uint64_t)(unsigned char)header->checksum[i];
	return read_octal(header->checksum, sizeof(header->checksum), &wanted) && wanted == sum;
}

/* "1700000000.123456789" */
static bool read_time(const char *text, struct tar_entry *entry)
{
	const char *digits = text + (*text == '-');
	size_t len = strspn(digits, "0123456789");
	autofree char *whole = xstrndup(digits, len);
	uint64_t seconds, ns = 0;

	if (!parse_u64(whole, 0, INT64_MAX - 1, &seconds) || (digits[len] && digits[len] != '.'))
		return false;
	digits += len + (digits[len] == '.');
	for (int i = 0; i < 9; i++) {
		ns *= 10;
		if (*digits >= '0' && *digits <= '9')
			ns += (uint64_t)(*digits++ - '0');
	}
	entry->mtime = (int64_t)seconds;
	if (*text == '-') {
		entry->mtime = -(int64_t)seconds - (ns != 0);
		ns = ns ? NS - ns : 0;
	}
	entry->mtime_ns = (uint32_t)ns;
	return true;
}

/* === extended headers === */

static bool add_xattr(struct tar_reader *tar, const char *name, const char *value, size_t len)
{
	if (tar->n_xattrs == XATTRS_MAX)
		return false;
	tar->xattrs = xgrow(tar->xattrs, tar->n_xattrs, sizeof(*tar->xattrs));
	tar->xattrs[tar->n_xattrs++] = (struct tar_xattr){name, value, len};
	return true;
}

/* One record; both are followed by a NUL. What is not known here is not needed. */
static bool take_record(struct tar_reader *tar, char *key, char *value, size_t len)
{
	struct tar_entry *entry = &tar->entry;

	if (str_starts(key, XATTR_KEY))
		return add_xattr(tar, key + strlen(XATTR_KEY), value, len);
	if (strlen(value) != len)
		return false;
	if (str_eq(key, "path"))
		entry->name = value;
	else if (str_eq(key, "linkpath"))
		entry->link = value;
	else if (str_eq(key, "mtime"))
		return tar->timed = read_time(value, entry);
	else if (str_eq(key, "size"))
		return tar->sized = parse_u64(value, 0, INT64_MAX, &entry->size);
	else if (str_eq(key, "uid"))
		return tar->uid = parse_u64(value, 0, UINT32_MAX, &entry->uid);
	else if (str_eq(key, "gid"))
		return tar->gid = parse_u64(value, 0, UINT32_MAX, &entry->gid);
	return true;
}

/* "LEN KEY=VALUE\n" after one another, LEN counting itself. */
static bool take_records(struct tar_reader *tar, char *text, size_t left)
{
	while (left) {
		size_t digits = strspn(text, "0123456789");
		autofree char *number = xstrndup(text, digits);
		char *equals = strchr(text + digits, '=');
		uint64_t len;

		if (!parse_u64(number, 1, left, &len) || text[digits] != ' ' || !equals ||
			equals >= text + len || text[len - 1] != '\n')
			return false;
		*equals = text[len - 1] = '\0';
		if (!take_record(tar, text + digits + 1, equals + 1,
			    (size_t)(text + len - 1 - (equals + 1))))
			return false;
		text += len;
		left -= len;
	}
	return true;
}

static int read_records(struct tar_reader *tar, uint64_t size, struct err *err)
{
	size_t whole = (size_t)((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
	char *into;

	buf_release(&tar->records);
	tar->records = BUF_INIT(RECORDS_MAX + TAR_BLOCK + 1);
	into = size <= RECORDS_MAX ? buf_reserve(&tar->records, whole) : NULL;
	if (!into)
		return err_set(err, ERR_FAILED, "an extended header of the tar is too large");
	if (read_exactly(tar, into, whole, err) < 0)
		return -1;
	into[size] = '\0';
	return take_records(tar, into, (size_t)size) ? 0 : damaged(err);
}

/* === headers === */

/* A field that may lack its NUL; the caller's. */
static char *field(const char *text, size_t size)
{
	return xstrndup(text, strnlen(text, size));
}

static int take_header(struct tar_reader *tar, const struct ustar *header, struct err *err)
{
	struct tar_entry *entry = &tar->entry;
	autofree char *prefix = field(header->prefix, sizeof(header->prefix));
	autofree char *name = field(header->name, sizeof(header->name));
	uint64_t mode, uid, gid, size, mtime;

	if (!read_octal(header->mode, sizeof(header->mode), &mode) ||
		!read_octal(header->uid, sizeof(header->uid), &uid) ||
		!read_octal(header->gid, sizeof(header->gid), &gid) ||
		!read_octal(header->size, sizeof(header->size), &size) ||
		!read_octal(header->mtime, sizeof(header->mtime), &mtime))
		return damaged(err);
	tar->name = *prefix ? xasprintf("%s/%s", prefix, name) : TAKE(name);
	tar->link = field(header->link, sizeof(header->link));
	entry->type = header->type ? header->type : '0';
	entry->mode = (unsigned)mode & 07777;
	entry->name = entry->name ? entry->name : tar->name;
	entry->link = entry->link ? entry->link : tar->link;
	entry->uid = tar->uid ? entry->uid : uid;
	entry->gid = tar->gid ? entry->gid : gid;
	entry->size = tar->sized ? entry->size : size;
	entry->mtime = tar->timed ? entry->mtime : (int64_t)mtime;
	entry->xattrs = tar->xattrs;
	entry->n_xattrs = tar->n_xattrs;
	if (entry->type != '0')
		entry->size = 0;
	return 0;
}

static void forget_entry(struct tar_reader *tar)
{
	free(tar->name);
	free(tar->link);
	free(tar->xattrs);
	buf_release(&tar->records);
	*tar = (struct tar_reader){.read = tar->read, .ctx = tar->ctx};
}

void tar_reader_release(struct tar_reader *tar)
{
	forget_entry(tar);
}

static int skip_data(struct tar_reader *tar, struct err *err)
{
	char rest[TAR_BLOCK];
	uint64_t left = tar->left + tar->padding;

	for (; left; left -= left < sizeof(rest) ? left : sizeof(rest))
		if (read_exactly(
			    tar, rest, left < sizeof(rest) ? (size_t)left : sizeof(rest), err) < 0)
			return -1;
	return 0;
}

static bool is_zero(const char *block)
{
	return !block[0] && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

int tar_next(struct tar_reader *tar, const struct tar_entry **entry, struct err *err)
{
	union {
		struct ustar header;
		char block[TAR_BLOCK];
	} in;
	uint64_t size;

	if (skip_data(tar, err) < 0)
		return -1;
	forget_entry(tar);
	for (;;) {
		if (read_exactly(tar, in.block, TAR_BLOCK, err) < 0)
			return -1;
		if (is_zero(in.block))
			return 0;
		if (!checksum_fits(&in.header))
			return damaged(err);
		if (in.header.type != 'x')
			break;
		if (!read_octal(in.header.size, sizeof(in.header.size), &size))
			return damaged(err);
		if (read_records(tar, size, err) < 0)
			return -1;
	}
	if (take_header(tar, &in.header, err) < 0)
		return -1;
	tar->left = tar->entry.size;
	tar->padding = (unsigned)((TAR_BLOCK - tar->left % TAR_BLOCK) % TAR_BLOCK);
	*entry = &tar->entry;
	return 1;
}

ssize_t tar_read(struct tar_reader *tar, void *data, size_t len, struct err *err)
{
	ssize_t n;

	if (len > tar->left)
		len = (size_t)tar->left;
	if (!len)
		return 0;
	n = tar->read(tar->ctx, data, len, err);
	if (n <= 0)
		return n < 0 ? -1 : damaged(err);
	tar->left -= (uint64_t)n;
	return n;
}
