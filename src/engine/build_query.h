/* build_query.h - the request of a build.  Private to src/engine. */
#ifndef ENGINE_BUILD_QUERY_H
#define ENGINE_BUILD_QUERY_H

#include "build.h"

/* Append the query, without "?". */
void build_query(const struct build_spec *spec, const struct build_context *context, bool podman,
	struct buf *query);

/* ERR_ENGINE for what this engine's builder cannot do. */
int build_check(const struct build_spec *spec, bool podman, struct err *err);

#endif
