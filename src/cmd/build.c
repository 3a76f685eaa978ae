/* build.c - `devenv build`: the images of services that have `build:`. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"

struct build_options {
	bool push, no_cache, pull, quiet, dependencies, check, print;
	struct strv args, ssh;
	const char *builder, *memory, *provenance, *sbom;
};

#define AT(member) OPT_AT(struct build_options, member)

static const struct option_spec options[] = {
	{.name = "build-arg",
		.type = OPT_LIST,
		AT(args),
		.arg = "NAME=VALUE",
		.help = "Set an argument of the Dockerfile"},
	{.name = "builder",
		.type = OPT_STRING,
		AT(builder),
		.arg = "NAME",
		.help = "Refused: the engine's own builder builds"},
	{.name = "check", .type = OPT_FLAG, AT(check), .help = "Refused: it needs BuildKit"},
	{.name = "memory",
		.letter = 'm',
		.type = OPT_STRING,
		AT(memory),
		.arg = "BYTES",
		.help = "Memory that a step may use: 512m, 2g"},
	{.name = "no-cache", .type = OPT_FLAG, AT(no_cache), .help = "Run every step again"},
	{.name = "print", .type = OPT_FLAG, AT(print), .help = "Refused: it needs BuildKit"},
	{.name = "provenance",
		.type = OPT_STRING,
		AT(provenance),
		.arg = "TEXT",
		.help = "Refused: it needs BuildKit"},
	{.name = "pull", .type = OPT_FLAG, AT(pull), .help = "Ask for newer base images"},
	{.name = "push", .type = OPT_FLAG, AT(push), .help = "Push the images when they are built"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		AT(quiet),
		.help = "No progress, only errors"},
	{.name = "sbom",
		.type = OPT_STRING,
		AT(sbom),
		.arg = "TEXT",
		.help = "Refused: it needs BuildKit"},
	{.name = "ssh",
		.type = OPT_LIST,
		AT(ssh),
		.arg = "ID",
		.help = "Refused: it needs BuildKit"},
	{.name = "with-dependencies",
		.type = OPT_FLAG,
		AT(dependencies),
		.help = "Those of what the named services depend on too"},
	{0},
};

static int check_options(const struct build_options *chosen, struct err *err)
{
	const struct {
		bool given;
		const char *name;
	} refused[] = {
		{chosen->builder, "builder"},
		{chosen->check, "check"},
		{chosen->print, "print"},
		{chosen->provenance, "provenance"},
		{chosen->sbom, "sbom"},
		{chosen->ssh.n, "ssh"},
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i].given)
			return err_set(err, ERR_USAGE,
				"--%s needs BuildKit, and devenv builds with the engine's own "
				"builder; build with `docker buildx build` and name the result as "
				"`image:`",
				refused[i].name);
	return 0;
}

static int read_memory(const char *text, int64_t *bytes, struct err *err)
{
	if (text && (!parse_bytes(text, bytes) || *bytes <= 0))
		return err_set(err, ERR_USAGE, "--memory: \"%s\" is no size; try 512m or 2g", text);
	return 0;
}

static int build_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct build_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct build_wishes wishes = {
		.no_cache = chosen->no_cache,
		.pull = chosen->pull,
		.push = chosen->push,
		.args = &chosen->args,
	};
	struct plan_request request = {.ws = &session.ws, .words = &words, .build = &wishes};
	struct plan plan = {0};
	int result;

	if (check_options(chosen, err) < 0 ||
		read_memory(chosen->memory, &wishes.memory, err) < 0 ||
		session_open(app, SESSION_ENGINE, &session, err) < 0 ||
		plan_build(&request, chosen->dependencies, &plan, err) < 0)
		return -1;
	if (chosen->quiet)
		result = plan_run(&plan, session.engine, &(struct run_options){0}, err);
	else
		result = session_run_plan(app, &session, &plan, &(struct run_options){0},
			plan.n ? "is built" : "has nothing to build: no service has `build:`", err);
	plan_release(&plan);
	return result;
}

static const char *const examples[] = {
	"devenv build",
	"devenv build web --build-arg PHP=8.3 --push",
	"devenv build --no-cache --pull --verbose # with all that the steps write",
	NULL,
};

const struct command cmd_build = {
	.name = "build",
	.group = "Every day",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Build the images of services that have `build:`",
	.details =
		"The build context, without what .dockerignore (or NAME.dockerignore beside the "
		"Dockerfile NAME) leaves out, goes to the engine's own builder. On Docker that is "
		"the "
		"classic one: what needs BuildKit (ssh, secrets, several platforms) is refused.\n"
		"\n"
		"Prebuilt images are quicker for everybody: build once, --push, and name the "
		"result as `image:`.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct build_options),
	.run = build_run,
};
