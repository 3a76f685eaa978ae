/*
 * git.h - one clone through libgit2, in the child.
 *
 * Private to src/source.
 */
#ifndef SOURCE_GIT_H
#define SOURCE_GIT_H

#include "devenv/err.h"

#include <stdbool.h>
#include <stdint.h>

struct git_job {
	const char *url;
	const char *ref;  /* or NULL */
	const char *path; /* an empty folder that is there */
	void (*progress)(void *ctx, const char *phase, uint64_t done, uint64_t total);
	bool (*cancelled)(void *ctx);
	void *ctx;
};

/* Clone and check out; `commit` is the 40 digits of HEAD, "" for an empty repository. */
int git_clone_job(const struct git_job *job, char commit[41], struct err *err);

#endif
