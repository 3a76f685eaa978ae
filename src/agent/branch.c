/*
 * branch.c - volumes that have several contents: one is in the volume, the others are put aside.
 *
 * What is put aside is a copy in the cache, which shares its blocks with the volume where the file
 * system can.  A switch first makes all copies: of what is in each volume, into the cache; and of
 * what shall be in it, beside that.  Up to here everything is as it was.  Then branches.json says
 * "to", and from there on it can only be finished: by this run, which nobody's hanging up ends any
 * more, or after a crash by the next one.
 */
#include "cache.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/lock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FILE CACHE_BRANCHES "/lock"
#define LOCK_WAIT_MS 60000

struct work {
	struct agent *agent;
	const char *name;
	const json_t *notes; /* of the volumes that were asked for */
	json_t *states;
	struct lock lock;
	struct tree_made made;
	struct strv volumes; /* that something is done to */
	struct strv arrived; /* that hold another branch now */
};

/* === files === */

static int open_folder(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_os(err, ERR_SNAPSHOT, errno, "open a branch in the cache") : fd;
}

static void add_made(struct work *work, const struct tree_made *made)
{
	work->made.bytes += made->bytes;
	work->made.cloned += made->cloned;
	work->made.copied += made->copied;
}

/* A copy that has no name yet: each volume has one place for it. */
static char *new_path(const char *volume)
{
	return xasprintf(CACHE_BRANCHES "/%s/.new", volume);
}

/* What is in the volume, to new_path(). */
static int copy_out(struct work *work, const char *volume, struct err *err)
{
	autofree char *path = new_path(volume);
	autoclose int from = agent_volume(volume, err), to = -1;
	struct tree_clone_ask ask = {.from = from, .watch = agent_watch(work->agent)};
	struct tree_made made;

	if (from < 0 || fs_remove_tree(path, err) < 0 || fs_mkdirs(path, 0700, err) < 0)
		return -1;
	to = ask.target = open_folder(path, err);
	if (to < 0 || tree_clone(&ask, &made, err) < 0 || tree_commit(from, to, err) < 0)
		return -1;
	add_made(work, &made);
	return 0;
}

/* What the volume shall have, beside what it has. */
static int copy_in(struct work *work, const char *volume, struct err *err)
{
	autofree char *path = branches_path(volume, work->name);
	autoclose int from = open_folder(path, err), to = from < 0 ? -1 : agent_volume(volume, err);
	struct tree_clone_ask ask = {.from = from, .target = to, .watch = agent_watch(work->agent)};
	struct tree_made made;

	if (to < 0 || tree_clone(&ask, &made, err) < 0)
		return -1;
	add_made(work, &made);
	return 0;
}

/* The copy becomes what `branch` has aside. */
static int name_copy(const char *volume, const char *branch, struct err *err)
{
	autofree char *path = branches_path(volume, branch), *made = new_path(volume);

	if (fs_remove_tree(path, err) < 0)
		return -1;
	if (rename(made, path) < 0)
		return err_os(err, ERR_SNAPSHOT, errno, "put a branch aside");
	return 0;
}

/* Nothing came of it: copies that nobody needs go, also those that have a name already. */
static void take_back(const struct work *work)
{
	struct err ignored = ERR_INIT;

	branches_sweep(&ignored);
	for (size_t i = 0; i < work->volumes.n; i++) {
		autoclose int fd = agent_volume(work->volumes.v[i], &ignored);

		if (fd >= 0)
			tree_abandon(fd);
	}
}

/* === states === */

static json_t *state_of(const struct work *work, const char *volume)
{
	return json_object_get(work->states, volume);
}

static json_t *branch_of(const json_t *state, const char *branch)
{
	return json_object_get(json_object_get(state, "branches"), branch);
}

/* {"created", "from"?} */
static void add_branch(json_t *state, const char *name, const char *from)
{
	char now[32];
	json_t *branch = json_pack("{s:s}", "created", clock_rfc3339(clock_wall(), now));

	json_set_str(branch, "from", from);
	json_object_set_new(json_object_get(state, "branches"), name, branch);
}

/* What the caller knows of the present content, for when it comes back. */
static void keep_note(const struct work *work, const char *volume, json_t *branch)
{
	json_t *note = json_object_get(work->notes, volume);

	if (json_is_object(note))
		json_object_set(branch, "note", note);
	else
		json_object_del(branch, "note");
}

static json_t *chosen_states(const struct work *work)
{
	json_t *chosen = json_object(), *each;
	const char *volume;

	json_object_foreach ((json_t *)work->notes, volume, each)
		if (state_of(work, volume))
			json_object_set(chosen, volume, state_of(work, volume));
	return chosen;
}

/* === finishing a switch that a crash cut short === */

