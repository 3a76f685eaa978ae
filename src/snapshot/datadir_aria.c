/*
 * datadir_aria.c - Aria's log, and the open counts of Aria's and MyISAM's tables.
 *
 * MariaDB keeps its own tables (users, rights) in Aria.  A clean shutdown ends with a checkpoint
 * that knows of no transaction, table or page, and nothing is logged after it: storage/maria/
 * ma_control_file.c (the control file), ma_loghandler.c (pages and chunks), ma_checkpoint.c (the
 * record).  The rest of the log's last page is filled with 0xff.
 *
 * MyISAM has no log.  Its tables, as Aria's, count in their heads who has them open; after a kill
 * the count stays until somebody opens the table again, whatever was recovered elsewhere.
 */
#include "datadir.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define CONTROL_MAX 512
#define PAGE 8192 /* TRANSLOG_PAGE_SIZE */

/*
 * The record: its type (29, LOGREC_CHECKPOINT) in a chunk that has an LSN, two bytes of an id, the
 * length 38, two zeros for "all of it in this chunk".  38: nothing was open.
 */
#define RECORD_HEAD 6
#define RECORD_BODY 38

struct aria {
	uint32_t file;
	uint32_t offset;
	uint32_t last_file;
};

static uint32_t le16(const unsigned char *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static bool read_control(const unsigned char *control, size_t len, struct aria *aria)
{
	static const unsigned char magic[] = {0xfe, 0xfe, 0x0c};
	const unsigned char *part;
	size_t head, rest;

	if (len < 48 || memcmp(control, magic, sizeof(magic)) != 0)
		return false;
	head = le16(control + 20);
	rest = le16(control + 22);
	if (head + rest != len || head < 8 || rest < 15)
		return false;
	part = control + head;
	if (datadir_crc32(0, control, head - 4) != datadir_le32(part - 4) ||
		datadir_crc32(0, part + 4, rest - 4) != datadir_le32(part))
		return false;
	aria->file = le16(part + 4) | (uint32_t)part[6] << 16;
	aria->offset = datadir_le32(part + 7);
	aria->last_file = datadir_le32(part + 11);
	return true;
}

/* Does the log end with the checkpoint that the control file names? */
static bool ends_with_checkpoint(int dir, const struct aria *aria)
{
	static const unsigned char head[] = {29, 0, 0, RECORD_BODY, 0, 0};
	autofree char *name = xasprintf("aria_log.%08u", aria->file);
	uint32_t page = aria->offset / PAGE * PAGE, at = aria->offset - page;
	unsigned char data[PAGE];
	uint64_t size = 0;
	autoclose int fd = datadir_open(dir, name, &size);

	if (fd < 0 || aria->file != aria->last_file || page + PAGE != size ||
		datadir_read_at(fd, data, PAGE, page) != PAGE ||
		at + RECORD_HEAD + RECORD_BODY > PAGE)
		return false;
	if (data[at] != head[0] || memcmp(data + at + 3, head + 3, 3) != 0)
		return false;
	for (size_t i = at + RECORD_HEAD + RECORD_BODY; i < PAGE; i++)
		if (data[i] != 0xff)
			return false;
	return true;
}

static void judge_log(int dir, struct datadir *out)
{
	unsigned char control[CONTROL_MAX];
	ssize_t len = datadir_read(dir, "aria_log_control", control, sizeof(control));
	struct aria aria;

	if (len < 0)
		return;
	if (!read_control(control, (size_t)len, &aria))
		datadir_judge(out, DATADIR_NOT_CLEAN, "aria_log_control is damaged");
	else if (!ends_with_checkpoint(dir, &aria))
		datadir_judge(out, DATADIR_NOT_CLEAN,
			"Aria's log goes on after its last checkpoint: the server was killed or "
			"is running");
}

/* === open counts === */

struct tables {
	struct datadir *out;
	const char *database;
};

/* _ma_state_info_write(), mi_state_info_write(): 24 bytes of head, then the count. */
static int on_table(void *ctx, int dir, const char *name)
{
	struct tables *tables = ctx;
	unsigned char head[26];

	if (!str_ends(name, ".MAI") && !str_ends(name, ".MYI"))
		return 0;
	if (datadir_read(dir, name, head, sizeof(head)) != sizeof(head) || (!head[24] && !head[25]))
		return 0;
	datadir_judge(tables->out, DATADIR_NOT_CLEAN,
		"the table %.100s/%.*s was not closed: the server was killed or is running (start "
		"it, run CHECK TABLE on that table, and stop it)",
		tables->database, (int)(strlen(name) - 4), name);
	return 1;
}

static int on_database(void *ctx, int dir, const char *name)
{
	struct tables tables = {.out = ctx, .database = name};

	return datadir_names(dir, name, on_table, &tables) > 0;
}

void aria_judge_log(int dir, struct datadir *out)
{
	judge_log(dir, out);
	if (out->state != DATADIR_NOT_CLEAN)
		datadir_names(dir, ".", on_database, out);
}
