/*
 * snapshots.h - what the snapshot commands share: which volume is meant, who uses it, and stopping
 * and starting those.  Private to src/cmd.
 *
 *	struct snapshot_place place = {0};
 *	if (snapshots_place(&session, "db", &place, err) < 0 ||
 *		snapshots_stop(app, &session, &place, -1, err) < 0)
 *		return -1;
 *	status = ... work on place.volume ...
 *	status = snapshots_start_again(app, &session, &place, status, err);
 *	snapshot_place_release(&place);
 */
#ifndef CMD_SNAPSHOTS_H
#define CMD_SNAPSHOTS_H

#include "session.h"

#include "devenv/plan_snapshot.h"

/* A volume and its services. */
struct snapshot_place {
	char *volume;                    /* the engine's name */
	const struct manifest *manifest; /* whose model has it; or NULL */
	const char *service;             /* one that mounts it, borrowed; or NULL */
	struct strv running;             /* MANIFEST/SERVICE that mount it and run now */
	struct strv containers;          /* ids of all containers that mount it */
	bool exists;                     /* in the engine */
	bool cut;                        /* a killed run was making it thin: plan_thin.h */
	bool stopped;                    /* a killed command stopped some of `running` */
};

/*
 * The volume of a service (it has one, or one in the place where databases keep their data), of a
 * volume's key in a manifest, or of the engine's own name. ERR_USAGE names what there is.
 */
int snapshots_place(
	struct session *session, const char *word, struct snapshot_place *place, struct err *err);
void snapshot_place_release(struct snapshot_place *place);

/* Its service in the model; NULL: it has none. Borrowed. */
const json_t *snapshots_service(const struct snapshot_place *place);

/*
 * The engine's names of the volumes that services of the manifests mount; only those in the places
 * where `databases` keep their data.
 */
void snapshots_data_volumes(const struct workspace *ws, bool databases, struct strv *names);

/*
 * Stop the services that run on it, with a warning; nothing when none does. They have `timeout_s`
 * seconds to end themselves, with -1 each its own. When that fails, or at Ctrl-C, they are started
 * again.
 */
int snapshots_stop(struct app *app, struct session *session, const struct snapshot_place *place,
	int timeout_s, struct err *err);

/*
 * Start again what snapshots_stop() stopped, and wait until it is ready; also after a Ctrl-C. One
 * amid it ends only the waiting: ERR_CANCELLED, with the services running.
 */
int snapshots_start(struct app *app, struct session *session, const struct snapshot_place *place,
	struct err *err);

/*
 * The same after work that ended with `status` and `err`: when that failed, its error stays the
 * one, with a word about what could not be started.
 */
int snapshots_start_again(struct app *app, struct session *session,
	const struct snapshot_place *place, int status, struct err *err);

/* Did each container that uses it end with status 0? */
bool snapshots_ended(struct session *session, const struct snapshot_place *place);

/* What the command line says of the data. */
struct production_words {
	bool production;     /* it came from production */
	const char *masking; /* and was masked by the rules in this file; or NULL */
	bool elsewhere;      /* it is not what the volume holds now */
};

/*
 * Put "production" and "masking" (masking.h) into the config of a new snapshot of that volume: what
 * the words say, else its x-production, else what the snapshot said that its content began as.
 * ERR_SNAPSHOT for a file of rules that is not there.
 */
int snapshots_note_production(const struct session *session, const struct snapshot_place *place,
	const struct production_words *words, json_t *config, struct err *err);

/* x-production of the volume of that name in a manifest: a map or true; NULL: none. Borrowed. */
const json_t *snapshots_production(const struct manifest *manifest, const char *volume);

/* What a scan looks for, beside what the manifest of the volume says. */
struct scan_words {
	const char *canaries; /* a file, one a line; or NULL */
	struct strv allow;
};

/* Of options with `struct scan_words scan`. */
#define SCAN_OPTIONS(options) \
	{.name = "allow", \
		.type = OPT_LIST, \
		OPT_AT(options, scan.allow), \
		.arg = "TEXT", \
		.help = "A domain, address or card number that may be in it"}, \
	{ \
		.name = "canaries", .type = OPT_STRING, OPT_AT(options, scan.canaries), \
		.arg = "FILE", .help = "Strings that must not be in it, one a line" \
	}

/* plan_snapshot_scan() of that record with its rules. */
int snapshots_scan(struct app *app, struct session *session, const json_t *record,
	const struct scan_words *words, json_t **found, struct err *err);

/* The same, as a condition: what is found are warnings, and ERR_SNAPSHOT. */
int snapshots_check_clean(struct app *app, struct session *session, const json_t *record,
	const struct scan_words *words, struct err *err);

/*
 * The record called `name`; NULL: the newest one of that volume. Of an agent that is open. A new
 * reference, NULL with err: ERR_SNAPSHOT, naming what there is.
 */
json_t *snapshots_find(struct agent *agent, const char *volume, const char *name, struct err *err);

/* The newest record of a list that is of that volume, borrowed; NULL: there is none. */
json_t *snapshots_newest(const json_t *list, const char *volume);

/* "VOLUME-20261121-160522": what a snapshot is called that nobody named. The caller's. */
char *snapshots_default_name(const char *volume);

/* ERR_SNAPSHOT when a record of the list is called so. */
int snapshots_check_free(const json_t *list, const char *name, struct err *err);

/*
 * What the config says beside what the agent finds out: volume, service, image, and what
 * snapshots_note_production() puts there. A new reference; NULL with err.
 */
json_t *snapshots_config(struct session *session, const struct snapshot_place *place,
	const struct production_words *words, struct err *err);

/* "undo/VOLUME": what a restore replaced. The caller's. */
char *snapshots_undo_name(const char *volume);

/* Does it name a store: does it begin with a host, or with "oci:" and the like? */
bool snapshots_is_reference(const char *name);

/* "MariaDB 10.11.6", "PostgreSQL 15", "" of a record's config. The caller's. */
char *snapshots_database(const json_t *record);

/* The rows of cmd_snapshot, one file for each group. */
extern const struct command cmd_snapshot_save;
extern const struct command cmd_snapshot_restore, cmd_snapshot_undo;
extern const struct command cmd_snapshot_list, cmd_snapshot_inspect, cmd_snapshot_rm;
extern const struct command cmd_snapshot_diff;
extern const struct command cmd_snapshot_export, cmd_snapshot_import;
extern const struct command cmd_snapshot_branch, cmd_snapshot_switch;
extern const struct command cmd_snapshot_push, cmd_snapshot_pull;
extern const struct command cmd_snapshot_verify, cmd_snapshot_scan, cmd_snapshot_prune;

#endif
