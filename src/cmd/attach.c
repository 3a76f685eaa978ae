/*
 * attach.c - `devenv attach`: this terminal on the main process of a running container.
 *
 * With a terminal on both sides every key goes to the process, but for the detach keys.  Without
 * one, signals are passed on in the keys' place.
 */
#include "commands.h"
#include "common_options.h"
#include "session.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/term.h"
#include "devenv/ui.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_KEYS "ctrl-p,ctrl-q"
#define ENDED_WITHIN_MS 5000 /* the engine notes an exit a moment after the stream has ended */
#define INTERRUPTS_MAX 3     /* a process that does not listen must not hold us */

struct attach_options {
	bool no_stdin, sig_proxy;
	const char *detach_keys;
	int64_t index;
};

#define AT(member) OPT_AT(struct attach_options, member)

static const struct option_spec options[] = {
	{.name = "detach-keys",
		.type = OPT_STRING,
		AT(detach_keys),
		.arg = "KEYS",
		.def = DEFAULT_KEYS,
		.help = "What leaves a terminal without ending the service"},
	{OPTION_INDEX, AT(index)},
	{.name = "no-stdin", .type = OPT_FLAG, AT(no_stdin), .help = "Only look: send no input"},
	{.name = "sig-proxy",
		.type = OPT_FLAG,
		AT(sig_proxy),
		.def = "true",
		.help = "Pass signals on, where there is no terminal (=false: Ctrl-C only leaves)"},
	{0},
};

/* What is known of the container before. */
struct attached {
	struct engine *engine; /* a second connection */
	const char *id;
	struct detach_keys keys;
	bool tty, input, once;
	char *started;
	int interrupts;
};

static int look_at(struct attached *to, struct err *err)
{
	autojson json_t *inspect = NULL;

	if (container_inspect(to->engine, to->id, &inspect, err) < 0)
		return -1;
	to->tty = json_is_true(json_at(inspect, "Config", "Tty", NULL));
	to->input = json_is_true(json_at(inspect, "Config", "OpenStdin", NULL));
	to->once = json_is_true(json_at(inspect, "Config", "StdinOnce", NULL));
	to->started = xstrdup(json_str(json_object_get(inspect, "State"), "StartedAt"));
	return 0;
}

/* === signals === */

static const char *signal_text(int signal)
{
	switch (signal) {
	case SIGINT:
		return "SIGINT";
	case SIGTERM:
		return "SIGTERM";
	case SIGHUP:
		return "SIGHUP";
	case SIGQUIT:
		return "SIGQUIT";
	case SIGUSR1:
		return "SIGUSR1";
	default:
		return "SIGUSR2";
	}
}

static int pass_on(void *ctx)
{
	struct attached *to = ctx;
	struct err ignored = ERR_INIT;
	char signals[16];
	ssize_t n = read(signals_proxy(), signals, sizeof(signals));

	for (ssize_t i = 0; i < n; i++) {
		bool stop = signals[i] == SIGINT || signals[i] == SIGTERM;

		if (stop && ++to->interrupts > INTERRUPTS_MAX)
			return -1;
		/* When it has just ended, so will the stream. */
		container_kill(to->engine, to->id, signal_text(signals[i]), &ignored);
	}
	return 0;
}

/* === the end === */

/* 1: the process ended, with *status; 0: it runs, or was started again; -1. */
static int look_how_ended(struct attached *to, int *status, struct err *err)
{
	int64_t deadline = clock_ms() + ENDED_WITHIN_MS;

	do {
		autojson json_t *inspect = NULL;
		json_t *state;

		if (container_inspect(to->engine, to->id, &inspect, err) < 0)
			return -1;
		state = json_object_get(inspect, "State");
		if (!json_bool(state, "Running")) {
			*status = (int)json_int(state, "ExitCode");
			return 1;
		}
		if (!str_eq(json_str(state, "StartedAt"), to->started))
			return 0;
		clock_sleep_ms(50);
	} while (clock_ms() < deadline && !signals_pending());
	return 0;
}

