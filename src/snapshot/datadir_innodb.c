/*
 * datadir_innodb.c - InnoDB's redo log: does anything follow the last checkpoint?
 *
 * A clean shutdown writes every page and then a checkpoint, so that recovery finds an empty log.
 * What "empty" means is taken from MariaDB's own recovery (storage/innobase/log/log0recv.cc):
 *
 * From 10.8 on (find_checkpoint, recv_sys_t::parse) the log is a ring of mini-transactions, each
 * with a sequence bit and a CRC-32C.  The checkpoint block names where to begin; there stands a
 * FILE_CHECKPOINT record for that very place, and what follows is no valid mini-transaction.
 *
 * From 10.2 to 10.7, and in MySQL 5.7 (recv_log_recover_10_5), the log is of blocks of 512 bytes;
 * it is empty when the block of the checkpoint is filled just up to it.
 *
 * MySQL 8 has other formats: no verdict.  Nor for an encrypted log, whose key is not here.
 */
#include "datadir.h"

#include "devenv/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512
#define MTR_MAX (1 << 20) /* recv_sys_t::MTR_SIZE_MAX */

#define FORMAT_10_8 0x50687973
#define FORMAT_10_5 0x50485953
#define FORMAT_10_2 1
#define FORMAT_10_3 103
#define FORMAT_10_4 104

/* 10.8: log_t in log0log.h. */
#define START_OFFSET 12288
#define FILE_CHECKPOINT 0xfa /* type 0xf0, with 10 more bytes: two zeros and the position */
#define CHECKPOINT_SIZE 16   /* 3 + 8, the sequence bit, the checksum */

/* Before: log0log.h. */
#define FILE_HEADER (4 * BLOCK)

struct redo {
	int fd;
	uint64_t size;
	uint64_t first; /* position at START_OFFSET */
	unsigned char header[BLOCK];
};

static bool block_is_valid(const unsigned char *block)
{
	return datadir_crc32c(0, block, BLOCK - 4) == datadir_be32(block + BLOCK - 4);
}

/* === 10.8 and later === */

static uint64_t capacity(const struct redo *redo)
{
	return redo->size - START_OFFSET;
}

/* Read a piece of the ring. */
static bool read_ring(const struct redo *redo, uint64_t position, unsigned char *out, size_t len)
{
	uint64_t offset = (position - redo->first) % capacity(redo);
	uint64_t till_end = capacity(redo) - offset;
	size_t head = len < till_end ? len : (size_t)till_end;

	return datadir_read_at(redo->fd, out, head, START_OFFSET + offset) == (ssize_t)head &&
	       (head == len || datadir_read_at(redo->fd, out + head, len - head, START_OFFSET) ==
				       (ssize_t)(len - head));
}

/* mlog_decode_varint(): the bytes that the number takes; `value` may be too large to be true. */
static size_t decode_varint(const unsigned char *p, uint64_t *value)
{
	static const uint64_t least[] = {0, 0x80, 0x4080, 0x204080, 0x10204080};
	size_t len = 1;

	for (unsigned char first = *p; first & 0x80 && len < 5; first = (unsigned char)(first << 1))
		len++;
	*value = len < 5 ? *p & (0xff >> len) : 0;
	for (size_t i = 1; i < len; i++)
		*value = *value << 8 | p[i];
	*value += least[len - 1];
	return len;
}

/* Where the records of the mini-transaction at `mtr` end; 0 when they do not within `len`. */
static size_t records_end(const unsigned char *mtr, size_t len)
{
	uint64_t at = 0, more;

	while (at + 16 < len && mtr[at] > 1) {
		more = mtr[at++] & 0xf;
		if (!more) {
			decode_varint(mtr + at, &more);
			more += 15;
		}
		at += more;
	}
	return at + 16 < len ? (size_t)at : 0;
}

/* The size of the valid mini-transaction at `position`; 0 when there is none: the log's end. */
static size_t valid_mtr(
	const struct redo *redo, uint64_t position, const unsigned char *mtr, size_t len)
{
	size_t end = records_end(mtr, len);
	unsigned char bit = !((position + end - redo->first) / capacity(redo) & 1);

	if (!end || mtr[end] != bit || datadir_crc32c(0, mtr, end) != datadir_be32(mtr + end + 1))
		return 0;
	return end + 5;
}

/* The newer of the two checkpoints; false when none is valid. */
static bool last_checkpoint(const struct redo *redo, uint64_t *position, uint64_t *end)
{
	unsigned char block[64];
	bool found = false;

	for (uint64_t at = 4096; at <= 8192; at += 4096) {
		if (datadir_read_at(redo->fd, block, sizeof(block), at) != sizeof(block) ||
			datadir_crc32c(0, block, 60) != datadir_be32(block + 60) ||
			datadir_be64(block) < redo->first)
			continue;
		if (found && datadir_be64(block) < *position)
			continue;
		*position = datadir_be64(block);
		*end = datadir_be64(block + 8);
		found = true;
	}
	return found;
}

