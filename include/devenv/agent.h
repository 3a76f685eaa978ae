/*
 * agent.h - what devenv and its agent say to each other.
 *
 * The agent is a small static program (src/agent) that devenv carries inside itself, loads into the
 * engine as an image of one file, and runs in a container which mounts a volume and the snapshot
 * cache.  So files are read and written where the volumes are, also in a virtual machine or on a
 * remote engine.  It has no network and no shell; it is talked to over its stdin and stdout
 * (attach), and what it writes to stderr is shown only when it died.
 *
 * Both directions are frames: u32 length of the payload (little-endian), u8 type, payload.
 *
 *	devenv                                   agent
 *	REQUEST {"do": "blob-put", ...}
 *	DATA ... END                             only for requests that bring bytes
 *	                                         PROGRESS {"done", "total", "text"} ...
 *	                                         WARNING {"text"} ...
 *	                                         DATA ... END    only for those that fetch bytes
 *	                                         RESULT {...}, or ERROR {"kind", "message"}
 *
 * One request at a time; the next one may follow the RESULT or ERROR.  While bytes are brought the
 * agent is silent, so that neither side ever waits for the other to read: when it fails in the
 * middle it drops what comes up to END and answers ERROR then.  An ERROR instead of DATA and END
 * ends a fetch, too.  The end of stdin ends the agent, whatever it does.
 *
 * The requests with their fields, "?" behind optional ones, and results.  DIGEST is "sha256:HEX",
 * NAME a snapshot's name in the cache or the digest of its manifest, RECORD is in plan_snapshot.h.
 *
 *	ping                            -> {"version", "kernel", "target": SPACE, "cache": SPACE}
 *	                        SPACE {"bytes", "free", "reflink": can files share their blocks?};
 *				the target's also "empty": does it hold nothing yet?
 *	blob-have {"digests": [...], "check"?}
 *				-> {"sizes": [N, -1 for what is not there, ...]}; "check": also -1
 *				for what has another digest
 *	blob-put {"digest"} + DATA      -> {}
 *	blob-get {"digest", "offset", "size"} -> DATA, {}; less than `size` where the blob ends
 *	missing {"index": DIGEST, "room"?} -> {"bytes", "chunks", "deltas", "packs": [{"digest",
 *	                        "size", "ranges": [[offset, len], ...]}, ...]}: what has to come;
 *				"room": an error where there is too little for it
 *	pack-put {"digest", "size", "ranges"} + DATA: the ranges, one behind the other
 *	                                -> {"whole": is the pack complete now?}
 *	list                            -> {"snapshots": [RECORD, ...]}
 *	show {"name": NAME}             -> {"snapshot": RECORD, "manifest": {...}}
 *	name-set {"name", "digest", "origin"?}
 *				-> RECORD; the manifest, its config and index must be there
 *	name-remove {"name"}            -> {}
 *	capture {"name", "parent"?: NAME, "deltas"?, "ended"?, "unclean"?, "unread"?,
 *	         "config"?}             -> RECORD and "replaced"?: DIGEST, which had the name; of
 *				AGENT_TARGET; as in snapshot_save_ask; with "unclean"
 *				{"interrupted": true} where a restore did not end, and {"empty":
 *				true, "replaced"?} where there is nothing
 *	prepare {"name": NAME}          -> {}: what a restore makes in the cache is there, and
 *				its index read for the request about it that comes next
 *	restore {"name": NAME, "replace"?, "whole"?}
 *				-> {"snapshot": RECORD, "bytes", "cloned", "kept", "freeing":
 *				whether large files that were replaced take their space until the
 *				agent ends}
 *	tree {"name": NAME}             -> {}: what thin volumes stand on is there
 *	thin {"name": NAME, "volume", "replace"?} -> {"dropped": bytes}: THIN_FOLDER/VOLUME begins
 *				as the snapshot; without "replace" AGENT_TARGET has to be empty
 *	thin-check {"name": NAME, "volume"} -> {}: AGENT_TARGET is that, mounted, and its root is
 *				the snapshot's
 *	diff {"before": NAME, "after": NAME} -> the DIFF of plan_snapshot.h
 *	export {"name": NAME}           -> DATA, {"snapshot": RECORD}: a tar, tree_export()
 *	import {as capture} + DATA      -> RECORD; of a plain tar, tree_fill()
 *	lend {"name": NAME}             -> {"program": PATH, "empty", "snapshot"?: RECORD}: where
 *				the cache has the agent, for a container that mounts the cache
 *				and is to begin as LAZY below; "empty" as of ping
 *	verify {"name": NAME}           -> {"packs", "chunks"}; each problem is a WARNING, too
 *	examine                         -> {"engine": datadir_print_facts() of AGENT_TARGET}
 *	scan {"name": NAME, "canaries"?: [...], "allowed"?: [...]} of canary.h
 *	                                -> {"bytes", "places", "finds": [FIND, ...], the first 1000}
 *	                        FIND {"kind", "count", "offset", "shown", "path" or "pack",
 *	                        "in_name", "number"?}: struct tree_find
 *	alone                           -> {}: nobody else uses the cache until this agent ends
 *	prune {"thin": [VOLUME, ...], "keep"?: [LAZY, ...], "of"?: [DIGEST, ...]}
 *				-> {"freed": bytes}; the thin volumes that exist; what those
 *				containers need stays; only what these snapshots need may go
 *
 * Branches of the volumes at AGENT_VOLUMES; STATES, NOTES as in plan_branch.h:
 *
 *	branches                        -> {"volumes": STATES} of all volumes
 *	branch {"name", "first", "volumes": NOTES} -> {"volumes": STATES}
 *	switch {"name", "volumes": NOTES} -> {"volumes": STATES, "notes": NOTES, "bytes", "cloned"}
 *	branch-remove {"name", "volumes": NOTES} -> {"volumes": [those that had it]}
 *
 * Without a conversation: "PROGRAM lazy LAZY COMMAND [ARG...]" is process 1 of a service. While a
 * volume of LAZY has no data it waits for a connection to one of the ports, or for SIGCONT; then it
 * restores the snapshots, becomes COMMAND, and leaves a child behind that passes on the connections
 * that came meanwhile.  Without ports it does not wait.  LAZY is
 *
 *	{"program": PATH, "ports": [N, ...],
 *	 "volumes": [{"target": PATH, "snapshot": its name, for people, "digest": DIGEST}, ...]}
 *
 * What it does stands in front of its command line, as `ps` and the engine's "top" show it:
 * LAZY_SLEEPING or LAZY_RESTORING. An error is written to stderr, and the connections that came are
 * closed; the next one is the next try.
 */
