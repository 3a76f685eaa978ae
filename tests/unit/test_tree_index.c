/* test_tree_index.c - the index of a snapshot: there and back, and everything that is refused. */
#include "testing.h"

#include "devenv/tree.h"

#include <fcntl.h>
#include <unistd.h>

static struct tree_entry *add(
	struct tree_index *index, enum snapshot_entry_type type, const char *path)
{
	struct tree_entry *entry;

	index->entries = xgrow(index->entries, index->n_entries, sizeof(*entry));
	entry = &index->entries[index->n_entries++];
	*entry = (struct tree_entry){.type = type, .path = xstrdup(path)};
	if (type == SNAPSHOT_HARDLINK)
		return entry;
	entry->mode = 0640;
	entry->uid = 999;
	entry->gid = 4000000000u;
	entry->mtime = (struct timespec){-5, 999999999};
	return entry;
}

static void add_xattr(struct tree_entry *entry, const char *name, const char *value, size_t len)
{
	struct tree_xattr xattr = {xstrdup(name), xmalloc(len + 1), len};

	memcpy(xattr.value, value, len);
	entry->xattrs = xgrow(entry->xattrs, entry->n_xattrs, sizeof(xattr));
	entry->xattrs[entry->n_xattrs++] = xattr;
}

static void set_slots(struct tree_entry *entry, uint64_t size, const uint32_t *slots)
{
	entry->size = size;
	entry->slots = xmalloc(tree_slots(size) * sizeof(*slots));
	memcpy(entry->slots, slots, tree_slots(size) * sizeof(*slots));
}

static void add_tables(struct tree_index *index)
{
	index->n_packs = 2;
	index->packs = xcalloc(2, sizeof(*index->packs));
	index->packs[0] = (struct tree_pack){{1}, 9000000, SNAPSHOT_PACK_FULL};
	index->packs[1] = (struct tree_pack){{2}, 70000, SNAPSHOT_PACK_DELTA};
	index->n_chunks = 3;
	index->chunks = xcalloc(3, sizeof(*index->chunks));
	index->chunks[0] = (struct tree_chunk){{9}, 65536, 0, 0, 60000};
	index->chunks[1] = (struct tree_chunk){{8}, 65536, 0, 60000, 66000};
	index->chunks[2] = (struct tree_chunk){{7}, 3, 0, 8999999, 1};
	index->n_bases = 3;
	index->bases = xcalloc(3, sizeof(*index->bases));
	memcpy(index->bases, (uint32_t[]){77, 0, 4000000}, 12);
	index->n_deltas = 2;
	index->deltas = xcalloc(2, sizeof(*index->deltas));
	index->deltas[0] = (struct tree_delta){0, 1, 0, 66000, 1, 0};
	index->deltas[1] = (struct tree_delta){2, 1, 66000, 4000, 2, 1};
	memset(index->parent, 5, SHA256_SIZE);
}

/* Something of everything. The caller's. */
static struct tree_index *sample(void)
{
	struct tree_index *index = xcalloc(1, sizeof(*index));
	struct tree_entry *entry;

	add_tables(index);
	entry = add(index, SNAPSHOT_DIRECTORY, "");
	add_xattr(entry, "user.a", "", 0);
	add_xattr(entry, "user.b", "x\0y", 3);
	add(index, SNAPSHOT_DIRECTORY, "a");
	set_slots(add(index, SNAPSHOT_FILE, "a/x"), 3 * 65536, (uint32_t[]){0, SNAPSHOT_HOLE, 1});
	set_slots(add(index, SNAPSHOT_FILE, "a/y"), 65539, (uint32_t[]){0, 2});
	add(index, SNAPSHOT_FILE, "a-b");
	add(index, SNAPSHOT_FIFO, "p");
	add(index, SNAPSHOT_SYMLINK, "s")->target = xstrdup("/var/log");
	add(index, SNAPSHOT_HARDLINK, "t")->link = 3;
	index->bytes = 4 * 65536 + 3;
	return index;
}

static void encode(struct tree_index *index, struct buf *blob)
{
	struct err err = ERR_INIT;

	if (tree_index_encode(index, blob, &err) < 0)
		fail_msg("%s", err.msg);
}

static void same_entry(const struct tree_entry *a, const struct tree_entry *b)
{
	assert_int_equal(a->type, b->type);
	assert_string_equal(a->path, b->path);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->mtime.tv_sec, b->mtime.tv_sec);
	assert_int_equal(a->mtime.tv_nsec, b->mtime.tv_nsec);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->link, b->link);
	assert_int_equal(a->n_xattrs, b->n_xattrs);
	for (size_t i = 0; i < a->n_xattrs; i++) {
		assert_string_equal(a->xattrs[i].name, b->xattrs[i].name);
		assert_int_equal(a->xattrs[i].len, b->xattrs[i].len);
		assert_memory_equal(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len);
	}
	for (uint64_t i = 0; i < tree_slots(a->size); i++)
		assert_int_equal(a->slots[i], b->slots[i]);
	assert_int_equal(!a->target, !b->target);
	if (a->target)
		assert_string_equal(a->target, b->target);
}

