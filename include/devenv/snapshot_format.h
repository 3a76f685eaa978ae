/*
 * snapshot_format.h - the bytes of a seeded snapshot: chunks, packs and the index.
 *
 * A snapshot is an OCI artifact (image-spec 1.1, "Guidelines for Artifact Usage"): a manifest, a
 * config, layer 0 the index, and the packs as further layers.  This file is its specification;
 * tree.h is the library that reads and writes index and packs.  All their numbers are
 * little-endian, nothing is padded, and a reader refuses whatever is not said here.
 *
 * Manifest: an image manifest with artifactType SNAPSHOT_ARTIFACT_TYPE and a config of
 * SNAPSHOT_CONFIG_TYPE: an image's, so that tools for images show it (skopeo inspect), while
 * engines refuse it for its layers.  A registry that refuses artifactType gets the manifest without
 * it, and with SNAPSHOT_ARTIFACT_TYPE as its config's media type.  Older snapshots have
 * SNAPSHOT_CONFIG_TYPE_0 there, with artifactType or without.  Layer 0 is of SNAPSHOT_INDEX_TYPE.
 * Behind it stands every pack that the index names, in the order of the index, those of the parent
 * too: so a snapshot is whole without its parent, whose chunks serve the deltas only.  In a
 * layout's index.json the annotation "org.opencontainers.image.ref.name" is the snapshot's name.
 *
 * Config: a JSON object for people and for the checks before a restore, which the bytes of the
 * files do not depend on.  "os" and "rootfs", without a layer, are for readers of images alone.
 * "created" (RFC 3339), "parent" (digest of the manifest of the snapshot
 * that it was built on; or null), "engine" (datadir_print_facts()), "left_out" (paths that were not
 * stored), "totals" ({"files", "bytes", "chunks"}), "architecture", "libc", "volume", "service",
 * "image", "image_digest", "production", "masking" (masking.h), "probes" ([{"database", "table",
 * "rows"}]), "server" ({"collation", "collation_version", "lower_case_table_names"}).  What is
 * unknown is absent, and a reader passes over members that it does not know.
 *
 * Chunk: what one slot of a file holds.  Slot i of a regular file is its bytes from i * 65536 up to
 * the next slot or the file's end; so a page of a database is never cut.  A chunk is named by the
 * SHA-256 of its bytes.  A slot of zeros only is a hole and has no chunk.
 *
 * Pack: zstd frames (RFC 8878) one behind the other, each a chunk with its content size, named by
 * the SHA-256 of the whole pack.  A writer closes a pack once it is over 14.5 MiB.  A full pack
 * (kind 0) has frames that stand alone; a delta pack (kind 1) has frames whose prefix (RFC 8878
 * section 5, a raw content dictionary) is the named chunks of the parent snapshot, one behind the
 * other.  Every chunk is in a full pack, whether there is a delta for it or not.  A chunk that the
 * parent has is not packed again: the index names the parent's pack.
 *
 * Index blob:
 *
 *	offset size
 *	0      8     "DVSNIDX1"
 *	8      8     size of the plain index, at most 1 GiB
 *	16     ...   one zstd frame of exactly that content, up to the end of the blob
 *
 * Plain index: a head, four tables and a trailer:
 *
 *	0      32    SHA-256 of the parent's index blob, whose chunks the deltas need; or zeros
 *	32     4     number of packs
 *	36     4     number of chunks
 *	40     4     number of deltas
 *	44     4     number of entries, at least 1
 *	48     8     sum of the sizes of all regular files
 *	56     ...   packs, chunks, deltas, entries
 *	...    32    trailer: SHA-256 of all of the plain index before it; then it ends
 *
 * pack, 41 bytes:
 *	0      32    SHA-256
 *	32     8     size, 1 to 16 MiB
 *	40     1     kind: 0 full, 1 delta
 *
 * chunk, 48 bytes, in the order of first use by the entries; no id twice:
 *	0      32    id
 *	32     4     size of the bytes, 1 to 65536
 *	36     4     number of the full pack, from 0
 *	40     4     offset of the frame in the pack
 *	44     4     size of the frame, 1 to 66560; it ends within the pack
 *
 * delta, by rising chunk number, at most one a chunk; only where there is a parent:
 *	0      4     chunk
 *	4      4     number of the delta pack
 *	8      4     offset of the frame
 *	12     4     size of the frame, 1 to 66560; it ends within the pack
 *	16     1     number of bases b, 1 to 16
 *	17     4 b   the prefix: numbers of chunks in the parent's index
 *
 * entry:
 *	1 byte   type: 1 directory, 2 regular file, 3 symbolic link, 4 FIFO, 5 hard link
 *	2        length of the path, at most 4096
 *	...      path: relative to the root, no empty part, no "." or "..", no NUL, parts up to 255
 *		 bytes; the root's own path is empty
 *	hard link: 4 bytes, number of an earlier entry (a regular file, symbolic link or FIFO);
 *		 nothing else.  All others go on with
 *	2        mode, only the bits 07777
 *	4        uid
 *	4        gid
 *	8        mtime, seconds since the epoch, signed
 *	4        mtime, nanoseconds, under 10^9
 *	2        number of extended attributes, at most 256, by strictly rising name (bytes), each
 *		 1 byte length of the name, not 0; the name, without NUL; 4 bytes length of the
 *		 value, at most 65536; the value
 *	then, regular file: 8 bytes size, at most 2^63 - 1, and for each slot 4 bytes: the chunk's
 *		 number, or 0xffffffff for a hole.  The chunk's size is the slot's.
 *	symbolic link: 2 bytes length of the target, 1 to 4095, and the target, without NUL
 *
 * Entry 0 is the root, a directory.  Entries rise strictly by path, compared byte by byte as
 * unsigned numbers with "/" before all others: a directory comes before what is in it, and what is
 * in it comes before anything else.  The directory of each entry must be an entry.  Folders nest at
 * most 256 deep.  Entries and extended attributes together are at most 2097152.  Sockets and
 * devices are not stored.
 */