#ifndef DEVENV_AGENT_H
#define DEVENV_AGENT_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/json.h"

#include <stddef.h>
#include <stdint.h>

/* Where the agent's container has the volumes. */
#define AGENT_TARGET "/target"
#define AGENT_CACHE "/.devenv-cache" /* also of a service that restores its volume itself */
#define AGENT_VOLUMES "/volumes"     /* several, each below its name */

/* What a command line begins with. */
#define LAZY_SLEEPING "devenv: sleeping"
#define LAZY_RESTORING "devenv: restoring"

/*
 * In the cache, for each thin volume a folder of its name: what the engine mounts as an overlay
 * (Documentation/filesystems/overlayfs.rst of Linux). The paths stay as they are when the content
 * is replaced: so the options of the volume do, too.
 */
#define THIN_FOLDER "thin"
#define THIN_LOWER "lower" /* a link to the snapshot's tree, which others share */
#define THIN_UPPER "upper" /* what was written since */
#define THIN_WORK "work"   /* the kernel's */

enum frame_type {
	FRAME_REQUEST = 'Q',
	FRAME_DATA = 'D',
	FRAME_END = 'Z',
	FRAME_PROGRESS = 'P',
	FRAME_WARNING = 'W',
	FRAME_RESULT = 'R',
	FRAME_ERROR = 'E',
};

/*
 * Longest payloads: of REQUEST and RESULT, of DATA, of PROGRESS, WARNING and ERROR. END has none.
 */
#define FRAME_JSON_MAX ((size_t)16 << 20)
#define FRAME_DATA_MAX ((size_t)256 << 10)
#define FRAME_NOTE_MAX ((size_t)16 << 10)

/*
 * One side of a conversation. `in` and `out` may be the same descriptor, and may be non-blocking.
 * When `cancel_fd` (or -1) becomes readable, whatever is under way ends with ERR_CANCELLED.
 */
struct frame_link {
	int in, out, cancel_fd;
	struct buf payload; /* of the frame that was read last */
};

#define FRAME_LINK(in_fd, out_fd, cancel) \
	((struct frame_link){(in_fd), (out_fd), (cancel), BUF_INIT(FRAME_JSON_MAX)})

void frame_link_release(struct frame_link *link); /* closes nothing */

struct frame {
	enum frame_type type;
	const char *data; /* borrowed until the next frame_read(); a NUL follows */
	size_t len;
};

/*
 * Read one frame: 1, or 0 when the stream ended between two frames, or -1. ERR_FAILED for a type
 * that is unknown, a payload over its limit (nothing is allocated for it), and an end in the
 * middle.
 */
int frame_read(struct frame_link *link, struct frame *frame, struct err *err);

/* Write one frame; `len` up to the limit of its type. ERR_FAILED when nobody reads any more. */
int frame_write(struct frame_link *link, enum frame_type type, const void *data, size_t len,
	struct err *err);

/* The same with a JSON object as payload. */
int frame_write_json(
	struct frame_link *link, enum frame_type type, const json_t *json, struct err *err);

/* The payload as a JSON object, a new reference. NULL with ERR_FAILED when it is none. */
json_t *frame_json(const struct frame *frame, struct err *err);

/* An error as FRAME_ERROR's payload and back: kind, errno's number and the message survive. */
json_t *frame_error_json(const struct err *err);
void frame_error_read(const json_t *json, struct err *err);

#endif
