/*
 * commands.h - the rows of the command table, one for each file of this folder.
 *
 * Private to src/cmd.  A new command adds its row here and its line in commands.c.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "devenv/cli.h"

extern const struct command cmd_help;
extern const struct command cmd_completion;
extern const struct command cmd_version;
extern const struct command cmd_gen;
extern const struct command cmd_complete;

#endif
