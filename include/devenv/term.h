/*
 * term.h - the terminal itself: raw mode that is always undone, size, and hearing of a new size.
 *
 *	if (io->tty && term_is(0) && term_raw(0, err) < 0)
 *		return -1;
 *	... poll term_resize_fd() beside the rest; when it is readable:
 *	    term_resize_clear(), term_size() ...
 *	term_restore();
 *
 * The state is the process's (there is one terminal).  A second Ctrl-C that ends the process
 * restores it too (signals_on_exit), and so does exit().
 */
#ifndef DEVENV_TERM_H
#define DEVENV_TERM_H

#include "devenv/err.h"

#include <stdbool.h>

bool term_is(int fd);

/* Raw mode on `fd`; the settings before are kept for term_restore(). */
int term_raw(int fd, struct err *err);
void term_restore(void); /* fine when nothing was changed */

/* false when `fd` is no terminal or does not know its size. */
bool term_size(int fd, int *rows, int *columns);

/*
 * Becomes readable when the size changes (SIGWINCH, handled from the first call on); -1 on failure.
 */
int term_resize_fd(void);
void term_resize_clear(void);

#endif
