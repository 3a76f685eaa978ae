/*
 * child.c - `devenv __untar ROOT`, `devenv __clone` and `devenv __hop VIA HOST PORT`: work that
 * devenv does in a process of its own.
 *
 * They are started by src/snapshot, src/source and src/net only; the first two with pipes on all
 * three descriptors, the last with a socket on the first two.
 */
#include "commands.h"

#include "tunnels.h"

#include "devenv/snapshot.h"
#include "devenv/source.h"
#include "devenv/str.h"

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

static int hop_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	struct ssh_ask ask = tunnels_ask(app);
	struct ssh_options hop = {
		.via = argv[0], .jump = argc > 3 ? argv[3] : NULL, .ask = &ask, .sink = &app->sink};
	uint16_t port;

	if (!parse_port(argv[2], &port))
		return err_set(err, ERR_USAGE, "\"%s\" is no port", argv[2]);
	return ssh_pipe(&hop, argv[1], port, err);
}

const struct command cmd_hop = {
	.name = "__hop",
	.group = "Hidden",
	.args = "VIA HOST PORT [JUMP]",
	.summary = "Forward the socket on standard input through an ssh server",
	.min_args = 3,
	.max_args = 4,
	.flags = CMD_HIDDEN,
	.run = hop_run,
};
