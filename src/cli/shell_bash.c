/*
 * shell_bash.c - the completion script for bash.
 */
#include "shell.h"

void completion_bash(struct buf *out)
{
	buf_addstr(out, "# devenv(1) completion for bash\n");
}
