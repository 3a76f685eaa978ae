/*
 * project.h - one project: which files, which environment, which name; private to this module.
 *
 * The order of looking is Compose's: the process environment wins, then --env-file, then .env of
 * the folder where devenv was started, then .env of the project.
 */
#ifndef DEVENV_MANIFEST_PROJECT_H
#define DEVENV_MANIFEST_PROJECT_H

#include "load.h"

#include "devenv/manifest.h"

/* The environment of a load: of the process, with PWD and the env files of `dir`. */
struct surroundings {
	char *dir;   /* absolute: where the user is */
	json_t *env; /* owned */
	struct strv env_files;
};

int surroundings_read(struct surroundings *around, const struct load_options *options,
	struct diags *diags, struct err *err);
/*
 * The folder of a Compose project: the one that was asked for, or that of the first of `files`
 * (which may be NULL) that is not standard input; relative ones begin at `base`. The caller's.
 */
char *project_dir(const struct load_options *options, const struct strv *files, const char *base);
void surroundings_release(struct surroundings *around);

/* The env files that apply to the folder `dir` into `env`. -1 when one is wrong (in diags). */
int project_env_files(const struct load_options *options, const char *base, const char *dir,
	json_t *env, struct strv *files, struct diags *diags);

/* The Compose file of `dir` (and its override file) appended to `files`; false: there is none. */
bool project_find(const char *dir, struct strv *files, struct diags *diags);

/* Compose's normalised project name: lower case, [a-z0-9_-], starting with a letter or digit. */
char *project_name_normalize(const char *text);

/* What to load into a manifest. */
struct project {
	const struct load_options *options;
	struct strv files; /* absolute, or "-" */
	char *dir;         /* the project directory */
	char *name;        /* given from outside; NULL: `name:` of a file, or the folder's */
	const json_t *env; /* changed by nobody: a copy is made */
	const struct strv *env_files;
};

/* Load into `manifest` (all but its `name`). Problems are in diags; -1 when no model came out. */
int project_load(const struct project *project, struct manifest *manifest, struct diags *diags,
	struct err *err);

/* workspace_check.c: what is wrong between the manifests, into `diags`. */
void workspace_check(struct workspace *ws, struct diags *diags);

#endif
