/* agent_image.h - the agent as an image that the engine has.  Private to src/plan. */
#ifndef PLAN_AGENT_IMAGE_H
#define PLAN_AGENT_IMAGE_H

#include "devenv/engine.h"

/*
 * Load the agent's image into the engine unless it is there. *image (the caller's) is what to
 * create its container from: "devenv-agent:" and 12 digits of the program's SHA-256, so that
 * another version of devenv brings another image. ERR_ENGINE when the engine runs on another
 * processor than ours.
 */
int agent_image(struct engine *engine, char **image, struct err *err);

/* Remove the images of other versions of the agent. One that is in use stays. */
int agent_image_sweep(struct engine *engine, struct err *err);

/* The processor that the agent is for, as images name it: "amd64", "arm64". Borrowed. */
const char *agent_architecture(void);

#endif
