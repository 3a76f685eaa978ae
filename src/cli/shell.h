/*
 * shell.h - what the completion scripts of bash and zsh, whose `case` is the same, share.
 *
 * Private to src/cli.  Each function writes a shell function that sets `value`, in its caller's
 * scope, to what may stand at a place: "" nothing, "none" anything, "file", "dir", "words A B" or
 * "names KIND".
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "table.h"

/* _devenv_value COMMAND OPTION: "" for a flag and for what is no option. */
void shell_value_function(struct buf *out);

/* _devenv_argument COMMAND N: of its argument after N others. */
void shell_argument_function(struct buf *out);

/*
 * _devenv_command COMMAND WORD: sets `command` when WORD is a command, alias or subcommand of
 * COMMAND.
 */
void shell_command_function(struct buf *out);

/* "names service", "file", ... of a row; for an option with choices "words a b". Appended. */
void shell_value(struct buf *out, enum complete kind, const char *const *choices);

#endif
