/* snapshot_branch.c - `devenv snapshot branch` and `switch`. */
#include "snapshots.h"

#include "devenv/mem.h"
#include "devenv/plan_branch.h"
#include "devenv/plan_thin.h"
#include "devenv/source.h"
#include "devenv/state.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BRANCH "main"
#define NAME_LIMIT 255
#define NAMES_SHOWN 8

struct branch_options {
	bool delete;
};

struct switch_options {
	bool with_git;
};

/* What a command works on. */
struct branching {
	struct app *app;
	struct session session;
	struct strv volumes; /* that are there and may have branches */
	struct branches *branches;
	json_t *states;
};

#define BRANCHING(of) ((struct branching){.app = (of), .session = SESSION_INIT})

static void branching_release(struct branching *work)
{
	branches_close(work->branches);
	json_decref(work->states);
	strv_release(&work->volumes);
	session_close(&work->session);
}
#define autobranching __attribute__((cleanup(branching_release)))

/* === volumes === */

/* Those of `words`, or else all that services mount; only what is there. */
static int find_volumes(struct branching *work, const struct strv *words, struct err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		struct snapshot_place place = {0};
		int status = snapshots_place(&work->session, words->v[i], &place, err);

		if (status == 0 && place.exists && !strv_has(&work->volumes, place.volume))
			strv_push(&work->volumes, place.volume);
		snapshot_place_release(&place);
		if (status < 0)
			return -1;
	}
	if (work->volumes.n)
		return 0;
	return err_set(err, ERR_SNAPSHOT,
		"there is no volume yet that could have branches; "
		"`devenv up` makes those of the manifests");
}

static int open_branches(struct branching *work, const struct strv *words, struct err *err)
{
	autostrv struct strv all = STRV_INIT;

	if (!words->n)
		snapshots_data_volumes(&work->session.ws, false, &all);
	if (find_volumes(work, words->n ? words : &all, err) < 0)
		return -1;
	work->branches = branches_open(work->session.engine, &work->volumes, &work->app->sink, err);
	return work->branches ? branches_read(work->branches, &work->states, err) : -1;
}

static bool has_branch(const struct branching *work, const char *volume, const char *name)
{
	return json_at(work->states, volume, "branches", name, NULL) != NULL;
}

static const char *current_of(const struct branching *work, const char *volume)
{
	return json_str(json_object_get(work->states, volume), "current");
}

/* NOTES of plan_branch.h: what the state folder knows of each volume. */
static json_t *notes_of(const struct branching *work, const struct strv *volumes)
{
	json_t *notes = json_object();

	for (size_t i = 0; i < volumes->n; i++) {
		json_t *record = state_volume_read(work->session.ws.lock_id, volumes->v[i]);

		json_object_set_new(notes, volumes->v[i], record ? record : json_null());
	}
	return notes;
}

static int remember(const struct branching *work, const json_t *notes, struct err *err)
{
	const char *volume;
	json_t *note;

	json_object_foreach ((json_t *)notes, volume, note) {
		if (!json_is_object(note))
			state_volume_forget(work->session.ws.lock_id, volume);
		else if (state_volume_write(work->session.ws.lock_id, volume, note, err) < 0)
			return -1;
	}
	return 0;
}

/* === at rest === */

/* Who runs on any of the volumes, as one place. */
static int find_users(struct branching *work, const struct strv *volumes,
	struct snapshot_place *users, struct err *err)
{
	for (size_t i = 0; i < volumes->n; i++) {
		struct snapshot_place place = {0};
		int status = snapshots_place(&work->session, volumes->v[i], &place, err);

		if (place.cut)
			status = plan_thin_cut_error(place.volume, err);
		for (size_t k = 0; k < place.running.n; k++)
			if (!strv_has(&users->running, place.running.v[k]))
				strv_push(&users->running, place.running.v[k]);
		users->stopped = users->stopped || place.stopped;
		snapshot_place_release(&place);
		if (status < 0)
			return -1;
	}
	return 0;
}

/* Asks the agent while nobody uses the volumes; *result is its answer. */
typedef int change_fn(struct branching *work, const char *name, const char *first,
	const json_t *notes, json_t **result, struct err *err);

static int make(struct branching *work, const char *name, const char *first, const json_t *notes,
	json_t **result, struct err *err)
{
	return branches_make(work->branches, name, first, notes, result, err);
}

static int change_to(struct branching *work, const char *name, const char *first,
	const json_t *notes, json_t **result, struct err *err)
{
	if (branches_switch(work->branches, name, notes, result, err) < 0)
		return -1;
	return remember(work, json_object_get(*result, "notes"), err);
}

