/*
 * cli.h - one table of commands: parser, help, "did you mean", completion and man page.
 *
 * Adding a command is one file in src/cmd/ with a `const struct command` row and one line in
 * src/cmd/commands.c.  Options land in the command's own struct by offset, so `run` has no globals.
 *
 *	struct logs_options { bool follow; int64_t tail; };
 *	static const struct option_spec options[] = {
 *		{.name = "follow", .letter = 'f', .type = OPT_FLAG,
 *		 OPT_AT(struct logs_options, follow), .help = "Follow the output"},
 *		{0},
 *	};
 *	const struct command cmd_logs = {.name = "logs", ..., .run = logs_run};
 */
#ifndef DEVENV_CLI_H
#define DEVENV_CLI_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPT_END,
	OPT_FLAG,    /* bool */
	OPT_STRING,  /* const char * (borrowed from argv) */
	OPT_INT,     /* int64_t; min..max of the row */
	OPT_SECONDS, /* int64_t ms; "90", "1m30s" */
	OPT_CHOICE,  /* const char *; one of `choices` */
	OPT_LIST,    /* struct strv; may be given several times */
};

/* What a shell completes for an argument or a value. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_SERVICE,
	COMPLETE_MANIFEST,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_COMMAND,
	COMPLETE_TUNNEL,
	COMPLETE_TEMPLATE,
	COMPLETE_SHELL
};

struct option_spec {
	const char *name; /* without "--" */
	char letter;      /* or 0 */
	enum option_type type;
	size_t offset;
	const char *arg;            /* "SECONDS": the value's name in help; NULL for OPT_FLAG */
	const char *help;           /* one line, no stop at its end */
	const char *const *choices; /* OPT_CHOICE: NULL-terminated */
	int64_t min, max;           /* OPT_INT */
	const char *def;            /* default, as the user would write it; NULL: zero */
	enum complete complete;
};

#define OPT_AT(type_, member) .offset = offsetof(type_, member)

struct app;

enum command_flags {
	CMD_OPTIONS_FIRST = 1 << 0, /* options end at the first argument: exec, run */
	CMD_HIDDEN = 1 << 1,
	CMD_FORMAT = 1 << 2, /* takes --format table|json */
};

struct command {
	const char *name;
	const char *alias;   /* or NULL */
	const char *group;   /* heading in `devenv help` */
	const char *args;    /* "[SERVICE...]", or NULL: none */
	const char *summary; /* one line, no stop */
	const char *details; /* paragraphs for --help and the man page */
	const char *const
		*examples;      /* "devenv up web", with "# what it does" after; NULL-terminated */
	int min_args, max_args; /* -1: any number */
	unsigned flags;
	enum complete complete;
	const struct option_spec *options; /* ends with a zero row; or NULL */
	size_t options_size;               /* of the options struct */
	const struct command *const
		*subcommands; /* engine start|stop|status; NULL-terminated; or NULL */
	int (*run)(struct app *app, void *options, int argc, char **argv, struct err *err);
};

/* The options that every command takes, before or after its name. */
struct global_options {
	struct strv files;       /* -f, --file FILE */
	const char *project;     /* -p, --project-name NAME */
	const char *dir;         /* -C, --directory DIR */
	const char *project_dir; /* --project-directory DIR */
	struct strv profiles;    /* --profile NAME */
	struct strv env_files;   /* --env-file FILE */
	const char *context;     /* --context NAME */
	const char *host;        /* --host URL (-H) */
	const char *progress;    /* --progress auto|tty|plain|json|quiet */
	const char *ansi;        /* --ansi never|always|auto */
	const char *format;      /* --format table|json, for commands with CMD_FORMAT */
	int64_t parallel;        /* --parallel N; 0: not given, -1: as many as there is to do */
	bool compatibility;      /* --compatibility */
	bool all_resources;      /* --all-resources */
	bool yes;                /* -y, --yes */
	bool verbose;            /* -v, --verbose */
	bool help;               /* -h, --help */
};

/* What a command is run with. */
struct app {
	struct global_options global;
	const struct command *command;
	const char *name; /* "engine start": for messages */
	struct sink sink; /* where progress goes (stderr, through ui) */
	bool json;        /* --format json */
};

/* The rows of src/cmd/commands.c, NULL-terminated, in the order of help. */
extern const struct command *const commands[];

/*
 * The whole of main: parse, set up the sink, run, print the error, flush. Returns the exit status.
 */
int cli_main(int argc, char **argv);

/*
 * Parse argv[1..] into `app` and the command's options (allocated, *options is the caller's to
 * cli_options_free). What is left is *argc_out, *argv_out (borrowed from argv, in order). ERR_USAGE
 * with "did you mean". With --help app->command is set and app->global.help is true.
 */
int cli_parse(int argc, char **argv, struct app *app, void **options, int *argc_out,
	char ***argv_out, struct err *err);
void cli_options_free(const struct command *command, void *options);

/* Render from the table. */
void cli_help(
	const struct command *command, const char *name, struct buf *out); /* NULL: the overview */
void cli_help_environment(struct buf *out); /* environment variables and exit statuses */
void cli_man(struct buf *out);
int cli_completion(const char *shell, struct buf *out, struct err *err); /* bash, zsh, fish */
void cli_readme(struct buf *out); /* the command list in Markdown */

/*
 * Problems of the table itself, a line each (unit test): names, helps, offsets, defaults, examples.
 */
void cli_check_table(struct buf *problems);

#endif
