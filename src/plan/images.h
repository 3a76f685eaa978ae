/* images.h - which images the engine has; private to plan/. */
#ifndef DEVENV_PLAN_IMAGES_H
#define DEVENV_PLAN_IMAGES_H

#include "devenv/engine.h"
#include "devenv/json.h"

/* *images (owned by the caller): reference in normal form -> image id. */
int images_read(struct engine *engine, json_t **images, struct err *err);

/* The id of `ref`, borrowed from `images`, or NULL. */
const char *images_find(const json_t *images, const char *ref);

#endif
