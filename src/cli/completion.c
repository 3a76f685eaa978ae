/*
 * completion.c - which shell's completion script.
 */
#include "table.h"

#include "devenv/str.h"

int cli_completion(const char *shell, struct buf *out, struct err *err)
{
	if (str_eq(shell, "bash"))
		completion_bash(out);
	else if (str_eq(shell, "zsh"))
		completion_zsh(out);
	else if (str_eq(shell, "fish"))
		completion_fish(out);
	else
		return err_set(
			err, ERR_USAGE, "no completion for shell \"%s\": bash, zsh or fish", shell);
	return 0;
}
