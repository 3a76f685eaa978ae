/*
 * topics.c - help that belongs to no single command: environment variables and exit statuses.
 *
 * The man page prints the same text.
 */
#include "devenv/cli.h"

static const char environment[] =
	"Environment variables:\n"
	"\n"
	"  COMPOSE_FILE          files to load, separated by \":\", for lack of --file\n"
	"  COMPOSE_PROJECT_NAME  the project's name; --project-name wins\n"
	"  COMPOSE_PROFILES      profiles to activate, separated by commas\n"
	"  COMPOSE_PATH_SEPARATOR\n"
	"                        what separates the files instead of \":\"\n"
	"  COMPOSE_COMPATIBILITY when true: as --compatibility\n"
	"  COMPOSE_PARALLEL_LIMIT\n"
	"                        how many actions run at once (6); --parallel wins\n"
	"  COMPOSE_ANSI, COMPOSE_PROGRESS\n"
	"                        as --ansi and --progress, which win\n"
	"  COMPOSE_ENV_FILES     files read instead of .env, separated by commas\n"
	"  DOCKER_HOST           address of the engine\n"
	"  DOCKER_CONTEXT        Docker context whose engine is used; --context wins\n"
	"  DOCKER_CONFIG         folder of Docker's config.json (logins, contexts)\n"
	"  DEVENV_SSH_CONFIG     ssh configuration instead of the usual files\n"
	"  COMPOSE_DISABLE_ENV_FILE\n"
	"                        when true: .env is not read\n"
	"  NO_COLOR              when not empty: no colours\n"
	"  CLICOLOR_FORCE        when not empty: colours into files and pipes, too\n"
	"  XDG_STATE_HOME, XDG_CACHE_HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR\n"
	"                        where devenv keeps what it remembers\n"
	"\n"
	"Exit statuses:\n"
	"\n"
	"  0    done\n"
	"  1    something failed\n"
	"  2    the command line is wrong\n"
	"  3    a manifest, or a file that it names, is wrong\n"
	"  4    there is no engine, or it refused\n"
	"  5    a registry refused, or wants a login\n"
	"  6    a port of this machine is taken\n"
	"  7    not ready in time\n"
	"  8    a service died or is unhealthy\n"
	"  9    a snapshot could not be restored\n"
	"  10   a tunnel could not be opened\n"
	"  124  a time limit has passed\n"
	"  128  plus the number of the signal that ended devenv: 130 is Ctrl-C\n"
	"\n"
	"exec, shell and run exit with the status of the command that they ran.\n";

void cli_help_environment(struct buf *out)
{
	buf_addstr(out, environment);
}
