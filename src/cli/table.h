/*
 * table.h - what the walks over the command table share: global options, lookup, and values.
 *
 * Private to src/cli.  Every renderer (help, man page, completions, README) and the parser read the
 * same rows through these functions, so that no two of them can disagree.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "devenv/cli.h"

/* The rows of struct global_options, ended by a zero row. */
extern const struct option_spec cli_globals[];

/* The command of this name or alias in a NULL-terminated list, or NULL. */
const struct command *command_find(const struct command *const *list, const char *name);

/* The option of this long name or letter in rows ended by OPT_END, or NULL. rows may be NULL. */
const struct option_spec *option_find(
	const struct option_spec *rows, const char *name, char letter);

bool option_takes_value(const struct option_spec *option);

/* Does this command take the global option? (--format only where there is something to read.) */
bool command_takes(const struct command *command, const struct option_spec *global);

/* A command and where it was found: "engine" has name "engine start" for its subcommand. */
typedef void command_fn(const struct command *command, const char *name, void *ctx);

/* Call fn for every visible command and subcommand, in the order of the table. */
void command_each(command_fn *fn, void *ctx);

/*
 * Read `text` as the option says into the struct at `options`. `as` is how the user wrote the
 * option, for the message. ERR_USAGE.
 */
int value_set(const struct option_spec *option, void *options, const char *as, const char *text,
	struct err *err);

/* Allocate and fill in the defaults. NULL when the command has no options. */
void *options_new(const struct option_spec *rows, size_t size);

/* Set the defaults of `rows` in `options`, which is zeroed. */
void options_default(const struct option_spec *rows, void *options);

/* Free what the rows' OPT_LIST members own, not `options` itself. */
void options_clear(const struct option_spec *rows, void *options);

/* "-f, --file FILE" of an option; the caller's. */
char *option_usage(const struct option_spec *option);

/* The value's name in help: "FILE", or the choices "a|b"; the caller's, NULL for a flag. */
char *option_value_name(const struct option_spec *option);

/*
 * Append `text` in lines of at most `width` columns, each with `indent` spaces; the first line
 * starts at column `at`. Blank lines separate paragraphs; a line that starts with a space is kept
 * as it is.
 */
void wrap_text(struct buf *out, const char *text, int indent, int at, int width);

/* The kind's word for `devenv __complete KIND PREFIX`, or NULL when the shell knows better. */
const char *complete_kind(enum complete kind);

/* The renderers of one shell each. */
void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);

#endif
