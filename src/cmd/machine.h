/*
 * machine.h - is this machine fit for devenv?  Shared by `doctor` and `onboard`; private to
 * src/cmd.
 */
#ifndef CMD_MACHINE_H
#define CMD_MACHINE_H

#include "devenv/cli.h"
#include "devenv/engine.h"

enum check_state { CHECK_OK, CHECK_WARNING, CHECK_BROKEN };

struct check {
	const char *name; /* "engine" */
	enum check_state state;
	char *text; /* what was found */
	char *fix;  /* what to do, or NULL */
};

struct checks {
	struct check *list;
	size_t n;
	size_t broken;
};

/* What onboarding needs, or everything that doctor looks at. The engine is not started for it. */
void machine_check(struct app *app, bool everything, struct checks *checks);
void checks_release(struct checks *checks);

const char *check_state_name(enum check_state state); /* "ok", "warning", "broken" */

/* Add one; takes `text` and `fix`. */
void check_add(
	struct checks *checks, const char *name, enum check_state state, char *text, char *fix);

/* machine_tools.c: what does not concern the engine. */
void check_disk(struct checks *checks, const char *name, const char *path);
void check_memory(struct checks *checks);
void check_podman_parts(struct checks *checks, bool needed);
void check_ssh(struct checks *checks);
void check_git(struct checks *checks);
void check_ports(struct checks *checks);
void check_libraries(struct checks *checks);

#endif