static void same_index(const struct tree_index *a, const struct tree_index *b)
{
	assert_memory_equal(a->parent, b->parent, SHA256_SIZE);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->n_packs, b->n_packs);
	for (uint32_t i = 0; i < a->n_packs; i++) {
		assert_memory_equal(a->packs[i].sha256, b->packs[i].sha256, SHA256_SIZE);
		assert_int_equal(a->packs[i].size, b->packs[i].size);
		assert_int_equal(a->packs[i].kind, b->packs[i].kind);
	}
	assert_int_equal(a->n_chunks, b->n_chunks);
	assert_memory_equal(a->chunks, b->chunks, a->n_chunks * sizeof(*a->chunks));
	assert_int_equal(a->n_deltas, b->n_deltas);
	assert_memory_equal(a->deltas, b->deltas, a->n_deltas * sizeof(*a->deltas));
	assert_int_equal(a->n_bases, b->n_bases);
	assert_memory_equal(a->bases, b->bases, a->n_bases * sizeof(*a->bases));
	assert_int_equal(a->n_entries, b->n_entries);
	for (uint32_t i = 0; i < a->n_entries; i++)
		same_entry(&a->entries[i], &b->entries[i]);
}

static void test_there_and_back(void **state)
{
	struct tree_index *index = sample(), *back, *opened;
	autobuf struct buf blob = BUF_INIT(0);
	struct err err = ERR_INIT;
	char hex[SHA256_HEX], expect[SHA256_HEX];
	int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	encode(index, &blob);
	assert_memory_equal(blob.data, "DVSNIDX1", 8);
	sha256_hex(blob.data, blob.len, expect);
	hex_encode(index->digest, SHA256_SIZE, hex);
	assert_string_equal(hex, expect);
	assert_int_equal(index->blob_size, blob.len);
	back = tree_index_decode(blob.data, blob.len, &err);
	if (!back)
		fail_msg("%s", err.msg);
	same_index(index, back);
	assert_memory_equal(back->digest, index->digest, SHA256_SIZE);
	assert_int_equal(tree_index_store(back, dir, &err), 0);
	opened = tree_index_open(dir, hex, &err);
	assert_non_null(opened);
	same_index(index, opened);
	assert_int_equal(opened->blob_size, blob.len);
	tree_index_free(opened);
	tree_index_free(back);
	tree_index_free(index);
	close(dir);
}

/* Larger than all buffers on the way: 40,000 files of hashes that do not compress. */
static void test_large(void **state)
{
	struct tree_index *index = xcalloc(1, sizeof(*index)), *back;
	autobuf struct buf blob = BUF_INIT(0);
	struct err err = ERR_INIT;

	index->packs = xcalloc(1, sizeof(*index->packs));
	index->packs[index->n_packs++] = (struct tree_pack){{1}, 1 << 23, SNAPSHOT_PACK_FULL};
	add(index, SNAPSHOT_DIRECTORY, "");
	for (uint32_t i = 0; i < 40000; i++) {
		struct tree_chunk chunk = {{0}, 65536, 0, i, i % 66560 + 1};
		autofree char *path = xasprintf("file.%06u", i);

		sha256_raw(&i, sizeof(i), chunk.id);
		index->chunks = xgrow(index->chunks, index->n_chunks, sizeof(chunk));
		index->chunks[index->n_chunks++] = chunk;
		set_slots(add(index, SNAPSHOT_FILE, path), 65536, &i);
		index->bytes += 65536;
	}
	encode(index, &blob);
	back = tree_index_decode(blob.data, blob.len, &err);
	if (!back)
		fail_msg("%s", err.msg);
	same_index(index, back);
	tree_index_free(back);
	tree_index_free(index);
}

static void test_cut_and_longer(void **state)
{
	struct tree_index *index = sample();
	autobuf struct buf blob = BUF_INIT(0);
	struct err err = ERR_INIT;

	encode(index, &blob);
	for (size_t len = 0; len < blob.len; len++) {
		/* A block of exactly that size, for ASan. */
		autofree char *cut = xmalloc(len);

		memcpy(cut, blob.data, len);
		assert_null(tree_index_decode(cut, len, &err));
		assert_int_equal(err.kind, ERR_SNAPSHOT);
	}
	buf_addch(&blob, 0);
	assert_null(tree_index_decode(blob.data, blob.len, &err));
	tree_index_free(index);
}