static void emit(
	const struct branching *work, enum event_kind kind, const char *object, const char *text)
{
	sink_emit(&work->app->sink, &(struct event){.kind = kind, .object = object, .text = text});
}

static int at_rest(struct branching *work, change_fn *change, const char *name, const char *first,
	const struct strv *volumes, json_t **result, struct err *err)
{
	autojson json_t *notes = notes_of(work, volumes);
	struct snapshot_place users = {0};
	int status = find_users(work, volumes, &users, err);

	if (status == 0)
		status = snapshots_stop(work->app, &work->session, &users, -1, err);
	if (status == 0) {
		emit(work, EVENT_START, "branches", "Copying");
		status = change(work, name, first, notes, result, err);
		if (status == 0)
			emit(work, EVENT_DONE, "branches", "Copied");
		status = snapshots_start_again(work->app, &work->session, &users, status, err);
	}
	snapshot_place_release(&users);
	return status;
}

/* === what is said === */

static int finish(const struct branching *work, const char *name, const char *text,
	const json_t *result, struct err *err)
{
	autofree char *object = xasprintf("Branch %s", name);

	emit(work, EVENT_SUMMARY, object, text);
	return work->app->json ? ui_output_json(result, err) : 0;
}

static int no_branch(const struct branching *work, const char *name, struct err *err)
{
	autostrv struct strv names = STRV_INIT;
	autofree char *text = NULL;

	for (size_t i = 0; i < work->volumes.n; i++) {
		const char *each;
		json_t *branch;

		json_object_foreach (
			json_at(work->states, work->volumes.v[i], "branches", NULL), each, branch)
			if (!strv_has(&names, each) && names.n < NAMES_SHOWN)
				strv_push(&names, each);
	}
	text = strv_join(&names, ", ");
	err_set(err, ERR_SNAPSHOT, "there is no branch \"%s\"", name);
	return names.n ? err_hint(err, "there are: %s; `devenv snapshot branch %s` makes it", text,
				 name)
		       : err_hint(err, "there is none yet; `devenv snapshot branch %s` makes it",
				 name);
}

/* What git takes, so that `switch --with-git` finds it. */
static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);
	bool bad = strpbrk(name, " ~^:?*[\\\x7f") || strstr(name, "..") || strstr(name, "@{");

	for (size_t i = 0; i < len; i++)
		bad = bad || (unsigned char)name[i] < ' ';
	if (len && len <= NAME_LIMIT && !bad && *name != '-' && str_is_utf8(name, len))
		return 0;
	return err_set(err, ERR_USAGE,
		"\"%s\" is no name for a branch: up to %d bytes, with no space, no \"-\" in front, "
		"and nothing else that git takes in no branch (~^:?*[\\ .. @{)",
		name, NAME_LIMIT);
}

/* === branch === */

static int check_new(const struct branching *work, const char *name, struct err *err)
{
	for (size_t i = 0; i < work->volumes.n; i++) {
		const char *volume = work->volumes.v[i];

		if (has_branch(work, volume, name))
			return err_set(err, ERR_SNAPSHOT,
				"there is a branch \"%s\" of volume %s; `devenv snapshot switch "
				"%s` goes on in it",
				name, volume, name);
		if (!json_object_get(work->states, volume) && str_eq(name, FIRST_BRANCH))
			return err_set(err, ERR_SNAPSHOT,
				"\"%s\" is what the present data of volume %s is called; choose "
				"another name",
				name, volume);
	}
	return 0;
}

static int make_branch(
	struct branching *work, const char *name, const struct strv *words, struct err *err)
{
	autostrv struct strv databases = STRV_INIT;
	autojson json_t *result = NULL;

	if (!words->n)
		snapshots_data_volumes(&work->session.ws, true, &databases);
	if (!words->n && !databases.n)
		return err_set(err, ERR_SNAPSHOT,
			"no service keeps a database in a named volume; name the services or "
			"volumes that the branch is for");
	if (check_name(name, err) < 0 ||
		open_branches(work, words->n ? words : &databases, err) < 0 ||
		check_new(work, name, err) < 0 ||
		at_rest(work, make, name, FIRST_BRANCH, &work->volumes, &result, err) < 0)
		return -1;
	return finish(work, name, "holds what there is from now on", result, err);
}

