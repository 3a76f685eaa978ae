/*
 * common_options.h - options that several commands have in the same words.  Private to src/cmd.
 *
 *	static const struct option_spec options[] = {
 *		{OPTION_PULL, AT(pull)},
 */
#ifndef CMD_COMMON_OPTIONS_H
#define CMD_COMMON_OPTIONS_H

#include "bring_up.h"

#define OPTION_DRY_RUN .name = "dry-run", .type = OPT_FLAG, .help = "Print the plan; change nothing"

#define OPTION_FORCE_RECREATE \
	.name = "force-recreate", .type = OPT_FLAG, \
	.help = "Replace the named services' containers, changed or not"

#define OPTION_INDEX \
	.name = "index", .type = OPT_INT, .arg = "N", .min = 0, .max = 10000, .def = "0", \
	.help = "Which container of a scaled service"

#define OPTION_MASKING \
	.name = "masking", .type = OPT_STRING, .arg = "FILE", \
	.help = "The rules that the data was masked by; it came from production"

#define OPTION_NO_BUILD \
	.name = "no-build", .type = OPT_FLAG, .help = "Build no image, even a missing one"

#define OPTION_NO_RECREATE \
	.name = "no-recreate", .type = OPT_FLAG, \
	.help = "Keep containers that differ from their manifest"

#define OPTION_NO_TTY \
	.name = "no-tty", .letter = 'T', .type = OPT_FLAG, \
	.help = "No terminal, even when we have one"

#define OPTION_PRODUCTION \
	.name = "production", .type = OPT_FLAG, .help = "The data came from production"

#define OPTION_PULL \
	.name = "pull", .type = OPT_CHOICE, .arg = "POLICY", .choices = bring_up_pull, \
	.def = "policy", .help = "When to pull images; policy: as `pull_policy` says"

#define OPTION_QUIET_BUILD \
	.name = "quiet-build", .type = OPT_FLAG, .help = "Show no progress of builds"

#define OPTION_QUIET_PULL \
	.name = "quiet-pull", .type = OPT_FLAG, .help = "Show no progress of pulls"

#define OPTION_REMOVE_ORPHANS \
	.name = "remove-orphans", .type = OPT_FLAG, \
	.help = "Remove containers whose service is in no manifest"

#define OPTION_STOP_TIMEOUT \
	.name = "timeout", .letter = 't', .type = OPT_INT, .arg = "SECONDS", .min = -1, \
	.max = 86400, .def = "-1", .help = "How long a container may take to stop"

#define OPTION_USER \
	.name = "user", .letter = 'u', .type = OPT_STRING, .arg = "USER", .help = "Run as this user"

#define OPTION_WORKDIR \
	.name = "workdir", .letter = 'w', .type = OPT_STRING, .arg = "DIR", \
	.help = "Run in this folder"

#endif
