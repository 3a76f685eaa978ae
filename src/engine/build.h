/* build.h - the parts of a build: the context as a tar, and the request.  Private to src/engine. */
#ifndef ENGINE_BUILD_H
#define ENGINE_BUILD_H

#include "devenv/engine.h"
#include "devenv/tar.h"

/* Files that come with the context without being in it: the Dockerfile, secrets. */
#define BUILD_FILES_MAX 32

struct build_file {
	char *name; /* in the tar */
	char *content;
	size_t len;
};

struct build_context {
	const char *dir;
	char *dockerfile; /* its name in the tar */
	char *ignore;     /* text of the ignore file in force; NULL: none */
	char *ignore_file;
	bool ignore_other; /* it is not the context's own .dockerignore */
	bool plain_ignore; /* send only names: Podman reads patterns in its own way */
	char *text;        /* of the Dockerfile */
	struct build_file files[BUILD_FILES_MAX];
	size_t n_files;
};

/* Find and read the Dockerfile and what is ignored. ERR_MANIFEST. */
int build_context_open(const json_t *build, struct build_context *context, struct err *err);

/* Put a file under a name of its own beside the context, which no COPY sees; the name is borrowed.
 * NULL when there are too many. */
const char *build_context_file(
	struct build_context *context, const char *what, const char *content, size_t len);

/* The whole context. */
int build_context_write(
	const struct build_context *context, struct tar_writer *tar, struct err *err);
void build_context_release(struct build_context *context);

/* Is the context an address that the engine fetches itself? */
bool build_is_remote(const char *context);

#endif