static int delete_branches(struct branching *work, const struct strv *names, struct err *err)
{
	static const struct strv all;

	if (open_branches(work, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < names->n; i++) {
		autostrv struct strv having = STRV_INIT;
		autojson json_t *notes = NULL;

		for (size_t k = 0; k < work->volumes.n; k++)
			if (has_branch(work, work->volumes.v[k], names->v[i]))
				strv_push(&having, work->volumes.v[k]);
		if (!having.n)
			return no_branch(work, names->v[i], err);
		notes = notes_of(work, &having);
		if (branches_remove(work->branches, names->v[i], notes, err) < 0)
			return -1;
	}
	return 0;
}

/* The volumes that have the branch; *current: it is what they hold. */
static char *volumes_with(const struct branching *work, const char *name, bool *current)
{
	autostrv struct strv having = STRV_INIT;

	for (size_t i = 0; i < work->volumes.n; i++) {
		if (!has_branch(work, work->volumes.v[i], name))
			continue;
		strv_push(&having, work->volumes.v[i]);
		*current = *current || str_eq(current_of(work, work->volumes.v[i]), name);
	}
	return strv_join(&having, ", ");
}

static void add_row(
	const struct branching *work, struct table *table, const char *name, const json_t *branch)
{
	bool current = false;
	autofree char *volumes = volumes_with(work, name, &current);

	table_add(table, (const char *[]){current ? "*" : "", name, volumes,
				 json_str(branch, "from"), json_str(branch, "created")});
}

static int list_branches(struct branching *work, struct err *err)
{
	static const char *const headings[] = {"", "BRANCH", "VOLUMES", "FROM", "CREATED", NULL};
	static const struct strv all;
	autojson json_t *own = json_object(), *seen = json_object();
	autobuf struct buf text = BUF_INIT(0);
	struct table *table;

	if (open_branches(work, &all, err) < 0)
		return -1;
	table = table_new(headings);
	for (size_t i = 0; i < work->volumes.n; i++) {
		json_t *state = json_object_get(work->states, work->volumes.v[i]), *branch;
		const char *name;

		if (state)
			json_object_set(own, work->volumes.v[i], state);
		json_object_foreach (json_object_get(state, "branches"), name, branch) {
			if (json_object_get(seen, name))
				continue;
			json_object_set_new(seen, name, json_true());
			add_row(work, table, name, branch);
		}
	}
	table_print(table, &text);
	table_free(table);
	return work->app->json ? ui_output_json(own, err) : ui_output(buf_str(&text), err);
}

static int branch_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct branch_options *chosen = opts;
	autobranching struct branching work = BRANCHING(app);
	unsigned lock = argc ? SESSION_LOCK : 0;
	struct strv words = session_words(argc, argv);

	if (chosen->delete &&!argc)
		return err_set(err, ERR_USAGE, "which branch is to be deleted?");
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | lock, &work.session, err) < 0)
		return -1;
	if (chosen->delete)
		return delete_branches(&work, &words, err);
	if (!argc)
		return list_branches(&work, err);
	words = session_words(argc - 1, argv + 1);
	return make_branch(&work, argv[0], &words, err);
}

/* === switch === */

/* Those that have the branch and hold another one, or were on their way when it was cut short. */
static bool find_switched(const struct branching *work, const char *name, struct strv *volumes)
{
	bool known = false;

	for (size_t i = 0; i < work->volumes.n; i++) {
		const char *volume = work->volumes.v[i];

		if (!has_branch(work, volume, name))
			continue;
		known = true;
		if (!str_eq(current_of(work, volume), name) ||
			json_at(work->states, volume, "to", NULL))
			strv_push(volumes, volume);
	}
	return known;
}

/* After a kill in between the content is switched, and who uses it not started, or not ready. */
static int start_again(struct branching *work, struct err *err)
{
	struct snapshot_place users = {0};
	int status = find_users(work, &work->volumes, &users, err);

	if (status == 0)
		status = snapshots_start(work->app, &work->session, &users, err);
	snapshot_place_release(&users);
	return status;
}

static int switch_to(struct branching *work, const char *name, struct err *err)
{
	autostrv struct strv volumes = STRV_INIT;
	autojson json_t *result = NULL;

	if (!find_switched(work, name, &volumes))
		return no_branch(work, name, err);
	if (!volumes.n) {
		if (start_again(work, err) < 0)
			return -1;
		return finish(work, name, "it is already", work->states, err);
	}
	if (at_rest(work, change_to, name, NULL, &volumes, &result, err) < 0)
		return -1;
	return finish(work, name, "is what the volumes hold now", result, err);
}

/* Has any of the databases branches? */
static bool are_known(const struct branching *work, const struct strv *volumes)
{
	for (size_t i = 0; i < volumes->n; i++)
		if (json_object_get(work->states, volumes->v[i]))
			return true;
	return false;
}

