/*
 * datadir_postgres.c - global/pg_control: how the server ended, and what it was built for.
 *
 * The layout is struct ControlFileData of PostgreSQL's src/include/catalog/pg_control.h.  Its head
 * has been the same since 8.3, but for prevCheckPoint, which 11 dropped.  The tail moves with every
 * few majors; two marks find it whatever the version: the checksum is the one place where the
 * CRC-32C of everything before it stands, and floatFormat is the number 1234567.0.
 */
#include "datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_MAX 512 /* PG_CONTROL_MAX_SAFE_SIZE: what is used is written in one sector */
#define CONTROL_MIN 160

enum { AT_VERSION = 8, AT_CATALOG = 12, AT_STATE = 16, AT_CHECKPOINT = 32, AT_COPY = 40 };

/* From floatFormat on. */
enum { AT_ALIGN = -4, AT_BLOCK = 8, AT_SEGMENT = 20, AT_CHECKSUMS = 44, AT_SIGNED = 48 };

/* A shutdown checkpoint's record is shorter, with the headers of two pages within it. */
#define CHECKPOINT_RECORD_MAX 256

/* enum DBState */
static const char *const states[] = {"starting up", "shut down", "shut down in recovery",
	"shutting down", "in crash recovery", "in archive recovery", "in production"};
#define STATE_SHUT_DOWN 1

/* The size of what the checksum covers; 0 when there is no checksum that fits. */
static size_t find_checksum(const unsigned char *control, size_t len)
{
	for (size_t at = CONTROL_MIN; at + 4 <= len; at += 4)
		if (datadir_crc32c(0, control, at) == datadir_le32(control + at))
			return at;
	return 0;
}

static const unsigned char *find_float(const unsigned char *control, size_t len)
{
	static const unsigned char mark[8] = {0, 0, 0, 0, 0x87, 0xd6, 0x32, 0x41};

	for (size_t at = AT_COPY; at + AT_SIGNED < len; at += 8)
		if (memcmp(control + at, mark, sizeof(mark)) == 0)
			return control + at;
	return NULL;
}

/* XLogFileName() */
static void segment_name(char out[25], uint32_t timeline, uint64_t position, uint32_t size)
{
	uint64_t segment = position / size, each = ((uint64_t)1 << 32) / size;

	snprintf(out, 25, "%08X%08X%08X", timeline, (uint32_t)(segment / each),
		(uint32_t)(segment % each));
}

static void read_tail(
	const unsigned char *control, size_t len, const unsigned char *tail, struct datadir *out)
{
	size_t copy = AT_COPY + (out->control_version < 1100 ? 8 : 0);
	uint64_t checkpoint = datadir_le64(control + AT_CHECKPOINT);
	uint32_t timeline = datadir_le32(control + copy + 8);

	out->max_align = datadir_le32(tail + AT_ALIGN);
	out->page_size = datadir_le32(tail + AT_BLOCK);
	out->segment_size = datadir_le32(tail + AT_SEGMENT);
	out->checksums = datadir_le32(tail + AT_CHECKSUMS) != 0;
	if (out->control_version >= 1800)
		out->char_signed = tail[AT_SIGNED] != 0;
	if (out->segment_size < (1 << 20) || out->segment_size & (out->segment_size - 1))
		return;
	segment_name(out->wal_first, timeline, datadir_le64(control + copy), out->segment_size);
	segment_name(
		out->wal_last, timeline, checkpoint + CHECKPOINT_RECORD_MAX, out->segment_size);
}

/* Files that tell that this directory is not what pg_control says alone. */
static bool judge_files(int dir, struct datadir *out)
{
	static const char *const names[] = {
		"backup_label", "recovery.signal", "standby.signal", "recovery.conf"};
	autofree char *segment = xasprintf("pg_wal/%s", out->wal_first);
	autofree char *old_segment = xasprintf("pg_xlog/%s", out->wal_first);
	autoclose int found = -1;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (datadir_has(dir, names[i])) {
			datadir_judge(out, DATADIR_NOT_CLEAN,
				"%s is there: a backup or replica that has yet to recover",
				names[i]);
			return false;
		}
	found = datadir_open(dir, segment, NULL);
	if (found < 0)
		found = datadir_open(dir, old_segment, NULL);
	if (found >= 0)
		return true;
	datadir_judge(out, DATADIR_NOT_CLEAN,
		"the WAL segment %s with the last checkpoint is not in pg_wal", out->wal_first);
	return false;
}

/* A link out of pg_tblspc: the files behind it are not in this volume. */
static int on_tablespace(void *ctx, int dir, const char *name)
{
	struct datadir *out = ctx;

	datadir_judge(
		out, DATADIR_NOT_CLEAN, "the tablespace pg_tblspc/%.20s lies elsewhere", name);
	return 1;
}

static void judge_control(const unsigned char *control, size_t len, int dir, struct datadir *out)
{
	uint32_t state = datadir_le32(control + AT_STATE);
	size_t size = find_checksum(control, len);
	const unsigned char *tail;

	out->control_version = datadir_le32(control + AT_VERSION);
	out->catalog_version = datadir_le32(control + AT_CATALOG);
	if (out->control_version && !(out->control_version & 0xffff)) {
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"global/pg_control was written on a big-endian machine");
		return;
	}
	tail = find_float(control, size);
	if (!size || !tail) {
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"global/pg_control is damaged: its checksum does not match");
		return;
	}
	read_tail(control, size, tail, out);
	if (state != STATE_SHUT_DOWN) {
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"global/pg_control has the state \"%s\" and not \"shut down\"",
			state < ARRAY_LEN(states) ? states[state] : "unknown");
		return;
	}
	if (!judge_files(dir, out) || datadir_names(dir, "pg_tblspc", on_tablespace, out) > 0)
		return;
	datadir_judge(out, DATADIR_CLEAN,
		"global/pg_control has the state \"shut down\" and a valid checksum");
}

void datadir_examine_postgres(int dir, struct datadir *out)
{
	unsigned char control[CONTROL_MAX];
	char version[16];
	ssize_t len = datadir_read(dir, "PG_VERSION", version, sizeof(version) - 1);

	out->kind = DATADIR_POSTGRES;
	if (len > 0) {
		version[len] = '\0';
		out->version = xstrdup(str_trim(version));
	}
	len = datadir_read(dir, "global/pg_control", control, sizeof(control));
	if (len < CONTROL_MIN)
		datadir_judge(out, DATADIR_NOT_CLEAN, "global/pg_control is missing or too short");
	else
		judge_control(control, (size_t)len, dir, out);
}