static int after_end(
	struct app *app, const struct container *container, struct attached *to, struct err *err)
{
	int status = 0, ended = look_how_ended(to, &status, err);

	if (ended < 0)
		return -1;
	if (!ended)
		sink_info(&app->sink, container->name, "closed its streams or was started again");
	if (!status)
		return 0;
	err->kind = ERR_EXIT;
	err->status = status;
	return -1;
}

static int attach_to(struct app *app, struct session *session, const struct attach_options *chosen,
	const struct container *container, struct attached *to, struct err *err)
{
	bool detached = false, input = to->input && !chosen->no_stdin;
	bool proxy = chosen->sig_proxy && !to->tty;
	struct stream_side side = {.ready = pass_on, .ctx = to};
	struct stream_io io = {
		.in = input ? STDIN_FILENO : -1,
		.out = STDOUT_FILENO,
		.errfd = STDERR_FILENO,
		.tty = to->tty,
		.keep_open = !to->once,
		.cancel_fd = signals_fd(),
		.side = proxy ? &side : NULL,
		.detach = to->tty && input ? &to->keys : NULL,
		.detached = &detached,
	};
	int result;

	if (proxy)
		side.fd = signals_proxy();
	if (io.detach && term_is(STDIN_FILENO))
		sink_info(&app->sink, container->name, "attached; %s leaves it running",
			chosen->detach_keys);
	ui_pause(&app->sink);
	result = container_attach(session->engine, container->id, &io, false, NULL, NULL, err);
	ui_resume(&app->sink);
	if (result < 0)
		return err_wrap(err, "attach to %s", container->name);
	if (!detached && !signals_pending() && to->interrupts <= INTERRUPTS_MAX)
		return after_end(app, container, to, err);
	sink_info(&app->sink, container->name, "left; it goes on");
	return 0;
}

static int attach_session(struct app *app, struct session *session,
	const struct attach_options *chosen, const char *word, const struct container *container,
	struct attached *to, struct err *err)
{
	int result;

	if (str_eq(container->state, "paused"))
		return err_set(err, ERR_FAILED,
			"service %s is paused; let it go on with `devenv unpause %s`", word, word);
	if (!str_eq(container->state, "running"))
		return err_set(err, ERR_FAILED,
			"service %s is not running; start it with `devenv up %s`", word, word);
	to->id = container->id;
	to->engine = engine_clone(session->engine);
	result = look_at(to, err);
	if (result == 0)
		result = attach_to(app, session, chosen, container, to, err);
	engine_close(to->engine);
	cleanup_free(&to->started);
	return result;
}

static int attach_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct attach_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	const struct container *container;
	struct actual actual = {0};
	struct attached to = {0};
	int result;

	if (detach_keys_parse(chosen->detach_keys, &to.keys, err) < 0)
		return err_wrap(err, "--detach-keys");
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		session_container(
			&session, argv[0], (int)chosen->index, false, &actual, &container, err) < 0)
		return -1;
	result = attach_session(app, &session, chosen, argv[0], container, &to, err);
	actual_release(&actual);
	return result;
}

static const char *const examples[] = {
	"devenv attach web # see what it writes; Ctrl-C goes to it",
	"devenv attach --sig-proxy=false web # Ctrl-C only leaves",
	"devenv attach --detach-keys ctrl-x,x console",
	NULL,
};

const struct command cmd_attach = {
	.name = "attach",
	.group = "Work inside",
	.args = "SERVICE",
	.summary = "Put this terminal on the main process of a service",
	.details =
		"For a second process beside it there is `devenv exec` or `devenv shell`; for what "
		"it wrote before, `devenv logs`.\n"
		"\n"
		"A service with `tty: true` and `stdin_open: true` gets every key; " DEFAULT_KEYS
		" leaves it running. Without `tty` signals are passed on, so Ctrl-C ends most "
		"services; the fourth leaves one that does not listen. Input that ends does not "
		"end "
		"the output. When the process ends its status is ours.",
	.examples = examples,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct attach_options),
	.run = attach_run,
};
