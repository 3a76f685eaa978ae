/* embedded.h - what embedded.c (the life of the service) and embedded_conf.c (its files) share. */
#ifndef DEVENV_ENGINE_EMBEDDED_H
#define DEVENV_ENGINE_EMBEDDED_H

#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <sys/types.h>

/* What fits into sun_path with its NUL. */
#define SOCKET_PATH_MAX 107

/*
 * The folder of everything the embedded engine keeps: $DEVENV_ENGINE_ROOT or STATE/engine. The
 * caller's.
 */
char *embedded_root(void);

/* A short path that stands for the long one, in a folder only we can write to. The caller's. */
char *embedded_short_socket(const char *path);

/* Write podman's configuration below `root`; *env gets the variables that point to it. */
int embedded_configure(const char *root, struct strv *env, struct err *err);

/* The service's command line. */
void embedded_command(const char *root, const char *socket, struct strv *argv);

/* Has this process ended? (It may be our own child: then it is waited for.) */
bool embedded_ended(pid_t pid);

#endif
