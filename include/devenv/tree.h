/*
 * tree.h - a data directory as chunks, packs and an index, and back.
 *
 * The format is in snapshot_format.h.  Everything works on open directories: `root` or `target`,
 * the data directory, and `blobs`, the folder blobs/sha256 of an OCI image layout, where a blob's
 * file name is the 64 hex digits of its SHA-256 (HEX.part: a part of a pack; .new-*: what a killed
 * run left, of no use once nobody writes).  No network, no engine: moving blobs is the caller's
 * business.  What is read from an index or a pack is taken for hostile.
 *
 *	struct tree_capture_ask ask = {.root = root, .blobs = blobs};
 *	struct tree_index *index = tree_capture(&ask, &totals, err);
 *	tree_index_store(index, blobs, err);		index->digest and the packs make a manifest
 *	...
 *	index = tree_index_open(blobs, digest_hex, err);
 *	tree_materialize(&(struct tree_materialize_ask){.index = index, .blobs = blobs,
 *		.target = target, .base_root = -1}, &made, err);
 *	tree_index_free(index);
 *
 * Memory: the index (some 52 bytes a chunk, 0.8 MB a GB of data), and buffers that do not grow with
 * the data.  What is large of the index lies in a file once spill_into() (spill.h) was called.  It
 * may have 1 GiB, which is 1.3 TB of data that is nowhere the same.  Threads: one for each
 * processor that is online, at most 16; 6 where deltas are made, for their memory.  Errors are
 * ERR_SNAPSHOT; err->os is EBADMSG when a blob is damaged or not there.
 */
#ifndef DEVENV_TREE_H
#define DEVENV_TREE_H

#include "devenv/buf.h"
#include "devenv/canary.h"
#include "devenv/err.h"
#include "devenv/hash.h"
#include "devenv/snapshot_format.h"
#include "devenv/tar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* === the index === */

struct tree_pack {
	unsigned char sha256[SHA256_SIZE];
	uint64_t size;
	enum snapshot_pack_kind kind;
};

struct tree_chunk {
	unsigned char id[SHA256_SIZE];
	uint32_t size;
	uint32_t pack;
	uint32_t offset;
	uint32_t frame_size;
};

struct tree_delta {
	uint32_t chunk;
	uint32_t pack;
	uint32_t offset;
	uint32_t frame_size;
	uint32_t n_bases;
	uint32_t bases; /* where they begin in index->bases */
};

struct tree_xattr {
	char *name;
	char *value;
	size_t len;
};

struct tree_entry {
	enum snapshot_entry_type type;
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	char *path; /* "" is the root */
	struct timespec mtime;
	struct tree_xattr *xattrs;
	size_t n_xattrs;
	uint64_t size;   /* SNAPSHOT_FILE */
	uint32_t *slots; /* SNAPSHOT_FILE: chunk numbers or SNAPSHOT_HOLE; tree_slots() of them */
	char *target;    /* SNAPSHOT_SYMLINK */
	uint32_t link;   /* SNAPSHOT_HARDLINK: the entry it is another name of */
};

struct tree_index {
	unsigned char parent[SHA256_SIZE]; /* zeros: none */
	struct tree_pack *packs;
	struct tree_chunk *chunks;
	struct tree_delta *deltas;
	struct tree_entry *entries;
	uint32_t *bases; /* chunk numbers in the parent's index */
	uint32_t n_packs, n_chunks, n_deltas, n_entries, n_bases;
	uint64_t bytes; /* of all regular files */
	/* Of the blob that it was read from or stored as. */
	unsigned char digest[SHA256_SIZE];
	uint64_t blob_size;
};

/* The number of slots of a file of `size` bytes. */
uint64_t tree_slots(uint64_t size);

/* Read and check an index blob. NULL with err: what is wrong with it. The caller's. */
struct tree_index *tree_index_decode(const void *blob, size_t len, struct err *err);

/* The same from BLOBS/HEX, whose digest must be HEX. */
struct tree_index *tree_index_open(int blobs, const char *hex, struct err *err);