/* Each bit of the blob, by the digest of its name; without it, what is read is right or refused. */
static void test_flipped(void **state)
{
	int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree_index *index = sample(), *back;
	autobuf struct buf blob = BUF_INIT(0);
	struct err err = ERR_INIT;
	autofree char *path = NULL;
	char hex[SHA256_HEX];

	encode(index, &blob);
	hex_encode(index->digest, SHA256_SIZE, hex);
	path = path_join(*state, hex);
	for (size_t bit = 0; bit < 8 * blob.len; bit++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		blob.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(write(fd, blob.data, blob.len), blob.len);
		close(fd);
		assert_null(tree_index_open(dir, hex, &err));
		back = tree_index_decode(blob.data, blob.len, &err);
		if (back)
			same_index(index, back);
		tree_index_free(back);
		blob.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	tree_index_free(index);
	close(dir);
}

/* === an index that its writer made wrong: the checksum is right === */

static struct tree_entry *entry_of(struct tree_index *index, const char *path)
{
	for (uint32_t i = 0; i < index->n_entries; i++)
		if (strcmp(index->entries[i].path, path) == 0)
			return &index->entries[i];
	fail_msg("no entry %s", path);
	return NULL;
}

static void rename_entry(struct tree_index *index, const char *from, const char *to)
{
	struct tree_entry *entry = entry_of(index, from);

	free(entry->path);
	entry->path = xstrdup(to);
}

static void wrong_path_absolute(struct tree_index *index)
{
	rename_entry(index, "a", "/etc");
}

static void wrong_path_above(struct tree_index *index)
{
	rename_entry(index, "a/x", "a/../x");
}

static void wrong_path_dot(struct tree_index *index)
{
	rename_entry(index, "a/x", "a/.");
}

static void wrong_path_empty_part(struct tree_index *index)
{
	rename_entry(index, "a/x", "a//x");
}

static void wrong_path_slash_end(struct tree_index *index)
{
	rename_entry(index, "a/x", "a/x/");
}

static void wrong_path_long_part(struct tree_index *index)
{
	char name[300] = "a/";

	memset(name + 2, 'x', 256);
	rename_entry(index, "a/x", name);
}

static void wrong_path_long(struct tree_index *index)
{
	char name[4200] = "a/";

	for (size_t i = 2; i < 4098; i++)
		name[i] = i % 100 ? 'x' : '/';
	rename_entry(index, "a/x", name);
}

static void wrong_root(struct tree_index *index)
{
	rename_entry(index, "", "x");
}

static void wrong_root_type(struct tree_index *index)
{
	entry_of(index, "")->type = SNAPSHOT_FIFO;
}

static void wrong_order(struct tree_index *index)
{
	rename_entry(index, "a-b", "A");
}

static void wrong_twice(struct tree_index *index)
{
	rename_entry(index, "a/y", "a/x");
}

static void wrong_no_directory(struct tree_index *index)
{
	rename_entry(index, "s", "q/s");
}

static void wrong_below_file(struct tree_index *index)
{
	rename_entry(index, "p", "a-b/p");
}

static void wrong_below_symlink(struct tree_index *index)
{
	rename_entry(index, "t", "s/t");
}

static void wrong_mode(struct tree_index *index)
{
	entry_of(index, "p")->mode = 0100640;
}

static void wrong_time(struct tree_index *index)
{
	entry_of(index, "p")->mtime.tv_nsec = 1000000000;
}

static void wrong_link_later(struct tree_index *index)
{
	entry_of(index, "t")->link = 7;
}

static void wrong_link_directory(struct tree_index *index)
{
	entry_of(index, "t")->link = 1;
}

static void wrong_target_empty(struct tree_index *index)
{
	entry_of(index, "s")->target[0] = '\0';
}

static void wrong_xattr_order(struct tree_index *index)
{
	entry_of(index, "")->xattrs[1].name[5] = 'a';
}

static void wrong_xattr_empty(struct tree_index *index)
{
	entry_of(index, "")->xattrs[0].name[0] = '\0';
}

static void wrong_type(struct tree_index *index)
{
	entry_of(index, "p")->type = 6;
}

static void wrong_slot(struct tree_index *index)
{
	entry_of(index, "a/x")->slots[2] = 99;
}

static void wrong_slot_order(struct tree_index *index)
{
	entry_of(index, "a/x")->slots[0] = 1;
}

static void wrong_slot_size(struct tree_index *index)
{
	entry_of(index, "a/y")->size--;
	index->bytes--;
}

static void wrong_unused(struct tree_index *index)
{
	entry_of(index, "a/y")->slots[1] = SNAPSHOT_HOLE;
}

static void wrong_bytes(struct tree_index *index)
{
	index->bytes++;
}

static void wrong_pack_size(struct tree_index *index)
{
	index->packs[0].size = SNAPSHOT_PACK_MAX + 1;
}

static void wrong_pack_kind(struct tree_index *index)
{
	index->packs[1].kind = 2;
}

static void wrong_chunk_pack(struct tree_index *index)
{
	index->chunks[1].pack = 1;
}

static void wrong_chunk_no_pack(struct tree_index *index)
{
	index->chunks[1].pack = 2;
}

static void wrong_chunk_end(struct tree_index *index)
{
	index->chunks[2].frame_size = 2;
}

static void wrong_chunk_overflow(struct tree_index *index)
{
	index->chunks[2].offset = 0xffffffff;
}

static void wrong_chunk_frame(struct tree_index *index)
{
	index->chunks[0].frame_size = SNAPSHOT_FRAME_MAX + 1;
}

static void wrong_chunk_twice(struct tree_index *index)
{
	memcpy(index->chunks[1].id, index->chunks[0].id, SHA256_SIZE);
}

static void wrong_chunk_size(struct tree_index *index)
{
	index->chunks[2].size = 0;
}

static void wrong_delta_parent(struct tree_index *index)
{
	memset(index->parent, 0, SHA256_SIZE);
}

static void wrong_delta_pack(struct tree_index *index)
{
	index->deltas[0].pack = 0;
}

static void wrong_delta_order(struct tree_index *index)
{
	index->deltas[1].chunk = 0;
}

static void wrong_delta_bases(struct tree_index *index)
{
	index->deltas[0].n_bases = 0;
}

static void wrong_delta_chunk(struct tree_index *index)
{
	index->deltas[1].chunk = 3;
}

static void test_made_wrong(void **state)
{
	static void (*const wrongs[])(struct tree_index *) = {wrong_path_absolute, wrong_path_above,
		wrong_path_dot, wrong_path_empty_part, wrong_path_slash_end, wrong_path_long_part,
		wrong_path_long, wrong_root, wrong_root_type, wrong_order, wrong_twice,
		wrong_no_directory, wrong_below_file, wrong_below_symlink, wrong_mode, wrong_time,
		wrong_link_later, wrong_link_directory, wrong_target_empty, wrong_xattr_order,
		wrong_xattr_empty, wrong_type, wrong_slot, wrong_slot_order, wrong_slot_size,
		wrong_unused, wrong_bytes, wrong_pack_size, wrong_pack_kind, wrong_chunk_pack,
		wrong_chunk_no_pack, wrong_chunk_end, wrong_chunk_overflow, wrong_chunk_frame,
		wrong_chunk_twice, wrong_chunk_size, wrong_delta_parent, wrong_delta_pack,
		wrong_delta_order, wrong_delta_bases, wrong_delta_chunk};

	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		struct tree_index *index = sample(), *back;
		autobuf struct buf blob = BUF_INIT(0);
		struct err err = ERR_INIT;

		wrongs[i](index);
		encode(index, &blob);
		back = tree_index_decode(blob.data, blob.len, &err);
		if (back)
			fail_msg("number %zu was taken", i);
		assert_int_equal(err.kind, ERR_SNAPSHOT);
		tree_index_free(index);
	}
}

