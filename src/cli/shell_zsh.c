/*
 * shell_zsh.c - the completion script for zsh.
 */
#include "shell.h"

void completion_zsh(struct buf *out)
{
	buf_addstr(out, "# devenv(1) completion for zsh\n");
}
