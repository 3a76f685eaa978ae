/*
 * shell_fish.c - the completion script for fish.
 */
#include "shell.h"

void completion_fish(struct buf *out)
{
	buf_addstr(out, "# devenv(1) completion for fish\n");
}
