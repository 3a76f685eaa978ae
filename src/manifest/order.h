/* order.h - places in the model, and the order in which Compose writes the keys there. */
#ifndef DEVENV_MANIFEST_ORDER_H
#define DEVENV_MANIFEST_ORDER_H

#include <stdbool.h>

#define MODEL_DEPTH_MAX 200

/* Where a walk through the model is. "[]" is an item of a list. Parts are borrowed. */
struct model_path {
	const char *part[MODEL_DEPTH_MAX];
	int depth;
};

/* One step down; go up by `depth--`. false when it is too deep. */
bool model_path_enter(struct model_path *path, const char *part);

/* Do the `depth` parts lead to "services.*.ports.[]"? "*" is any part. */
bool model_parts_match(const char *const *parts, int depth, const char *pattern);

/* The same of a walk. */
bool model_path_matches(const struct model_path *path, const char *pattern);

/* The keys of the map at `path`, separated by spaces; NULL: by their names. */
const char *order_find(const struct model_path *path);

/* The place of `key` in what order_find() gave; the number of its keys when it is not there. */
int order_rank(const char *order, const char *key);

#endif