/* Append the blob to `blob` (its limit must allow it) and set index->digest and blob_size. */
int tree_index_encode(struct tree_index *index, struct buf *blob, struct err *err);

/* Write the blob into `blobs`, fsync'ed, under its digest; sets index->digest and blob_size. */
int tree_index_store(struct tree_index *index, int blobs, struct err *err);

void tree_index_free(struct tree_index *index); /* NULL is fine */

/* === what long work tells; each may be NULL === */

struct tree_watch {
	/*
	 * `done` of `total` bytes of files. From any thread, one call at a time. Non-zero stops the
	 * work: ERR_CANCELLED.
	 */
	int (*progress)(void *ctx, uint64_t done, uint64_t total);
	/*
	 * What is not carried over: a socket, or an attribute that the target's file system has
	 * not.
	 */
	void (*warn)(void *ctx, const char *path, const char *what);
	void *ctx;
};

/* === capture: a directory into packs === */

struct tree_capture_ask {
	int root;
	int blobs; /* gets the new packs, each fsync'ed before it has its name */
	/* Its chunks are not packed again; NULL: none. Must have its digest. */
	const struct tree_index *parent;
	/*
	 * Also write delta packs; needs the parent's packs in `blobs`. A file that has another name
	 * there is found by what it holds.
	 */
	bool deltas;
	/*
	 * A file with the path, size and mtime of the parent's is taken to be that file, unread. As
	 * rsync does it: good for what can be thrown away again. Not with deltas.
	 */
	bool unread;
	/* Bytes that stay free where packs are written: with less it is as if the disk was full. */
	uint64_t spare;
	/* true: neither this path nor what is below it; NULL: everything is taken. */
	bool (*leave_out)(void *ctx, const char *path, bool directory);
	void *leave_out_ctx;
	struct tree_watch watch;
};

struct tree_totals {
	uint64_t files;        /* regular files; a hard link is not one more */
	uint64_t bytes;        /* of them */
	uint64_t chunks;       /* of the index */
	uint64_t new_chunks;   /* those that no pack of the parent has */
	uint64_t new_bytes;    /* of them, before compression */
	uint64_t packed;       /* size of the new full packs */
	uint64_t delta_packed; /* size of the delta packs */
};

/*
 * Read the tree at `root` into packs. The same tree gives the same index, byte for byte, however
 * many threads. A file that changes while it is read is an error that names it: the database has to
 * be stopped. Sockets and devices are left out with a warning. NULL with err; packs that were
 * written stay, nothing refers to them. The caller's.
 */
struct tree_index *tree_capture(
	const struct tree_capture_ask *ask, struct tree_totals *totals, struct err *err);

/* === materialize: packs into a directory === */

/*
 * Large files that were replaced: nobody finds them any more, and the file system frees them when
 * they are closed, by a kill too.  With many small extents, as databases have them where blocks are
 * shared, that keeps the disk and a processor busy for a while.
 */
struct tree_removed {
	int *fds;
	size_t n;
};

/* Close them all. */
void tree_removed_free(struct tree_removed *removed);

struct tree_materialize_ask {
	const struct tree_index *index;
	int blobs;
	int target;   /* empty, but for a folder lost+found, or what a killed run left */
	bool replace; /* what is in `target` goes, once the new tree is whole beside it */
	/* With replace: gets what may go later, where 1 GiB is free without that; NULL: at once. */
	struct tree_removed *removed;
	/*
	 * With replace: a file of the target that has the size, mtime, owner, mode and attributes
	 * of the index stays as it is, unread. mtimes go to the nanosecond and are the snapshot's,
	 * so a file that has one of them was not written to since it was restored.
	 */
	bool keep;
	/* As of a capture, where files are written; what is replaced counts as free. */
	uint64_t spare;
	/* The index that the deltas need, where chunks came only as deltas; or NULL. */
	const struct tree_index *parent;
	/*
	 * A tree that was materialized from `base` and not touched since: what it has is not taken
	 * out of packs. Files that are the same are cloned (FICLONE) where the file system can,
	 * else copied, without reading them: by size and mtime they must be as in `base`. Chunks of
	 * others are read and checked. NULL and -1: none.
	 */
	const struct tree_index *base;
	int base_root;
	struct tree_watch watch;
};