static int arrive(const struct work *work, const char *volume, struct err *err)
{
	const char *to = json_str(state_of(work, volume), "to");
	autofree char *path = branches_path(volume, to);
	autoclose int from = open_folder(path, err), target = -1;

	target = from < 0 ? -1 : agent_volume(volume, err);
	return target < 0 ? -1 : tree_commit(from, target, err);
}

/* The volumes of `states` that were on their way to another branch are there. */
static int finish(struct work *work, struct err *err)
{
	struct strv *arrived = &work->arrived;
	size_t before = arrived->n;
	json_t *each;
	const char *volume;

	json_object_foreach ((json_t *)work->notes, volume, each) {
		json_t *state = state_of(work, volume);

		if (!json_str(state, "to"))
			continue;
		if (arrive(work, volume, err) < 0)
			return err_wrap(err, "finish the switch of volume %s", volume);
		json_set_str(state, "current", json_str(state, "to"));
		json_object_del(state, "to");
		strv_push(arrived, volume);
	}
	if (arrived->n > before && branches_write(work->states, err) < 0)
		return -1;
	/* It would only grow away from what is in the volume. */
	for (size_t i = before; i < arrived->n; i++) {
		autofree char *path = branches_path(
			arrived->v[i], json_str(state_of(work, arrived->v[i]), "current"));
		struct err ignored = ERR_INIT;

		fs_remove_tree(path, &ignored);
	}
	return 0;
}

/* === requests === */

static int begin(struct work *work, struct agent *agent, const json_t *request, struct err *err)
{
	const char *name = json_str(request, "name");

	*work = (struct work){.agent = agent,
		.name = name,
		.notes = json_object_get(request, "volumes"),
		.lock = LOCK_NONE};
	if (str_empty(name) || !json_is_object(work->notes))
		return err_set(err, ERR_FAILED, "a branch needs a name and volumes");
	if (cache_use(agent, err) < 0 || fs_mkdirs(CACHE_BRANCHES, 0700, err) < 0 ||
		lock_wait(&work->lock, LOCK_FILE, "the branches", LOCK_WAIT_MS, err) < 0)
		return -1;
	work->states = branches_read(err);
	return work->states ? 0 : -1;
}

static void end(struct work *work)
{
	lock_release(&work->lock);
	json_decref(work->states);
	strv_release(&work->volumes);
	strv_release(&work->arrived);
}

int agent_branches(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autojson json_t *states = NULL;

	if (cache_use(agent, err) < 0)
		return -1;
	states = branches_read(err);
	if (!states)
		return -1;
	*result = json_pack("{s:O}", "volumes", states);
	return 0;
}

/* === branch === */

static int check_new(struct work *work, const char *first, struct err *err)
{
	json_t *each;
	const char *volume;

	json_object_foreach ((json_t *)work->notes, volume, each) {
		if (branch_of(state_of(work, volume), work->name))
			return err_set(err, ERR_SNAPSHOT,
				"there is a branch \"%s\" of volume %s; go on in it with `devenv "
				"snapshot switch`, or choose another name",
				work->name, volume);
		if (!state_of(work, volume) && str_eq(first, work->name))
			return err_set(err, ERR_SNAPSHOT,
				"\"%s\" is what the present data is called; choose another name",
				first);
		strv_push(&work->volumes, volume);
	}
	return 0;
}

static int make_branch(struct work *work, const char *volume, const char *first, struct err *err)
{
	json_t *state = state_of(work, volume);
	const char *from;

	if (!state) {
		state = json_pack("{s:s, s:{}}", "current", first, "branches");
		json_object_set_new(work->states, volume, state);
		add_branch(state, first, NULL);
	}
	from = json_str(state, "current");
	keep_note(work, volume, branch_of(state, from));
	if (name_copy(volume, from, err) < 0)
		return -1;
	add_branch(state, work->name, from);
	json_set_str(state, "current", work->name);
	return 0;
}

/* A copy that leaves nothing for the services to start with is none. */
static int check_room(const struct work *work, struct err *err)
{
	for (size_t i = 0; work->made.bytes > work->made.cloned && i < work->volumes.n; i++) {
		autoclose int fd = agent_volume(work->volumes.v[i], err);

		if (fd < 0)
			return -1;
		if (tree_check_room(fd, ROOM_LEFT, err) < 0)
			return err_wrap(err, "volume %s", work->volumes.v[i]);
	}
	return 0;
}

static int branch(struct work *work, const char *first, struct err *err)
{
	if (finish(work, err) < 0 || check_new(work, first, err) < 0)
		return -1;
	for (size_t i = 0; i < work->volumes.n; i++)
		if (copy_out(work, work->volumes.v[i], err) < 0)
			return err_wrap(err, "volume %s", work->volumes.v[i]);
	if (check_room(work, err) < 0)
		return -1;
	for (size_t i = 0; i < work->volumes.n; i++)
		if (make_branch(work, work->volumes.v[i], first, err) < 0)
			return -1;
	return branches_write(work->states, err);
}

