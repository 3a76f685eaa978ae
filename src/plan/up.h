/* up.h - the parts of the plan of `up`; private to plan/. */
#ifndef DEVENV_PLAN_UP_H
#define DEVENV_PLAN_UP_H

#include "images.h"
#include "plan_priv.h"

struct up {
	const struct plan_request *request;
	struct plan *plan;
	struct engine *engine;
	struct selection selection;
	struct actual actual;
	json_t *images;
	json_t *changed_networks; /* name -> why */
};

/* The action's `extra` object, made when it is not there. Borrowed. */
json_t *up_extra(struct plan *plan, size_t action);

/*
 * The networks and volumes that a service needs and that are not there; `create` waits for them.
 * up_changed_resources() comes before: a network whose definition changed is replaced, which only
 * works when no container runs on it; a volume is kept, with a warning.
 */
int up_changed_resources(struct up *up, struct err *err);
int up_need_networks(struct up *up, const struct selected *one, size_t create, struct err *err);
int up_need_volumes(struct up *up, const struct selected *one, size_t create, struct err *err);

/* What the service restores itself (lazy.h), into the action's `extra`; after up_need_volumes(). */
int up_need_lazy(struct up *up, const struct selected *one, size_t create, struct err *err);

/* The changed network that this container is on, or NULL. Borrowed. */
const char *up_on_changed_network(const struct up *up, const struct container *container);

/* The sources that this service mounts and that are not there yet. */
void up_need_sources(struct up *up, const struct selected *one, size_t create);

/* Does a running container that stays as it is answer right now (one quick look, no waiting)? */
bool up_answers(const struct selected *one, const struct container *container);

/* Who waits for whom: depends_on, x-requires, restart with a dependency. */
void up_order(struct up *up);

/* Numbers above the scale, doubles, and containers of services that are gone. */
void up_leftovers(struct up *up);

#endif
