/*
 * cp.c - `devenv cp`: files between this machine and a service's containers.
 *
 * The meaning of paths is that of `docker cp`: a folder goes into one that is there and takes the
 * name of one that is not, and "dir/." is what the folder holds.
 */
#include "commands.h"
#include "common_options.h"
#include "cp.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

struct cp_options {
	bool all, archive, follow_link;
	int64_t index;
};

#define AT(member) OPT_AT(struct cp_options, member)

static const struct option_spec options[] = {
	{.name = "all",
		.type = OPT_FLAG,
		AT(all),
		.help = "One-off containers of `devenv run` too"},
	{.name = "archive",
		.letter = 'a',
		.type = OPT_FLAG,
		AT(archive),
		.help = "Keep owners and groups, as numbers"},
	{.name = "follow-link",
		.letter = 'L',
		.type = OPT_FLAG,
		AT(follow_link),
		.help = "When SRC is a link, copy what it leads to"},
	{OPTION_INDEX, AT(index)},
	{0},
};

/* SERVICE:PATH, or a path of this machine: absolute, or "./a:b" where it has a colon. */
struct side {
	char *service; /* NULL: this machine */
	char *path;
};

struct job {
	struct app *app;
	const struct cp_options *chosen;
	struct side from, to;
};

static void read_side(const char *arg, struct side *side)
{
	const char *colon = *arg == '/' || *arg == '.' ? NULL : strchr(arg, ':');

	if (!colon) {
		side->path = xstrdup(arg);
		return;
	}
	side->service = xstrndup(arg, (size_t)(colon - arg));
	/* Relative to the container's root, as docker has it. */
	side->path = xasprintf("%s%s", colon[1] == '/' ? "" : "/", colon + 1);
}

static void job_release(struct job *job)
{
	cleanup_free(&job->from.service);
	cleanup_free(&job->from.path);
	cleanup_free(&job->to.service);
	cleanup_free(&job->to.path);
}

static int check_sides(const struct job *job, struct err *err)
{
	if (job->from.service && job->to.service)
		return err_set(err, ERR_USAGE,
			"both paths are in services; pass a tar between them: devenv cp %s:%s - | "
			"devenv cp - %s:%s",
			job->from.service, job->from.path, job->to.service, job->to.path);
	if (!job->from.service && !job->to.service)
		return err_set(err, ERR_USAGE,
			"neither path is in a service; write SERVICE:PATH for the one that is");
	return 0;
}

static int copy_one(const struct job *job, struct session *session,
	const struct container *container, struct err *err)
{
	const struct side *inside = job->from.service ? &job->from : &job->to;
	autofree char *object = xasprintf("%s:%s", container->name, inside->path);
	struct cp cp = {.engine = session->engine,
		.sink = &job->app->sink,
		.id = container->id,
		.container = container->name,
		.owned = job->chosen->archive,
		.follow = job->chosen->follow_link,
		.object = object};
	int result;

	sink_emit(
		cp.sink, &(struct event){.kind = EVENT_START, .object = object, .text = "Copying"});
	result = job->from.service ? cp_out(&cp, job->from.path, job->to.path, err)
				   : cp_in(&cp, job->from.path, job->to.path, err);
	if (result < 0)
		return err_wrap(err, "copy %s %s", job->from.service ? "from" : "to", object);
	sink_emit(cp.sink, &(struct event){.kind = EVENT_DONE, .object = object, .text = "Copied"});
	return 0;
}

static bool is_target(const struct job *job, const struct manifest *manifest, const char *service,
	const struct container *container)
{
	return str_eq(container->project, manifest->project) &&
	       str_eq(container->service, service) && (!container->oneoff || job->chosen->all) &&
	       (!job->chosen->index || container->number == job->chosen->index);
}

/* Into every container of the service; out of one, rather one that runs. */
static int copy_all(const struct job *job, struct session *session, const struct actual *actual,
	const struct manifest *manifest, const char *service, struct err *err)
{
	const char *word = job->from.service ? job->from.service : job->to.service;
	const struct container *best = NULL;
	size_t n = 0;

	if (job->from.service)
		best = actual_find(actual, manifest, service, (int)job->chosen->index);
	for (size_t i = 0; i < actual->n; i++)
		n += is_target(job, manifest, service, &actual->containers[i]);
	if (!n && job->chosen->index)
		return err_set(err, ERR_FAILED, "service %s has no container %d; see `devenv ps`",
			word, (int)job->chosen->index);
	if (!n)
		return err_set(err, ERR_FAILED,
			"service %s has no container; make it with `devenv create %s`, or start it "
			"with `devenv up %s`",
			word, word, word);
	if (n > 1 && str_eq(job->from.path, "-"))
		return err_set(err, ERR_USAGE,
			"standard input can be read only once, and service %s has %zu containers; "
			"name one with --index",
			word, n);
	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];

		if (best ? container != best : !is_target(job, manifest, service, container))
			continue;
		if (copy_one(job, session, container, err) < 0)
			return -1;
		if (job->from.service)
			break;
	}
	return 0;
}

static int cp_session(const struct job *job, struct err *err)
{
	const char *word = job->from.service ? job->from.service : job->to.service;
	autosession struct session session = SESSION_INIT;
	struct actual actual = {0};
	struct manifest *manifest;
	const char *service;
	int result;

	if (session_open(job->app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) <
			0 ||
		workspace_resolve(&session.ws, word, &manifest, &service, err) < 0)
		return -1;
	if (!service)
		return err_set(err, ERR_USAGE,
			"\"%s\" is a manifest; name one service of it: %s/SERVICE:PATH", word,
			word);
	if (actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	result = copy_all(job, &session, &actual, manifest, service, err);
	actual_release(&actual);
	return result;
}

static int cp_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	struct job job = {.app = app, .chosen = opts};
	int result;

	read_side(argv[0], &job.from);
	read_side(argv[1], &job.to);
	result = check_sides(&job, err);
	if (result == 0)
		result = cp_session(&job, err);
	job_release(&job);
	return result;
}

static const char *const examples[] = {
	"devenv cp web:/var/log/app.log . # the file, under its own name",
	"devenv cp ./fixtures db:/tmp/ # the folder becomes /tmp/fixtures",
	"devenv cp ./fixtures/. db:/tmp # only what the folder holds",
	"devenv cp web:/app/vendor vendor # becomes ./vendor when there is none yet",
	"devenv cp web:/app - | tar -tv # a tar on standard output",
	"tar -c src | devenv cp - web:/app # a tar from standard input",
	NULL,
};

const struct command cmd_cp = {
	.name = "cp",
	.group = "Work inside",
	.args = "SERVICE:SRC|SRC|- DEST|SERVICE:DEST|-",
	.summary = "Copy files between this machine and a service",
	.details =
		"The service need not run; it only needs a container. When DEST is a folder, SRC "
		"goes into it; when there is no DEST, SRC gets its name (its parent must be "
		"there). "
		"SRC ending in \"/.\" is what the folder holds. \"-\" is a tar on standard input "
		"or "
		"output. Paths in a service are relative to its root folder; a local name with a "
		"colon is written ./a:b.\n"
		"\n"
		"Copies go into every container of a scaled service, and come out of the first. "
		"What comes out belongs to you, without set-id bits, unless --archive keeps "
		"owners. "
		"Links are copied as links and never followed on the way out, so nothing is "
		"written "
		"outside DEST.",
	.examples = examples,
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.options = options,
	.options_size = sizeof(struct cp_options),
	.run = cp_run,
};
