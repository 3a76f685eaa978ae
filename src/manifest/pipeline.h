/* pipeline.h - the steps of loading, in the order of node.h; private to this module. */
#ifndef DEVENV_MANIFEST_PIPELINE_H
#define DEVENV_MANIFEST_PIPELINE_H

#include "node.h"

#include "devenv/err.h"
#include "devenv/json.h"
#include "devenv/strv.h"

/* === yaml.c: a list of the documents of one file; NULL when it is wrong: diags has errors === */
struct node *yaml_parse(
	struct arena *arena, const char *file, const char *text, size_t len, struct diags *diags);

/* === interpolate.c: compose-spec 12-interpolation.md. env: name -> string === */
void interpolate(struct arena *arena, struct node *doc, const json_t *env, struct diags *diags);

/*
 * === check.c: unknown, misplaced and wrongly typed keys, from the table; the raw forms of one file
 * ===
 */
void check_document(const struct node *doc, struct diags *diags);

/* === canonical.c: every short form of one file made long, in place (ports, volumes, environment
 * lists, build strings, depends_on lists, ...; compose-go's transform package), so that merge.c is
 * about maps. Relative paths become absolute against `dir` (compose-go's paths package).
 === */
struct canonical_rules {
	const char *dir; /* where relative paths begin; absolute */
	/* NULL: paths are made absolute; "": they stay as written; else `dir` as they show it */
	const char *shown;
	/*
	 * Not interpolated: what compose-go makes long only for its types stays short, and what
	 * cannot be read stays as written.
	 */
	bool raw;
};
void canonical_document(struct arena *arena, struct node *doc, const struct canonical_rules *rules,
	struct diags *diags);

/* === merge.c: `over` onto `base` (NULL: nothing yet) by the rules of 13-merge.md. Works on
 * canonical forms, changes `base` in place and shares nodes of `over`. merge_service() is the same
 * for the service `name` (extends). `raw`: the forms of a raw canonical_document(); pairs that are
 * merged become lists, as Compose has them. === */
struct node *merge_documents(
	struct arena *arena, struct node *base, struct node *over, bool raw, struct diags *diags);
struct node *merge_service(struct arena *arena, const char *name, struct node *base,
	struct node *over, bool raw, struct diags *diags);

/* === model.c: normalise (default network, implicit depends_on, resource names, env_file read into
 * environment, defaults that Compose fills in, profiles) and turn into the JSON value; not
 * interpolated, the value is the document itself, as `config --no-interpolate` prints it === */
struct model_context {
	const char *project;
	const char *dir;
	/* interpolation environment: values for `environment: [NAME]` */
	const json_t *env;
	const struct strv *profiles; /* active; "*" is all */
	/* named on the command line: they activate their profiles; or NULL */
	const struct strv *services;
	bool all_profiles;
	/* see manifest.h */
	bool all_resources, no_interpolate, keep_paths, no_normalize, no_consistency;
	json_t *inactive; /* filled: services of inactive profiles */
	json_t *explain;  /* filled: see manifest.h */
	json_t *unread;   /* filled: see manifest.h; may be NULL */
};
/* A build that does not say its context builds `dir`; for the merged files of an include. */
void model_default_contexts(struct arena *arena, struct node *doc, const char *dir);
json_t *model_build(struct arena *arena, struct node *doc, const struct model_context *context,
	struct diags *diags);

/* === dotenv.c: .env and env_file (the syntax of compose-go's dotenv): KEY=VALUE, export, quotes,
 * escapes, ${VAR} from `lookup` and earlier lines. Results appended to `out` (object); line numbers
 * of each key into `lines` (object, may be NULL). === */
int dotenv_parse(const char *file, const char *text, size_t len, const json_t *lookup, bool raw,
	json_t *out, json_t *lines, struct diags *diags);

#endif