struct tree_made {
	uint64_t bytes;    /* of all regular files */
	uint64_t kept;     /* they were there already */
	uint64_t cloned;   /* shared with the base */
	uint64_t copied;   /* copied or read from the base */
	uint64_t unpacked; /* out of packs */
};

/*
 * Make the tree below `target`: every chunk's SHA-256 is checked, holes are holes, owners, modes,
 * times, extended attributes and hard links are the index's, those of `target` itself too.
 *
 * It is made in the folder TREE_STAGING of `target` and moved out when it is complete and on the
 * disk; so a run that was killed leaves that folder (or TREE_SWAP, TREE_MOVE), and the next run
 * finds it and starts again. What was in `target` before `replace` is there until then.
 */
int tree_materialize(
	const struct tree_materialize_ask *ask, struct tree_made *made, struct err *err);

/* Give the open folder `target` the owner, mode, attributes and time of the index's root. */
int tree_root(const struct tree_index *index, int target, const struct tree_watch *watch,
	struct err *err);

/* ERR_SNAPSHOT with ENOSPC: less than `spare` bytes are free where the open folder is. */
int tree_check_room(int dir, uint64_t spare, struct err *err);

#define TREE_STAGING ".devenv-restore" /* being filled; nothing else was touched */
#define TREE_SWAP ".devenv-swap"       /* complete; what was there before is being removed */
#define TREE_MOVE ".devenv-move"       /* complete; its parts are being moved up */

/* 1: a killed tree_materialize() left its folder in `target`; 0: not; -1 with err. */
int tree_interrupted(int target, struct err *err);

/* === tar: packs out, and a directory in === */

struct tree_export_ask {
	const struct tree_index *index;
	int blobs;
	const struct tree_index *parent; /* as of tree_materialize_ask */
	tar_write_fn *write;             /* in one thread */
	void *write_ctx;
	struct tree_watch watch;
};

/*
 * Write a tar (pax) of all entries, the root as "./" first: every chunk checked, owners, modes,
 * times, extended attributes and hard links as in the index; a file with holes of 1 MiB and more in
 * GNU's sparse format 1.0. The same index gives the same tar, byte for byte.
 */
int tree_export(const struct tree_export_ask *ask, struct err *err);

struct tree_fill_ask {
	int target;        /* an empty directory */
	tar_read_fn *read; /* a plain tar: what snapshot_stream() writes */
	void *read_ctx;
	struct tree_watch watch; /* warnings only */
};

/*
 * Make what a tar has below `target`, so that tree_capture() finds it as it was packed: with
 * owners, times and attributes. Nothing outside is reached whatever the tar says. After a failure
 * a part of it is there.
 */
int tree_fill(const struct tree_fill_ask *ask, struct err *err);

/* === a tree without packs === */

struct tree_clone_ask {
	int from, target; /* the latter is on the same file system where blocks are to be shared */
	struct tree_watch watch;
};

/*
 * Copy what is in `from` into the folder TREE_STAGING of `target`, whole and on the disk; what else
 * is in `target` is not touched. Files share their blocks (FICLONE) where the file system can, else
 * they are copied, holes as holes. A file that changes meanwhile is an error that names it.
 */
int tree_clone(const struct tree_clone_ask *ask, struct tree_made *made, struct err *err);

/*
 * Put what tree_clone() left in `target` in the place of all else there, with the owner, mode and
 * attributes of `from` itself. After a kill the same call goes on; where nothing is staged, nothing
 * is done.
 */
int tree_commit(int from, int target, struct err *err);

/* Or drop it. */
void tree_abandon(int target);

/* === verify === */

struct tree_verify_ask {
	const struct tree_index *index;
	const struct tree_index *parent; /* to check deltas too; or NULL */
	int blobs;
	/* Each thing that is wrong with the blob HEX; may be NULL. One call at a time. */
	void (*problem)(void *ctx, const char *hex, const char *what);
	void *problem_ctx;
	struct tree_watch watch; /* progress in bytes of packs */
};

