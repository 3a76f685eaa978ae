/* model.h - the steps of model_build() (pipeline.h), each in its file; private to them. */
#ifndef DEVENV_MANIFEST_MODEL_H
#define DEVENV_MANIFEST_MODEL_H

#include "convert.h"
#include "pipeline.h"

struct model {
	struct arena *arena;
	struct node *doc;
	struct node *services; /* the map of all services; NULL when there is none */
	const struct model_context *context;
	struct diags *diags;
	struct convert convert;
};

/* model_normalize.c: defaults, the default network, implicit dependencies, names of resources. */
void model_normalize(const struct model *m);

/* model_validate.c: what is wrong within one service or resource. `active`: name -> true. */
void model_validate_resources(const struct model *m);
void model_validate_names(const struct model *m, const json_t *active);
void model_validate_service(
	const struct model *m, const struct node *service, const char *name, const json_t *active);

/* model_references.c: names of networks, volumes, ... that do not exist; cycles in depends_on. */
void model_check_references(
	const struct model *m, const struct node *service, const char *name, const json_t *active);
void model_check_cycles(const struct model *m, const json_t *active);

/* model_lazy.c: what does not go with a volume that is restored on the first connection. */
void model_check_lazy(const struct model *m, const struct node *service, const char *name);

/* model_environment.c: env_file and label_file read into `service`, the converted form of `node`;
 * notes in context->explain where each value is from. */
void model_environment(
	const struct model *m, const struct node *node, const char *name, json_t *service);

/* model_prune.c: networks, volumes, secrets, configs and models that no service of the model uses
 * are taken out of it. */
void model_prune(json_t *model);

#endif
