/*
 * archive.c - a tar of any size into a container, as it is made.
 */
#include "engine_priv.h"

#include "devenv/mem.h"

int container_put_fd(
	struct engine *engine, const char *id, const char *dir, int fd, struct err *err)
{
	autofree char *name = engine_escape(id);
	autofree char *where = engine_escape(dir);
	autofree char *path = xasprintf("/containers/%s/archive?path=%s", name, where);

	/* No time limit: a large volume may make a slow disk silent for long. */
	return engine_request(engine,
		&(struct http1_request){.method = "PUT",
			.path = path,
			.type = "application/x-tar",
			.body_fd = fd,
			.interruptible = true},
		NULL, err);
}