struct tree_verified {
	uint64_t packs, chunks, deltas; /* that were read and found right */
	uint64_t problems;
};

/* The digest of every pack, and every chunk out of its frame. -1 with the first problem. */
int tree_verify(const struct tree_verify_ask *ask, struct tree_verified *verified, struct err *err);

/* === search: what must not be in it (canary.h) === */

/* All that was found of one kind in one place. */
struct tree_find {
	const struct tree_entry *entry; /* whose content it is in; NULL: of no file, but in */
	const struct tree_pack *pack;   /* this pack, which others share; else NULL */
	bool in_name; /* in the entry's name, link target or attributes, not in its content */
	enum canary_kind kind;
	uint64_t count;
	uint64_t offset; /* of the first: in the file, or in the pack where its frame begins */
	size_t number;   /* of the first, when CANARY_STRING */
	char shown[CANARY_REDACTED];
};

struct tree_search_ask {
	const struct tree_index *index;
	const struct tree_index *parent; /* as in tree_materialize_ask */
	int blobs;
	const struct canary_rules *rules;
	void (*found)(void *ctx, const struct tree_find *find); /* one call at a time */
	void *found_ctx;
	struct tree_watch watch; /* progress in bytes of files */
};

/*
 * Look through every file across its slots, every name, link target and attribute, and through what
 * packs that are here whole hold besides: packs are sent as they are. *finds is the number of
 * calls.
 * -1 with err for what cannot be read.
 */
int tree_search(const struct tree_search_ask *ask, uint64_t *finds, struct err *err);

/* === what is missing, and adding it === */

struct tree_range {
	uint32_t pack; /* number in the index */
	uint64_t offset;
	uint64_t len;
};

struct tree_missing {
	struct tree_range *ranges; /* by pack and offset */
	size_t n;
	uint64_t bytes;  /* of the ranges */
	uint64_t chunks; /* that have to come */
	uint64_t deltas; /* of them, those for which the delta is enough and smaller */
};

/* Two ranges that are closer than this are one; and closer ones, where there are very many. */
#define TREE_GAP 65536

/*
 * What `blobs` lacks to materialize `index`. A pack is there whole (HEX), or in part (HEX.part,
 * written by tree_pack_write()): then each frame in it counts that gives its chunk, so what was cut
 * short by a crash or damaged is asked for again. With `parent`, whose packs must be there then,
 * smaller deltas are asked for in place of chunks.
 */
int tree_missing(const struct tree_index *index, const struct tree_index *parent, int blobs,
	struct tree_missing *missing, struct err *err);
void tree_missing_release(struct tree_missing *missing);

/* Add a piece of a pack at its place; it may come in any order and in several processes. */
int tree_pack_write(int blobs, const struct tree_pack *pack, uint64_t offset, const void *data,
	size_t len, struct err *err);

/*
 * After the last piece: a pack that is whole and has its digest gets its name. 1: so it is; 0: it
 * stays a part; -1 with err.
 */
int tree_pack_settle(int blobs, const struct tree_pack *pack, struct err *err);

/* === diff === */

enum tree_change_kind { TREE_ADDED, TREE_REMOVED, TREE_CONTENT, TREE_ATTRIBUTES };

struct tree_change {
	enum tree_change_kind kind;
	const struct tree_entry *before, *after; /* NULL: added, removed */
	uint64_t bytes; /* of the slots that differ; the size of what was added or removed */
};

struct tree_diff {
	uint64_t added, removed, content, attributes; /* entries */
	uint64_t bytes;                               /* sum of all changes */
	uint64_t new_bytes, new_packed; /* chunks that only `after` has, plain and compressed */
	/* What one who has all of `before` pulls: those, or their smaller deltas, and the index. */
	uint64_t pulled;
};

/*
 * From `before` to `after`, by path. `change` (may be NULL) is called in the order of paths;
 * TREE_CONTENT includes another type or link target.
 */
void tree_diff(const struct tree_index *before, const struct tree_index *after,
	void (*change)(void *ctx, const struct tree_change *change), void *ctx,
	struct tree_diff *diff);

#endif
