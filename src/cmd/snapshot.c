/* snapshot.c - `devenv snapshot`: the row; its words are in snapshot_*.c. */
#include "commands.h"
#include "snapshots.h"

static const struct command *const subcommands[] = {
	&cmd_snapshot_save,
	&cmd_snapshot_restore,
	&cmd_snapshot_undo,
	&cmd_snapshot_branch,
	&cmd_snapshot_switch,
	&cmd_snapshot_list,
	&cmd_snapshot_inspect,
	&cmd_snapshot_diff,
	&cmd_snapshot_import,
	&cmd_snapshot_export,
	&cmd_snapshot_push,
	&cmd_snapshot_pull,
	&cmd_snapshot_verify,
	&cmd_snapshot_scan,
	&cmd_snapshot_rm,
	&cmd_snapshot_prune,
	NULL,
};

static const char *const examples[] = {
	"devenv snapshot save db clean         # keep what the database holds now",
	"devenv snapshot restore db clean      # and go back to it",
	"devenv snapshot undo db               # no, not that",
	"devenv snapshot push clean registry.acme.example/seeds/shop:1",
	NULL,
};

const struct command cmd_snapshot = {
	.name = "snapshot",
	.group = "Data",
	.args = "save|restore|undo|list|...",
	.summary = "Keep, restore and share what volumes hold",
	.details =
		"A snapshot is the files of a volume, of a database above all, in pieces of 64 KiB "
		"that are stored once however many snapshots have them. It lives in the engine's "
		"volume devenv-cache. The work is done by a small program "
		"that devenv starts in the engine; so it is as fast on a remote engine or inside a "
		"virtual machine.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.subcommands = subcommands,
};
