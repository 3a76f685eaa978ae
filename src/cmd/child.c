/*
 * child.c - `devenv __untar ROOT` and `devenv __clone`: work that devenv does in a process of its
 * own.
 *
 * They are started by src/snapshot and src/source only, with pipes on all three descriptors.
 */
#include "commands.h"

#include "devenv/snapshot.h"
#include "devenv/source.h"

static int untar_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return snapshot_child_main(argv[0]);
}

const struct command cmd_untar = {
	.name = "__untar",
	.group = "Hidden",
	.args = "ROOT",
	.summary = "Check an archive on standard input and write it as a plain tar",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.run = untar_run,
};

static int clone_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	return source_child_main();
}

const struct command cmd_clone = {
	.name = "__clone",
	.group = "Hidden",
	.summary = "Clone what a line of JSON on standard input says",
	.flags = CMD_HIDDEN,
	.run = clone_run,
};