static int follow(struct branching *work, const char *name, const char *previous, struct err *err)
{
	autostrv struct strv databases = STRV_INIT, there = STRV_INIT, switched = STRV_INIT;
	autojson json_t *result = NULL;

	if (find_switched(work, name, &switched))
		return switch_to(work, name, err);
	snapshots_data_volumes(&work->session.ws, true, &databases);
	for (size_t i = 0; i < databases.n; i++)
		if (strv_has(&work->volumes, databases.v[i]))
			strv_push(&there, databases.v[i]);
	if (!there.n || (!are_known(work, &there) && (!previous || str_eq(previous, name)))) {
		emit(work, EVENT_INFO, NULL,
			"the databases stay as they are: nothing branched off yet");
		return 0;
	}
	if (at_rest(work, make, name, previous ? previous : FIRST_BRANCH, &there, &result, err) < 0)
		return -1;
	return finish(work, name, "holds what there is from now on", result, err);
}

static int follow_git(struct branching *work, struct err *err)
{
	autofree char *name = NULL, *previous = NULL;
	static const struct strv all;

	if (source_branch(work->session.ws.root, &name, &previous, err) < 0)
		return -1;
	if (!name) {
		emit(work, EVENT_INFO, NULL,
			"git has no branch checked out: the databases stay as they are");
		return 0;
	}
	if (open_branches(work, &all, err) < 0)
		return -1;
	return follow(work, name, previous, err);
}

static int switch_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct switch_options *chosen = opts;
	autobranching struct branching work = BRANCHING(app);
	static const struct strv all;

	if (chosen->with_git == (argc > 0))
		return err_set(err, ERR_USAGE, "name a branch, or say --with-git for git's");
	if (session_open(app, SESSION_ENGINE | SESSION_LOCK | SESSION_ALL, &work.session, err) < 0)
		return -1;
	if (chosen->with_git)
		return follow_git(&work, err);
	if (open_branches(&work, &all, err) < 0)
		return -1;
	return switch_to(&work, argv[0], err);
}

/* === rows === */

static const struct option_spec branch_specs[] = {
	{.name = "delete",
		.letter = 'd',
		.type = OPT_FLAG,
		OPT_AT(struct branch_options, delete),
		.help = "Delete branches, and the data that only they have"},
	{0},
};

static const char *const branch_examples[] = {
	"devenv snapshot branch try-index        # from here on; `switch main` goes back",
	"devenv snapshot branch try-index db     # only the data of db",
	"devenv snapshot branch                  # which ones are there?",
	"devenv snapshot branch -d try-index",
	NULL,
};

const struct command cmd_snapshot_branch = {
	.name = "branch",
	.args = "[NAME [SERVICE|VOLUME...]]",
	.summary = "Keep what databases hold now, and go on in a branch",
	.details =
		"What is in the volumes stays as the branch that they are on (\"" FIRST_BRANCH
		"\" at first), and what is done from now on is in branch NAME. Without services it "
		"is all databases of the workspace. Where the engine's file system shares blocks "
		"(XFS, btrfs) a branch is there at once and takes no space until it is changed; "
		"elsewhere it is a full copy.\n"
		"\n"
		"Databases are stopped for it and started again. Without a name the branches are "
		"listed; * is what the volumes hold. Branches are in the engine's volume "
		"devenv-cache: `devenv down --volumes` deletes only what the volumes hold.",
	.examples = branch_examples,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = branch_specs,
	.options_size = sizeof(struct branch_options),
	.run = branch_run,
};

static const struct option_spec switch_specs[] = {
	{.name = "with-git",
		.type = OPT_FLAG,
		OPT_AT(struct switch_options, with_git),
		.help = "To the branch that git has checked out; made when it is new"},
	{0},
};

static const char *const switch_examples[] = {
	"devenv snapshot switch main",
	"devenv snapshot switch --with-git",
	"[ \"$3\" = 0 ] || devenv snapshot switch --with-git   # in post-checkout",
	NULL,
};

const struct command cmd_snapshot_switch = {
	.name = "switch",
	.args = "[NAME]",
	.summary = "Go on with the data of another branch",
	.details =
		"What the volumes hold is put aside as the branch that they are on, and they get "
		"what NAME has; nothing is lost. All volumes that have the branch change together, "
		"others stay as they are. Only the services that use them are stopped, and started "
		"again; returns when they are ready. Containers are not made anew.\n"
		"\n"
		"With --with-git the databases follow the branch that is checked out in the "
		"workspace's repository: one that they do not have yet begins as a copy of what "
		"they hold. As a line of .git/hooks/post-checkout (which has to be executable) "
		"that "
		"happens with each `git switch`.",
	.examples = switch_examples,
	.max_args = 1,
	.flags = CMD_FORMAT,
	.options = switch_specs,
	.options_size = sizeof(struct switch_options),
	.run = switch_run,
};
