/* fs.h - paths and whole files.  Returned strings are the caller's. */
#ifndef DEVENV_FS_H
#define DEVENV_FS_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

char *path_join(const char *dir, const char *name); /* an absolute `name` wins */
char *path_dirname(const char *path);
const char *path_basename(const char *path); /* borrowed from `path` */

/* Lexically clean: no ".", "..", "//" (as Go's filepath.Clean). */
char *path_clean(const char *path);

/* Absolute and clean: `path` joined to `base`, or to the working directory when base is NULL. */
char *path_absolute(const char *base, const char *path);

/* What is left of the clean `path` at or below `root`: "", "a/b"; NULL elsewhere. Borrowed. */
const char *path_below(const char *root, const char *path);

/* The clean absolute `path` as seen from the clean absolute folder `from`: ".", "../a/b". */
char *path_relative(const char *from, const char *path);

/* "~" and "~/x" expanded by $HOME; anything else is copied. */
char *path_expand_home(const char *path);

/* realpath(3), or the cleaned absolute path when it does not exist. */
char *path_real(const char *path);

bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
bool fs_is_file(const char *path); /* a regular file, links followed */

/*
 * Append a regular file's content to `out`, up to out->limit. A device, pipe or directory is
 * refused, so that no read can hang; only /dev/null is an empty file. `kind` is the error's kind.
 */
int fs_read(const char *path, struct buf *out, enum err_kind kind, struct err *err);

/* write(2) until all is written, also where somebody made `fd` non-blocking. -1: see errno. */
int fs_write_all(int fd, const void *data, size_t len);

/* Write and rename over `path`, mode `mode`, fsync'ed: a reader sees the old file or the new. */
int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* The names in a folder, sorted, without "." and "..". */
int fs_list(const char *path, struct strv *names, struct err *err);

/* mkdir -p. */
int fs_mkdirs(const char *path, mode_t mode, struct err *err);

/* rm -r without following links; what is not there is fine. */
int fs_remove_tree(const char *path, struct err *err);
int fs_remove_tree_at(int dir, const char *name, struct err *err); /* of an open folder */

/* du -s: bytes on the disk, of what can be looked at; links are not followed. */
uint64_t fs_usage_at(int dir, const char *name);

/*
 * devenv's own folders (XDG base directories): $XDG_STATE_HOME/devenv, $XDG_CACHE_HOME/devenv,
 * $XDG_CONFIG_HOME/devenv, $XDG_RUNTIME_DIR/devenv (state/run when that is unset).
 */
char *fs_state_dir(void);
char *fs_cache_dir(void);
char *fs_config_dir(void);
char *fs_runtime_dir(void);

#endif
