/*
 * commands.c - the command table, in the order of `devenv help`.
 */
#include "commands.h"

#include <stddef.h>

const struct command *const commands[] = {
	/* Other */
	&cmd_completion,
	&cmd_version,
	&cmd_help,
	/* Hidden */
	&cmd_gen,
	&cmd_complete,
	NULL,
};
