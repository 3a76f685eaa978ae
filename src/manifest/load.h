/*
 * load.h - from paths to one tree: reading, extends, include; private to this module.
 *
 *	struct loader loader = {.arena = arena, .diags = diags};
 *	struct unit unit = {.path = path, .dir = dir, .env = env};
 *	struct node *docs = load_file(&loader, path, NULL, NULL);
 *	doc = load_unit(&loader, &unit, docs, doc);	canonical; extends and include done
 */
#ifndef DEVENV_MANIFEST_LOAD_H
#define DEVENV_MANIFEST_LOAD_H

#include "pipeline.h"

struct extends_file; /* extends.c: another file that was opened for extends */

struct loader {
	struct arena *arena;
	struct diags *diags;
	bool no_interpolate;
	const char *keep_paths; /* the folder that paths stay relative to; NULL: absolute paths */
	size_t files;           /* how many were read: a ceiling against includes without end */
	struct extends_file *extended;
	json_t *envs; /* an array: the environments of includes, kept as long as the loader */
	struct strv *env_files; /* those of includes are added; may be NULL */
};

/* One file being loaded, and those that include it. */
struct unit {
	const char *path;  /* absolute; "-" is standard input */
	const char *dir;   /* where relative paths begin; absolute */
	const json_t *env; /* for interpolation */
	const struct unit *up;
};

/*
 * Read and parse `path`. A failure is reported at `from` (the node that names the file) and
 * `place`; with `from` NULL at the file itself. A list of the documents, all of them maps; there is
 * none in an empty file. NULL after a failure.
 */
struct node *load_file(
	struct loader *loader, const char *path, const struct node *from, const char *place);

/*
 * Interpolate, check and make canonical, in place. `other`: a file that is included or extended
 * from, whose folder shows in paths that stay relative.
 */
void load_prepare(
	struct loader *loader, struct node *doc, const char *dir, const json_t *env, bool other);

/* The absolute folder `dir` as paths of the model show it. In the arena. */
const char *load_shown_dir(struct loader *loader, const char *dir);

/* The error of a project in whose files (`path` is the first) there is nothing. */
void load_report_empty(struct loader *loader, const char *path);

/*
 * All steps for the documents of one file (NULL: none): prepared, include and extends applied (and
 * gone), and merged onto `base` (NULL: nothing yet) one by one. Returns the whole.
 */
struct node *load_unit(
	struct loader *loader, const struct unit *unit, struct node *docs, struct node *base);

/* The path as messages show it: relative when it is below the working directory. In the arena. */
const char *load_shown(struct arena *arena, const char *path);

/*
 * Read an env file into `values`; variables in it are looked up in `env` first, then in `values`. A
 * failure is reported at `from` and `place` (may be NULL). -1 after it.
 */
int load_env_file(struct loader *loader, const char *path, const json_t *env, json_t *values,
	const struct node *from, const char *place);

/* include.c: bring in what `include` names; a resource in both has to be the same. */
void include_apply(struct loader *loader, const struct unit *unit, struct node *doc);

/* extends.c: replace each service that extends by the merged one. */
void extends_apply(struct loader *loader, const struct unit *unit, struct node *doc);

#endif
