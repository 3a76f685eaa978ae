/*
 * commands.h - the rows of the command table, one for each file of this folder.
 *
 * Private to src/cmd.  A new command adds its row here and its line in commands.c.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "devenv/cli.h"

extern const struct command cmd_up;
extern const struct command cmd_down;
extern const struct command cmd_stop;
extern const struct command cmd_start;
extern const struct command cmd_restart;
extern const struct command cmd_watch;
extern const struct command cmd_pull;
extern const struct command cmd_build;
extern const struct command cmd_create;
extern const struct command cmd_kill;
extern const struct command cmd_pause;
extern const struct command cmd_unpause;
extern const struct command cmd_rm;
extern const struct command cmd_push;
extern const struct command cmd_scale;
extern const struct command cmd_ls;
extern const struct command cmd_port;
extern const struct command cmd_top;
extern const struct command cmd_stats;
extern const struct command cmd_images;
extern const struct command cmd_volumes;
extern const struct command cmd_events;
extern const struct command cmd_wait;
extern const struct command cmd_status;
extern const struct command cmd_plan;
extern const struct command cmd_why;
extern const struct command cmd_config;
extern const struct command cmd_logs;
extern const struct command cmd_exec;
extern const struct command cmd_shell;
extern const struct command cmd_attach;
extern const struct command cmd_cp;
extern const struct command cmd_export;
extern const struct command cmd_commit;
extern const struct command cmd_run;
extern const struct command cmd_engine;
extern const struct command cmd_tunnel;
extern const struct command cmd_tunnel_env; /* words of cmd_tunnel */
extern const struct command cmd_tunnel_logs;
extern const struct command cmd_tunnel_check;
extern const struct command cmd_snapshot;
extern const struct command cmd_tunnel_up;
extern const struct command cmd_tunnel_down;
extern const struct command cmd_tunnel_status;
extern const struct command cmd_tunnel_daemon;
extern const struct command cmd_sql;
extern const struct command cmd_onboard;
extern const struct command cmd_new;
extern const struct command cmd_doctor;
extern const struct command cmd_help;
extern const struct command cmd_completion;
extern const struct command cmd_version;
extern const struct command cmd_gen;
extern const struct command cmd_complete;
extern const struct command cmd_untar;
extern const struct command cmd_clone;
extern const struct command cmd_hop;

#endif
