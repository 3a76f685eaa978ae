/* agent.h - what the files of the agent share.  Private to src/agent. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "devenv/agent.h"
#include "devenv/event.h"
#include "devenv/tree.h"

#include <pthread.h>
#include <stdbool.h>

/* The agent at work on one request. */
struct agent {
	struct frame_link link;
	bool data_ended;             /* no DATA comes any more for this request */
	int blobs;                   /* the folder of the cache's blobs; -1: not opened yet */
	int using;                   /* the cache's lock, shared as long as we live */
	struct tree_index *prepared; /* read for the next request about it; NULL: none */
	struct tree_removed removed; /* by a restore: freed when we end, or restore again */
	pthread_mutex_t notes_lock;  /* notes come from any thread */
	int64_t noted_ms;            /* when the last PROGRESS went out */
};

/* Answers a request: *result gets FRAME_RESULT's payload (NULL: {}). */
typedef int agent_fn(struct agent *agent, const json_t *request, json_t **result, struct err *err);

agent_fn agent_ping;                                                      /* ping.c */
agent_fn agent_blob_have, agent_blob_put, agent_blob_get;                 /* blob.c */
agent_fn agent_missing, agent_pack_put;                                   /* pack.c */
agent_fn agent_list, agent_show, agent_name_set, agent_name_remove;       /* names.c */
agent_fn agent_capture, agent_examine;                                    /* capture.c */
agent_fn agent_prepare, agent_restore;                                    /* restore.c */
agent_fn agent_lend;                                                      /* lend.c */
agent_fn agent_tree, agent_thin, agent_thin_check;                        /* thin.c */
agent_fn agent_diff;                                                      /* diff.c */
agent_fn agent_export;                                                    /* export.c */
agent_fn agent_import;                                                    /* import.c */
agent_fn agent_scan;                                                      /* scan.c */
agent_fn agent_verify;                                                    /* verify.c */
agent_fn agent_alone, agent_prune;                                        /* prune.c */
agent_fn agent_branches, agent_branch, agent_switch, agent_branch_remove; /* branch.c */

/* PROGRESS, ten times a second at most; -1: nobody listens any more. */
int agent_progress(struct agent *agent, uint64_t done, uint64_t total);

/*
 * From agent_hold() to agent_let_go() the end of stdin does not end the agent: what is begun is
 * finished, or taken back when agent_hung_up() says so, as agent_progress() does too. (main.c)
 */
void agent_hold(void);
void agent_let_go(void);
bool agent_hung_up(void);

/* WARNING. */
void agent_warn(struct agent *agent, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The two as callbacks of tree.h. */
struct tree_watch agent_watch(struct agent *agent);

/* Can a file of the folder `to_dir` share the blocks of one in `from_dir`? (ping.c) */
bool agent_can_clone(const char *from_dir, const char *to_dir);

/* What servers need to start again: the temporary tables of MariaDB alone take 12 MiB. */
#define ROOM_LEFT ((uint64_t)64 << 20)

/* agent_capture() of the folder `root` (capture.c). */
int capture_tree(
	struct agent *agent, const json_t *request, int root, json_t **result, struct err *err);

/* Remove what imports left that were killed (import.c). */
int import_sweep(struct err *err);

/* The volume at AGENT_TARGET; -1 with err. */
int agent_target(struct err *err);

/* The volume at AGENT_VOLUMES/NAME; -1 with err. */
int agent_volume(const char *name, struct err *err);

#endif