/* Folders in one another: 256 are fine. */
static void test_deep(void **state)
{
	for (size_t depth = 256; depth <= 257; depth++) {
		struct tree_index *index = xcalloc(1, sizeof(*index)), *back;
		autobuf struct buf blob = BUF_INIT(0), path = BUF_INIT(0);
		struct err err = ERR_INIT;

		add(index, SNAPSHOT_DIRECTORY, "");
		for (size_t i = 0; i < depth; i++) {
			buf_addstr(&path, i ? "/d" : "d");
			add(index, SNAPSHOT_DIRECTORY, buf_str(&path));
		}
		encode(index, &blob);
		back = tree_index_decode(blob.data, blob.len, &err);
		assert_int_equal(back != NULL, depth == 256);
		tree_index_free(back);
		tree_index_free(index);
	}
}

static void test_open_wrong(void **state)
{
	int dir = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;
	char hex[SHA256_HEX];

	assert_null(tree_index_open(dir, "../../etc/passwd", &err));
	sha256_hex("", 0, hex);
	assert_null(tree_index_open(dir, hex, &err));
	assert_non_null(strstr(err.msg, "is missing"));
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_there_and_back),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_cut_and_longer),
		FOLDER_TEST(test_flipped),
		cmocka_unit_test(test_made_wrong),
		cmocka_unit_test(test_deep),
		FOLDER_TEST(test_open_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
