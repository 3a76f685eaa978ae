/*
 * commands.c - the command table, in the order of `devenv help`.
 */
#include "commands.h"

#include <stddef.h>

const struct command *const commands[] = {
	/* Every day */
	&cmd_up,
	&cmd_down,
	&cmd_stop,
	&cmd_start,
	&cmd_restart,
	&cmd_watch,
	&cmd_pull,
	&cmd_build,
	&cmd_push,
	&cmd_create,
	&cmd_scale,
	&cmd_kill,
	&cmd_pause,
	&cmd_unpause,
	&cmd_rm,
	/* Look */
	&cmd_status,
	&cmd_logs,
	&cmd_config,
	&cmd_plan,
	&cmd_why,
	&cmd_port,
	&cmd_top,
	&cmd_stats,
	&cmd_images,
	&cmd_volumes,
	&cmd_events,
	&cmd_wait,
	&cmd_ls,
	/* Work inside */
	&cmd_exec,
	&cmd_shell,
	&cmd_attach,
	&cmd_cp,
	&cmd_export,
	&cmd_commit,
	&cmd_run,
	/* Data */
	&cmd_snapshot,
	/* Databases far away */
	&cmd_tunnel,
	&cmd_sql,
	/* This machine */
	&cmd_onboard,
	&cmd_new,
	&cmd_doctor,
	&cmd_engine,
	/* This program */
	&cmd_completion,
	&cmd_version,
	&cmd_help,
	/* Hidden */
	&cmd_gen,
	&cmd_complete,
	&cmd_untar,
	&cmd_clone,
	&cmd_hop,
	NULL,
};