int agent_branch(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	const char *first = json_str(request, "first");
	struct work work;
	int status;

	agent_hold();
	status = begin(&work, agent, request, err);
	if (status == 0 && str_empty(first))
		status = err_set(err, ERR_FAILED, "the first branch has no name");
	if (status == 0 && branch(&work, first, err) < 0) {
		take_back(&work);
		status = -1;
	}
	if (status == 0)
		*result = json_pack("{s:o, s:I, s:I}", "volumes", chosen_states(&work), "bytes",
			(json_int_t)work.made.bytes, "cloned", (json_int_t)work.made.cloned);
	end(&work);
	agent_let_go();
	return status;
}

/* === switch === */

static int no_branch(const struct work *work, struct err *err)
{
	return err_set(err, ERR_SNAPSHOT, "there is no branch \"%s\"", work->name);
}

/* Those that have the branch and are not on it. */
static int find_switched(struct work *work, struct err *err)
{
	bool known = false;
	json_t *each;
	const char *volume;

	json_object_foreach ((json_t *)work->notes, volume, each) {
		const json_t *state = state_of(work, volume);

		if (!branch_of(state, work->name))
			continue;
		known = true;
		if (!str_eq(json_str(state, "current"), work->name))
			strv_push(&work->volumes, volume);
	}
	return known ? 0 : no_branch(work, err);
}

static int copy_all(struct work *work, struct err *err)
{
	for (size_t i = 0; i < work->volumes.n; i++)
		if (copy_out(work, work->volumes.v[i], err) < 0 ||
			copy_in(work, work->volumes.v[i], err) < 0)
			return err_wrap(err, "volume %s", work->volumes.v[i]);
	for (size_t i = 0; i < work->volumes.n; i++) {
		json_t *state = state_of(work, work->volumes.v[i]);
		const char *current = json_str(state, "current");

		if (name_copy(work->volumes.v[i], current, err) < 0)
			return -1;
		keep_note(work, work->volumes.v[i], branch_of(state, current));
		json_set_str(state, "to", work->name);
	}
	if (agent_hung_up())
		return err_set(err, ERR_CANCELLED, "cancelled");
	return branches_write(work->states, err);
}

/* Of what came back; also of what a call before this one had brought. */
static json_t *notes_of(const struct work *work)
{
	json_t *notes = json_object();

	for (size_t i = 0; i < work->arrived.n; i++) {
		const char *volume = work->arrived.v[i];
		const json_t *state = state_of(work, volume);
		json_t *note = json_object_get(
			branch_of(state, json_str(state, "current")), "note");

		json_object_set_new(notes, volume, note ? json_incref(note) : json_null());
	}
	return notes;
}

int agent_switch(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	struct work work;
	int status;

	agent_hold();
	status = begin(&work, agent, request, err);
	if (status == 0 && (finish(&work, err) < 0 || find_switched(&work, err) < 0))
		status = -1;
	if (status == 0 && copy_all(&work, err) < 0) {
		take_back(&work);
		status = -1;
	}
	if (status == 0)
		status = finish(&work, err);
	if (status == 0)
		*result = json_pack("{s:o, s:o, s:I, s:I}", "volumes", chosen_states(&work),
			"notes", notes_of(&work), "bytes", (json_int_t)work.made.bytes, "cloned",
			(json_int_t)work.made.cloned);
	end(&work);
	agent_let_go();
	return status;
}

/* === branch-remove === */

static int check_removable(struct work *work, struct err *err)
{
	json_t *each;
	const char *volume;

	json_object_foreach ((json_t *)work->notes, volume, each) {
		const json_t *state = state_of(work, volume);

		if (!branch_of(state, work->name))
			continue;
		if (str_eq(json_str(state, "current"), work->name) ||
			str_eq(json_str(state, "to"), work->name))
			return err_set(err, ERR_SNAPSHOT,
				"\"%s\" is the branch that volume %s is on; switch to another one "
				"first",
				work->name, volume);
		strv_push(&work->volumes, volume);
	}
	return work->volumes.n ? 0 : no_branch(work, err);
}

static int remove_branch(struct work *work, struct err *err)
{
	for (size_t i = 0; i < work->volumes.n; i++)
		json_object_del(json_object_get(state_of(work, work->volumes.v[i]), "branches"),
			work->name);
	if (branches_write(work->states, err) < 0)
		return -1;
	for (size_t i = 0; i < work->volumes.n; i++) {
		autofree char *path = branches_path(work->volumes.v[i], work->name);

		if (fs_remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}

int agent_branch_remove(
	struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	struct work work;
	int status = begin(&work, agent, request, err);

	if (status == 0 && (check_removable(&work, err) < 0 || remove_branch(&work, err) < 0))
		status = -1;
	if (status == 0)
		*result = json_pack("{s:o}", "volumes", json_from_strv(&work.volumes));
	end(&work);
	return status;
}
