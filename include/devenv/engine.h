/*
 * engine.h - a client of the Docker Engine API (version 1.41 and later), over a unix socket or TCP.
 *
 * Finds the engine in Docker's own order, negotiates the version, and speaks it to Docker (20.10
 * and later) and Podman (4.3 and later).  Where none is found and podman is installed, the embedded
 * engine (engine_embedded.h's functions below) is `podman system service` on a private socket with
 * a private root.  Differences between engines are found by asking, and live in
 * src/engine/quirks.c.
 *
 *	struct engine_where where = {0};
 *	struct engine *engine = NULL;
 *	if (engine_find(&(struct engine_ask){.host = NULL}, &where, err) < 0 ||
 *	    engine_open(&where, &engine, err) < 0)
 *		return -1;
 *	autojson json_t *list = NULL;
 *	engine_get(engine, &list, err, "/containers/json?all=1");
 *
 * One struct engine is for one thread at a time (it keeps a connection); engine_clone() makes
 * another for the next thread.  JSON in, JSON out: names and shapes are the API's own
 * (docs.docker.com/engine/api/v1.41).  Errors are ERR_ENGINE with the engine's own "message", the
 * object's name, and the HTTP status in err->status (404, 409 ...).
 */
#ifndef DEVENV_ENGINE_H
#define DEVENV_ENGINE_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/event.h"
#include "devenv/ignore.h"
#include "devenv/json.h"
#include "devenv/tar.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* === where it is === */

struct engine_ask {
	const char *context;     /* --context */
	const char *host;        /* --host */
	bool no_embedded;        /* do not start (or use) the embedded engine */
	const struct sink *sink; /* hears that the embedded engine is being started */
};

struct engine_where {
	char *host; /* "unix:///run/docker.sock" or "tcp://..." */
	/* For people: "DOCKER_HOST", "context colima", "found at ...", "embedded engine". */
	char *why;
	bool embedded;
};

/*
 * --context, --host, DOCKER_HOST, DOCKER_CONTEXT, currentContext of config.json, the usual sockets
 * (Docker, Docker Desktop, Colima, OrbStack, Rancher, Podman), then the embedded engine, which is
 * started when it is not running. ERR_ENGINE says what was tried and how to get an engine.
 */
int engine_find(const struct engine_ask *ask, struct engine_where *where, struct err *err);
void engine_where_release(struct engine_where *where);

/* === the connection === */

int engine_open(const struct engine_where *where, struct engine **engine, struct err *err);
struct engine *engine_clone(const struct engine *engine); /* connects on first use */
void engine_close(struct engine *engine);

/* From now on every request that is not GET or HEAD fails with ERR_FAILED: for --dry-run. */
void engine_forbid_writes(struct engine *engine);

struct engine_facts {
	bool podman;
	bool local;       /* over a unix socket: its published ports are this machine's */
	char version[32]; /* "20.10.24" */
	char api[16];     /* negotiated, "1.41" */
	/* Only by engine_all_facts(): */
	bool rootless;
	bool no_health_timer; /* declared healthchecks do not run: use engine_healthcheck */
};

/* What the first answer told: costs nothing. Shared with clones. */
const struct engine_facts *engine_facts(struct engine *engine);

/* The rest too, asked once by /info: 5 ms on Docker, 250 ms on Podman. */
const struct engine_facts *engine_all_facts(struct engine *engine);

/* === requests: the path is made by printf, starts with "/" and has no version. Use %s only with
 * names already escaped by engine_escape() === */