#ifndef DEVENV_SNAPSHOT_FORMAT_H
#define DEVENV_SNAPSHOT_FORMAT_H

#include "devenv/json.h"

#include <stdbool.h>

#define SNAPSHOT_ARTIFACT_TYPE "application/vnd.devenv.snapshot.v1"
#define SNAPSHOT_CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define SNAPSHOT_CONFIG_TYPE_0 "application/vnd.devenv.snapshot.config.v1+json"
#define SNAPSHOT_INDEX_TYPE "application/vnd.devenv.snapshot.index.v1+zstd"
#define SNAPSHOT_PACK_TYPE "application/vnd.devenv.snapshot.pack.v1"
#define SNAPSHOT_DELTA_TYPE "application/vnd.devenv.snapshot.delta.v1"

#define SNAPSHOT_INDEX_MAGIC "DVSNIDX1"
#define SNAPSHOT_INDEX_HEAD 16
#define SNAPSHOT_JSON_MAX ((size_t)4 << 20)  /* of the manifest, of the config */
#define SNAPSHOT_INDEX_MAX ((size_t)1 << 30) /* of the plain index */

#define SNAPSHOT_CHUNK 65536 /* bytes of a slot */
#define SNAPSHOT_FRAME_MAX 66560
#define SNAPSHOT_HOLE 0xffffffffu
#define SNAPSHOT_PACK_CLOSE ((size_t)29 << 19) /* a writer ends a pack that is over this */
#define SNAPSHOT_PACK_MAX ((size_t)16 << 20)

#define SNAPSHOT_ENTRIES_MAX 2097152
#define SNAPSHOT_PATH_MAX 4096
#define SNAPSHOT_NAME_MAX 255
#define SNAPSHOT_TARGET_MAX 4095
#define SNAPSHOT_DEPTH_MAX 256
#define SNAPSHOT_XATTRS_MAX 256
#define SNAPSHOT_XATTR_MAX 65536
#define SNAPSHOT_BASES_MAX 16

enum snapshot_pack_kind { SNAPSHOT_PACK_FULL, SNAPSHOT_PACK_DELTA };

enum snapshot_entry_type {
	SNAPSHOT_DIRECTORY = 1,
	SNAPSHOT_FILE,
	SNAPSHOT_SYMLINK,
	SNAPSHOT_FIFO,
	SNAPSHOT_HARDLINK,
};

/* Is it of a snapshot, by the types above? It may be of anything. */
bool snapshot_manifest_fits(const json_t *manifest);

#endif