static void judge_ring(const struct redo *redo, struct datadir *out)
{
	autofree unsigned char *log = NULL;
	uint64_t position = 0, end = 0;
	size_t len;

	if (redo->size < START_OFFSET + 4096 || !last_checkpoint(redo, &position, &end)) {
		datadir_judge(out, DATADIR_NOT_CLEAN, "ib_logfile0 has no valid checkpoint");
		return;
	}
	len = capacity(redo) < 2 * MTR_MAX ? (size_t)capacity(redo) : 2 * MTR_MAX;
	log = xmalloc(len);
	if (!read_ring(redo, position, log, len)) {
		datadir_judge(out, DATADIR_NOT_CLEAN, "ib_logfile0 is cut short");
		return;
	}
	if (end != position || *log != FILE_CHECKPOINT || datadir_be64(log + 3) != position ||
		valid_mtr(redo, position, log, len) != CHECKPOINT_SIZE ||
		valid_mtr(redo, position + CHECKPOINT_SIZE, log + CHECKPOINT_SIZE,
			len - CHECKPOINT_SIZE))
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"InnoDB's redo log goes on after its last checkpoint: the server was "
			"killed or is running");
	else
		datadir_judge(
			out, DATADIR_CLEAN, "InnoDB's redo log is empty after its last checkpoint");
}

/* === 10.2 to 10.7 === */

/* The offset of the newer checkpoint within all files as one; 0 when none is valid. */
static uint64_t checkpoint_offset(const struct redo *redo)
{
	unsigned char block[BLOCK];
	uint64_t newest = 0, offset = 0;

	for (uint64_t at = BLOCK; at < FILE_HEADER; at += 2 * BLOCK)
		if (datadir_read_at(redo->fd, block, BLOCK, at) == BLOCK && block_is_valid(block) &&
			datadir_be64(block) >= newest) {
			newest = datadir_be64(block);
			offset = datadir_be64(block + 16);
		}
	return offset;
}

static void judge_blocks(int dir, const struct redo *redo, struct datadir *out)
{
	uint64_t offset = checkpoint_offset(redo), within = offset % redo->size;
	unsigned file = (unsigned)(offset / redo->size % 101);
	autofree char *name = xasprintf("ib_logfile%u", file);
	autoclose int fd = datadir_open(dir, name, NULL);
	unsigned char block[BLOCK];

	if (within < FILE_HEADER || fd < 0 ||
		datadir_read_at(fd, block, BLOCK, within / BLOCK * BLOCK) != BLOCK ||
		!block_is_valid(block))
		datadir_judge(out, DATADIR_NOT_CLEAN, "InnoDB's redo log has no valid checkpoint");
	else if ((unsigned)block[4] << 8 == (within % BLOCK & 0xff00) &&
		 block[5] == (within % BLOCK & 0xff))
		datadir_judge(
			out, DATADIR_CLEAN, "InnoDB's redo log is empty after its last checkpoint");
	else
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"InnoDB's redo log goes on after its last checkpoint: the server was "
			"killed or is running");
}

/* === both === */

static void judge_format(int dir, const struct redo *redo, struct datadir *out)
{
	uint32_t format = datadir_be32(redo->header);

	if (!block_is_valid(redo->header)) {
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"the head of ib_logfile0 is damaged: its checksum does not match");
		return;
	}
	switch (format) {
	case FORMAT_10_8:
		/* Which key encrypts it; 0 for none. */
		if (datadir_be32(redo->header + 48))
			break;
		judge_ring(redo, out);
		return;
	case FORMAT_10_2:
	case FORMAT_10_3:
	case FORMAT_10_4:
	case FORMAT_10_5:
		judge_blocks(dir, redo, out);
		return;
	default:
		break;
	}
	datadir_judge(out, DATADIR_CANNOT_TELL,
		"InnoDB's redo log is encrypted or of a format (%u) that devenv does not read",
		format);
}

void innodb_judge_log(int dir, struct datadir *out, char *creator)
{
	struct redo redo = {.fd = -1};

	*creator = '\0';
	redo.fd = datadir_open(dir, "ib_logfile0", &redo.size);
	if (redo.fd < 0 && datadir_has(dir, "#innodb_redo")) {
		datadir_judge(out, DATADIR_CANNOT_TELL,
			"devenv does not read the redo log of MySQL 8.0.30 and later");
		return;
	}
	if (redo.fd < 0 || redo.size < FILE_HEADER ||
		datadir_read_at(redo.fd, redo.header, BLOCK, 0) != BLOCK) {
		datadir_judge(out, DATADIR_NOT_CLEAN, "ib_logfile0 is missing or too short");
	} else {
		redo.first = datadir_be64(redo.header + 8);
		snprintf(creator, 33, "%.32s", (const char *)redo.header + 16);
		judge_format(dir, &redo, out);
	}
	cleanup_close(&redo.fd);
}

/* === ibdata1 === */

/*
 * FSP_SPACE_FLAGS at 54 of the first page (fsp0types.h).  full_crc32, the default since MariaDB
 * 10.5: bit 4 is set and the page size in bits 0 to 3; else in bits 6 to 9, where 0 means 16 KiB.
 */
void innodb_read_pages(int dir, struct datadir *out)
{
	unsigned char page[64];
	uint32_t flags, size;

	if (datadir_read(dir, "ibdata1", page, sizeof(page)) != sizeof(page))
		return;
	flags = datadir_be32(page + 54);
	size = flags & 1 << 4 ? flags & 0xf : flags >> 6 & 0xf;
	if (!size)
		size = 5;
	if (size < 3 || size > 7) /* 4 to 64 KiB */
		return;
	out->page_size = 512U << size;
	/* BUF_NO_CHECKSUM_MAGIC */
	out->checksums = flags & 1 << 4 || datadir_be32(page) != 0xdeadbeef;
}