int engine_get(struct engine *engine, json_t **out, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* `body` may be NULL; `out` may be NULL; borrows body. 304 (already so) is success. */
int engine_post(struct engine *engine, const json_t *body, json_t **out, struct err *err,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int engine_delete(struct engine *engine, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
char *engine_escape(const char *text); /* percent-encoded for a path or query; the caller's */

/* {"label": ["a=b"]} as an escaped query value for ?filters=; the caller's. Pairs end with NULL. */
char *engine_filters(const char *key, const char *value, ...) __attribute__((sentinel));

/* === containers === */

/* Create; *id is the caller's. `platform` may be NULL. Warnings of the engine go to the sink. */
int container_create(struct engine *engine, const char *name, const char *platform,
	const json_t *body, const struct sink *sink, char **id, struct err *err);
int container_start(struct engine *engine, const char *id, struct err *err);
int container_stop(
	struct engine *engine, const char *id, int timeout_s, struct err *err); /* -1: its own */
int container_restart(struct engine *engine, const char *id, int timeout_s, struct err *err);
int container_kill(struct engine *engine, const char *id, const char *signal, struct err *err);
/* By force. One that is gone is fine; one that the engine is removing is waited for. */
int container_remove(struct engine *engine, const char *id, bool volumes, struct err *err);
int container_rename(struct engine *engine, const char *id, const char *name, struct err *err);
int container_inspect(struct engine *engine, const char *id, json_t **out, struct err *err);
/*
 * Does it run? 1, 0 or -1, by inspection: Docker's list of containers goes by what could be written
 * down, and one that ends while the disk is full is "running" there for good.
 */
int container_alive(struct engine *engine, const char *id, struct err *err);
int container_wait(struct engine *engine, const char *id, int *status, struct err *err);
int container_resize(struct engine *engine, const char *id, int rows, int columns, struct err *err);

/*
 * Run the declared healthcheck once now, where the engine does not (quirk). 0 healthy, 1 not, -1.
 */
int engine_healthcheck(struct engine *engine, const char *id, struct err *err);

/* The processes inside: {"Titles": [...], "Processes": [[...], ...]}. */
int container_top(struct engine *engine, const char *id, json_t **out, struct err *err);

/* Upload a tar (POST archive) into `dir`, owners kept; used for inline secrets and configs. */
int container_put(struct engine *engine, const char *id, const char *dir, const void *tar,
	size_t len, struct err *err);

/* The same from a descriptor, read to its end: for tars of any size. */
int container_put_fd(
	struct engine *engine, const char *id, const char *dir, int fd, struct err *err);

/* === archives: any path of a container, running or not, as a tar === */

/* Writes the tar, tar_end() included; runs in a thread of its own. */
typedef int tar_make_fn(void *ctx, struct tar_writer *tar, struct err *err);

/*
 * Send the tar while `make` writes it, and have it unpacked in the folder `dir`, owners and modes
 * as in the tar (PUT /containers/ID/archive, with noOverwriteDirNonDir). ERR_ENGINE with status
 * 404: no such folder; or what `make` failed with.
 */
int container_archive_put(struct engine *engine, const char *id, const char *dir, tar_make_fn *make,
	void *ctx, struct err *err);

enum archive_type { ARCHIVE_FILE, ARCHIVE_DIR, ARCHIVE_LINK, ARCHIVE_SPECIAL };

/* Header X-Docker-Container-Path-Stat. */
struct archive_stat {
	enum archive_type type; /* ARCHIVE_SPECIAL: a device, pipe or socket */
	uint64_t size;          /* of a file's content */
	char *target;           /* of a link, as the engine resolves it; or NULL */
};

void archive_stat_release(struct archive_stat *stat);

/* What is at `path`; a link is not followed. ERR_ENGINE with status 404: nothing (HEAD). */
int container_archive_stat(struct engine *engine, const char *id, const char *path,
	struct archive_stat *stat, struct err *err);

/*
 * Ask for `path` as a tar: what it is comes at once, the tar by container_archive_read(), up to
 * `len` bytes at a time, 0 at its end. The entries are NAME, NAME/a ..., or ./a ... for "path/.".
 * ERR_CANCELLED after Ctrl-C. Another request drops what is unread (GET).
 */
int container_archive_get(struct engine *engine, const char *id, const char *path,
	struct archive_stat *stat, struct err *err);
ssize_t container_archive_read(struct engine *engine, void *data, size_t len, struct err *err);

/* Ask for the whole file system, without volumes, as a tar; to be read in the same way (GET). */
int container_export(struct engine *engine, const char *id, struct err *err);

/* === images === */

int image_inspect(
	struct engine *engine, const char *ref, json_t **out, struct err *err); /* 404: status */

/*
 * The words that a container starts with, as the engine takes them together from the wishes
 * (arrays; NULL: none) and the image, as image_inspect() gives it: moby's merge() of runconfig. The
 * caller's.
 */
json_t *image_command(const json_t *image, const json_t *entrypoint, const json_t *command);

/*
 * Pull with the credentials that `docker` would use. Progress goes to the sink as EVENT_PROGRESS of
 * "image REF" in bytes over all layers. ERR_REGISTRY for unauthorized, not found, unreachable.
 */
int image_pull(struct engine *engine, const char *ref, const char *platform,
	const struct sink *sink, struct err *err);

struct build_spec {
	const json_t *build;     /* `build:` of the canonical model */
	const char *image;       /* what it is called */
	const char *platform;    /* or NULL */
	const json_t *labels;    /* added to those of `build`; or NULL */
	const json_t *secrets;   /* [{"id", "file" or "content"}]; or NULL */
	const struct strv *args; /* NAME=VALUE over those of `build`, NAME: from our environment */
	bool no_cache, pull;
	int64_t memory;     /* of a step's container, bytes; 0: any */
	const char *object; /* of the events */
	const struct sink *sink;
};

/*
 * Build an image: the context goes as a tar to the engine's own builder (on Docker the classic one,
 * so what needs BuildKit is refused, with the reason). Progress in steps of the Dockerfile. The
 * error names the step and ends with what the step wrote last. ERR_MANIFEST for a context that is
 * not there.
 */
int image_build(struct engine *engine, const struct build_spec *spec, struct err *err);

/*
 * The .dockerignore that holds for `build:` of the canonical model; paths are relative to its
 * context. Nothing for a context elsewhere. ERR_MANIFEST.
 */
int build_ignore(const json_t *build, struct ignore *ignore, struct err *err);

/* Push with the credentials that `docker` would use; as image_pull(). */
int image_push(struct engine *engine, const char *ref, const struct sink *sink, struct err *err);

/*
 * The image that `ref` names at its registry now, in full: "nginx" is
 * "docker.io/library/nginx:latest@sha256:...". Asks the registry, with the credentials that
 * `docker` would use; a reference with a digest is only written in full. *pinned is the caller's.
 * ERR_REGISTRY.
 */
int image_pin(struct engine *engine, const char *ref, const struct sink *sink, char **pinned,
	struct err *err);

struct commit_spec {
	const char *ref;            /* what the image is called; NULL: it has no name */
	const char *author;         /* or NULL */
	const char *message;        /* or NULL */
	const struct strv *changes; /* instructions of a Dockerfile; or NULL */
	bool pause;                 /* the container stands still meanwhile */
};

/*
 * Make an image of what a container's files are now (POST /commit). *image: its id, the caller's.
 * It takes as long as there is to write; ERR_CANCELLED after Ctrl-C.
 */
int container_commit(struct engine *engine, const char *id, const struct commit_spec *spec,
	char **image, struct err *err);

/* Load an image from a tar made by `docker save` (POST /images/load). */
int image_load(struct engine *engine, int fd, struct err *err);

/* === streams: attach, exec, logs === */

/* What ends an attachment to a terminal, and leaves the container running. */
struct detach_keys {
	const char *text; /* "ctrl-p,ctrl-q"; borrowed */
	char bytes[16];   /* what a terminal sends for them */
	size_t n;
};

/*
 * Keys with commas between them: single characters, and ctrl- with a letter or one of @[\]^_ (as
 * docker's --detach-keys). ERR_USAGE for anything else, and for more than 16.
 */
int detach_keys_parse(const char *text, struct detach_keys *keys, struct err *err);

/* Something else to hear while copying. */
struct stream_side {
	int fd;
	int (*ready)(void *ctx); /* it is readable; return -1 to end */
	void *ctx;
};

struct stream_io {
	int in;    /* read and sent; -1: no stdin */
	int out;   /* stdout goes here; -1: use on_data */
	int errfd; /* stderr */
	bool tty;  /* raw: no framing, and the local terminal is put into raw mode */
	/* Called with each piece when out is -1; stream 1 or 2; return -1 to end. */
	int (*on_data)(void *ctx, int stream, const char *data, size_t len);
	void *ctx;
	int cancel_fd; /* becomes readable: end quietly; -1: none */
	/* The end of `in` is not passed on: Docker would end the output with it. */
	bool keep_open;
	const struct stream_side *side;   /* or NULL */
	const struct detach_keys *detach; /* looked for in what is read from `in`; or NULL */
	bool *detached;                   /* set when they came; with `detach` */
};

/*
 * Copies until both directions are finished. `before` starts the container once attached; may be
 * NULL.
 */
int container_attach(struct engine *engine, const char *id, const struct stream_io *io, bool logs,
	int (*attached)(void *ctx, struct err *err), void *ctx, struct err *err);

struct exec_spec {
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* or NULL */
	const char *user, *dir;  /* or NULL */
	bool tty, detach, privileged;
};

/* Run in a running container and copy; *status gets its exit status. */
int container_exec(struct engine *engine, const char *id, const struct exec_spec *spec,
	const struct stream_io *io, int *status, struct err *err);

/*
 * Run and collect up to the buffer's limit (stdout and stderr together; out may be NULL). For
 * probes.
 */
int container_exec_output(struct engine *engine, const char *id, const char *const *argv,
	int timeout_ms, struct buf *out, int *status, struct err *err);

struct logs_spec {
	bool follow, timestamps;
	const char *since, *until; /* RFC 3339, unix seconds, or a Go duration; NULL: all */
	int tail;                  /* -1: all */
};

/* Copies until the end, or for ever with follow. `tty` as the container's own setting. */
int container_logs(struct engine *engine, const char *id, const struct logs_spec *spec,
	const struct stream_io *io, struct err *err);

struct events_spec {
	const char *filters;       /* engine_filters(); NULL: every event */
	const char *since, *until; /* as of logs_spec; NULL: from now on, for ever */
};

/*
 * The engine's events as JSON objects until on_event returns non-zero, cancel_fd is readable or
 * `until` is reached.
 */
int engine_events(struct engine *engine, const struct events_spec *spec,
	int (*on_event)(void *ctx, json_t *event), void *ctx, int cancel_fd, struct err *err);

/* === what a container uses === */

/*
 * Its samples, about one a second, as JSON objects (GET /containers/ID/stats), until on_sample
 * returns non-zero, cancel_fd is readable, or the container is gone.
 */
int container_stats(struct engine *engine, const char *id,
	int (*on_sample)(void *ctx, json_t *sample), void *ctx, int cancel_fd, struct err *err);

struct container_usage {
	double cpu_percent;     /* of one CPU: 200 is two of them; -1: not known yet */
	uint64_t memory, limit; /* bytes; without the page cache that can be dropped at once */
	double memory_percent;  /* of the limit; 0 without one */
	uint64_t received, sent;
	uint64_t read, written; /* block devices */
	uint64_t pids;
};

/* The sample before, for engines that do not send it along: nanoseconds; 0: none yet. */
struct cpu_reading {
	double total, system;
};

/*
 * What a sample says, as docker's CLI works it out: cgroup v1 and v2, Docker and Podman. `before`
 * is the caller's, zero at first, kept between the samples of one container.
 */
void container_usage_read(
	const json_t *sample, struct cpu_reading *before, struct container_usage *usage);

/* === embedded engine (src/engine/embedded.c) === */

enum embedded_state { EMBEDDED_ABSENT, EMBEDDED_STOPPED, EMBEDDED_RUNNING };

/* Absent: podman is not installed. `root` and `socket` (the caller's) may be NULL. */
enum embedded_state embedded_status(char **socket, char **root);
int embedded_start(const struct sink *sink, struct err *err); /* 0 when it runs already */
int embedded_stop(const struct sink *sink, struct err *err);  /* containers first */

#endif
