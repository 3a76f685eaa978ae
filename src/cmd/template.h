/*
 * template.h - the folders that `devenv new` writes from.  Private to src/cmd.
 *
 * A template is a folder of files whose paths are those of the workspace; "@NAME@" in paths and
 * texts is replaced by the manifest's name, "@VAR@" by the same as part of a variable's name
 * (SHOP_API).
 */
#ifndef CMD_TEMPLATE_H
#define CMD_TEMPLATE_H

#include "devenv/err.h"
#include "devenv/strv.h"

/*
 * Where templates are: $DEVENV_TEMPLATES, $DEVENV_DATADIR/templates, beside the program, or as
 * installed. The caller's.
 */
char *template_root(void);

/* The names of all templates, sorted; also for completion. */
void template_names(struct strv *names);

/* The first comment line of a template's manifest, or "". The caller's. */
char *template_summary(const char *template);

/*
 * Write `template` as `name` into the workspace at `dir`. Nothing is overwritten: when one of its
 * files is there already none is written. `written` gets the paths, relative to dir.
 */
int template_write(const char *template, const char *name, const char *dir, struct strv *written,
	struct err *err);

#endif
