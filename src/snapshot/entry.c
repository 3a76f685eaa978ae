/*
 * entry.c - what an archive may put into a volume.
 *
 * Engines unpack inside the container's own root, so nothing here could reach the host; but an
 * entry that leaves the volume would be lost without a word, and the restore be called a success.
 * So it is refused: absolute names, "..", and names that lead through a symbolic link which the
 * archive itself made.  Targets of symbolic links are data and are not judged: a database links its
 * log folder to wherever the image keeps it.  Devices, pipes and sockets have no place in a data
 * directory.
 */
#include "entry.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

/*
 * Ceilings: far over any seeded database, far under what would fill a machine's memory with names.
 */
#define ENTRIES_MAX ((uint64_t)10 << 20)
#define BYTES_MAX ((uint64_t)16 << 40)
#define NAME_MAX_BYTES 4096

void entry_check_release(struct entry_check *check)
{
	json_decref(check->links);
	check->links = NULL;
}

static int bad_name(const char *name, const char *why, struct err *err)
{
	return err_set(err, ERR_SNAPSHOT, "the entry \"%.200s\" %s", name, why);
}

static int check_text(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len > NAME_MAX_BYTES)
		return bad_name(name, "has a name of over 4096 bytes", err);
	if (!str_is_utf8(name, len))
		return err_set(err, ERR_SNAPSHOT, "the name of an entry is no UTF-8");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return err_set(err, ERR_SNAPSHOT,
				"the name of an entry has a control character in it");
	if (*name == '/')
		return bad_name(name, "has an absolute name", err);
	return 0;
}

/* Is a folder above `path` a symbolic link of this archive? */
static bool behind_link(const struct entry_check *check, const char *path)
{
	autofree char *above = xstrdup(path);
	char *slash;

	while ((slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (json_object_get(check->links, above))
			return true;
	}
	return false;
}

char *entry_name(const struct entry_check *check, const char *name, struct err *err)
{
	autobuf struct buf out = BUF_INIT(2 * NAME_MAX_BYTES);
	const char *at = name;

	if (check_text(name, err) < 0)
		return NULL;
	buf_addstr(&out, check->root);
	while (*at) {
		size_t len = strcspn(at, "/");

		if (len == 2 && at[0] == '.' && at[1] == '.') {
			bad_name(name, "has \"..\" in its name", err);
			return NULL;
		}
		if (len && !(len == 1 && *at == '.')) {
			buf_addch(&out, '/');
			buf_add(&out, at, len);
		}
		at += len + (at[len] == '/');
	}
	if (out.overflow || behind_link(check, buf_str(&out))) {
		bad_name(name, "leads through a symbolic link", err);
		return NULL;
	}
	return buf_detach(&out);
}

int entry_count(struct entry_check *check, int64_t size, struct err *err)
{
	check->entries++;
	if (size < 0 || (uint64_t)size > BYTES_MAX - check->bytes)
		return err_set(err, ERR_SNAPSHOT, "it is over 16 TiB");
	check->bytes += (uint64_t)size;
	if (check->entries > ENTRIES_MAX)
		return err_set(err, ERR_SNAPSHOT, "it has over 10 million entries");
	return 0;
}

void entry_seen(struct entry_check *check, const char *name, bool is_link)
{
	if (is_link) {
		if (!check->links)
			check->links = json_object();
		json_object_set_new(check->links, name, json_true());
	} else if (check->links) {
		json_object_del(check->links, name);
	}
}
