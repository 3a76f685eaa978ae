/* bring_up.h - what `up`, `create` and `run` do before their plan.  Private to src/cmd. */
#ifndef CMD_BRING_UP_H
#define CMD_BRING_UP_H

#include "session.h"

/* The values of --pull. */
extern const char *const bring_up_pull[];
enum pull_policy bring_up_policy(const char *pull);

/* --scale SERVICE=NUMBER: over what the manifests say. ERR_USAGE for what is no such thing. */
int bring_up_scale(struct workspace *ws, const struct strv *scale, struct err *err);

/*
 * The pulls and builds of what is there too (--pull always, --build, `pull_policy`), whose results
 * the plan of `up` has to see. `dry_run` prints them.
 */
int bring_up_images(struct session *session, const struct plan_request *request,
	const struct run_options *run, bool dry_run, struct err *err);

/* The plan's warnings, and what is left over. */
void bring_up_warn(struct app *app, const struct plan *plan);

/* To stdout: what `--dry-run` shows. */
int bring_up_print(const struct plan *plan, struct err *err);

/*
 * Two options that exclude each other, and whether both were given; the list ends with a zero row.
 */
struct conflict {
	bool both;
	const char *one, *other;
};
int bring_up_conflict(const struct conflict *conflicts, struct err *err);

#endif
