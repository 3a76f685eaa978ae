/*
 * test_cli_parse.c - the parser over a table of its own: order, letters, values, subcommands,
 * errors.
 */
#include "testing.h"

#include "devenv/cli.h"
#include "devenv/str.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct logs_options {
	bool follow;
	int64_t tail, wait;
	const char *pull, *user;
	struct strv env;
};

static const char *const pulls[] = {"missing", "always", "never", NULL};

static const struct option_spec options[] = {
	{.name = "follow",
		.letter = 'f',
		.type = OPT_FLAG,
		OPT_AT(struct logs_options, follow),
		.help = "Follow"},
	{.name = "tail",
		.letter = 'n',
		.type = OPT_INT,
		OPT_AT(struct logs_options, tail),
		.arg = "N",
		.min = -1,
		.max = 100,
		.def = "-1",
		.help = "Lines"},
	{.name = "wait-timeout",
		.type = OPT_SECONDS,
		OPT_AT(struct logs_options, wait),
		.arg = "TIME",
		.help = "Wait"},
	{.name = "pull",
		.type = OPT_CHOICE,
		OPT_AT(struct logs_options, pull),
		.arg = "POLICY",
		.choices = pulls,
		.def = "missing",
		.help = "Pull"},
	{.name = "user",
		.letter = 'u',
		.type = OPT_STRING,
		OPT_AT(struct logs_options, user),
		.arg = "USER",
		.help = "User"},
	{.name = "env",
		.letter = 'e',
		.type = OPT_LIST,
		OPT_AT(struct logs_options, env),
		.arg = "K=V",
		.help = "Variable"},
	{0},
};

static int nothing(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	return 0;
}

static const struct command logs = {.name = "logs",
	.alias = "l",
	.group = "Test",
	.args = "[SERVICE...]",
	.summary = "Show logs",
	.max_args = -1,
	.flags = CMD_FORMAT,
	.options = options,
	.options_size = sizeof(struct logs_options),
	.run = nothing};
static const struct command execute = {.name = "exec",
	.group = "Test",
	.args = "SERVICE COMMAND...",
	.summary = "Run a command",
	.min_args = 2,
	.max_args = -1,
	.flags = CMD_OPTIONS_FIRST,
	.options = options,
	.options_size = sizeof(struct logs_options),
	.run = nothing};
static const struct command start = {.name = "start", .summary = "Start it", .run = nothing};
static const struct command stop = {.name = "stop", .summary = "Stop it", .run = nothing};
static const struct command *const engine_commands[] = {&start, &stop, NULL};
static const struct command engine = {
	.name = "engine", .group = "Test", .summary = "The engine", .subcommands = engine_commands};
static const struct command version = {
	.name = "version", .group = "Test", .summary = "Print the version", .run = nothing};

static int silent(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	return -1;
}

static int foreign(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	err_set(err, ERR_EXIT, "their own words");
	err->status = 42;
	return -1;
}

static int stopped(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	raise(SIGTERM);
	return err_set(err, ERR_CANCELLED, "stopped");
}

static const struct command bug = {
	.name = "bug", .group = "Test", .summary = "Fail without a word", .run = silent};
static const struct command theirs = {
	.name = "theirs", .group = "Test", .summary = "Pass a status on", .run = foreign};
static const struct command term = {
	.name = "term", .group = "Test", .summary = "Be ended by a signal", .run = stopped};

const struct command *const commands[] = {
	&logs, &execute, &engine, &version, &bug, &theirs, &term, NULL};

struct parsed {
	struct app app;
	struct logs_options *options;
	int argc, status;
	char **argv;
	char *words[32];
	char *line;
	struct err err;
};

/* Parse "devenv" and the words of `line`, which are separated by single spaces. */
static void parse(struct parsed *p, const char *line)
{
	void *opts = NULL;
	int n = 0;

	*p = (struct parsed){.line = xasprintf("devenv %s", line), .err = ERR_INIT};
	for (char *at = p->line; at; n++) {
		char *space = strchr(at, ' ');

		assert_true(n < 31);
		p->words[n] = at;
		at = space ? space + 1 : NULL;
		if (space)
			*space = '\0';
	}
	p->status = cli_parse(n, p->words, &p->app, &opts, &p->argc, &p->argv, &p->err);
	p->options = opts;
}

static void release(struct parsed *p)
{
	if (p->app.command)
		cli_options_free(p->app.command, p->options);
	strv_release(&p->app.global.files);
	strv_release(&p->app.global.profiles);
	strv_release(&p->app.global.env_files);
	free((char *)p->app.name);
	free(p->line);
}

static void assert_error(const char *line, const char *text)
{
	struct parsed p;

	parse(&p, line);
	assert_int_equal(p.status, -1);
	assert_int_equal(p.err.kind, ERR_USAGE);
	if (!strstr(p.err.msg, text))
		fail_msg("%s: \"%s\" is not in \"%s\"", line, text, p.err.msg);
	release(&p);
}

static void test_defaults(void **state)
{
	struct parsed p;

	parse(&p, "logs");
	assert_int_equal(p.status, 0);
	assert_ptr_equal(p.app.command, &logs);
	assert_string_equal(p.app.name, "logs");
	assert_int_equal(p.options->tail, -1);
	assert_string_equal(p.options->pull, "missing");
	assert_false(p.options->follow);
	assert_null(p.options->user);
	assert_string_equal(p.app.global.progress, "auto");
	assert_false(p.app.json);
	assert_int_equal(p.argc, 0);
	assert_null(p.argv[0]);
	release(&p);
}

static void test_anywhere(void **state)
{
	struct parsed p;

	parse(&p, "-f a.yaml -yv --file=b.yaml l web -fn5 --pull=always db -e A=1 --env B=2 -p x "
		  "--format json");
	assert_int_equal(p.status, 0);
	assert_int_equal(p.app.global.files.n, 2);
	assert_string_equal(p.app.global.files.v[1], "b.yaml");
	assert_true(p.app.global.yes && p.app.global.verbose && p.app.json);
	assert_string_equal(p.app.global.project, "x");
	assert_true(p.options->follow);
	assert_int_equal(p.options->tail, 5);
	assert_string_equal(p.options->pull, "always");
	assert_string_equal(p.options->env.v[1], "B=2");
	assert_int_equal(p.argc, 2);
	assert_string_equal(p.argv[0], "web");
	assert_string_equal(p.argv[1], "db");
	assert_null(p.argv[2]);
	release(&p);
}

static void test_options_first(void **state)
{
	struct parsed p;

	parse(&p, "exec -u root web ls -f --help -- x");
	assert_int_equal(p.status, 0);
	assert_string_equal(p.options->user, "root");
	assert_false(p.options->follow || p.app.global.help);
	assert_int_equal(p.argc, 6);
	assert_string_equal(p.argv[0], "web");
	assert_string_equal(p.argv[4], "--");
	release(&p);
	parse(&p, "logs -- -f - --help");
	assert_int_equal(p.status, 0);
	assert_int_equal(p.argc, 3);
	assert_string_equal(p.argv[0], "-f");
	assert_false(p.app.global.help);
	release(&p);
}

static void test_subcommands(void **state)
{
	struct parsed p;

	parse(&p, "engine -v stop");
	assert_int_equal(p.status, 0);
	assert_ptr_equal(p.app.command, &stop);
	assert_string_equal(p.app.name, "engine stop");
	release(&p);
	parse(&p, "engine --help");
	assert_int_equal(p.status, 0);
	assert_ptr_equal(p.app.command, &engine);
	assert_true(p.app.global.help);
	release(&p);
	assert_error("engine", "usage: devenv engine start|stop");
	assert_error("engine stat", "did you mean \"engine start\"?");
	assert_error("engine stop now", "unexpected argument \"now\"");
}

static void test_version(void **state)
{
	struct parsed p;

	parse(&p, "--version");
	assert_int_equal(p.status, 0);
	assert_ptr_equal(p.app.command, &version);
	release(&p);
	assert_error("logs --version", "unknown option --version");
}

static void test_values(void **state)
{
	struct parsed p;

	parse(&p, "logs --wait-timeout 90 --follow=false --tail -1");
	assert_int_equal(p.options->wait, 90000);
	assert_false(p.options->follow);
	release(&p);
	parse(&p, "logs --wait-timeout 1m30s --follow=true");
	assert_int_equal(p.options->wait, 90000);
	assert_true(p.options->follow);
	release(&p);
	assert_error("logs --wait-timeout soon", "seconds or a duration");
	assert_error("logs --tail 101", "a number from -1 to 100, not \"101\"");
	assert_error("logs --tail 1x", "--tail takes a number");
	assert_error("logs -nx", "-n takes a number");
	assert_error("logs --pull sometimes", "missing|always|never");
	assert_error("logs --pull alwys", "did you mean \"always\"?");
	assert_error("logs --follow=maybe", "true or false");
	assert_error("logs --user", "--user needs a value: USER");
	assert_error("logs -fu", "-u needs a value: USER");
}

static void test_unknown(void **state)
{
	assert_error("lgos", "unknown command \"lgos\" (did you mean \"logs\"?)");
	assert_error("logs --folow", "unknown option --folow (did you mean --follow?)");
	assert_error("logs --proflie x", "did you mean --profile?");
	assert_error("--follow logs", "unknown option --follow");
	assert_error("logs -Q", "unknown option -Q (see \"devenv logs --help\")");
	assert_error("exec web", "usage: devenv exec SERVICE COMMAND...");
	assert_error("exec --format json web ls", "nothing that --format could change");
	assert_error("--format json exec web ls", "nothing that --format could change");
}

/* More words than anybody types, and empty ones. */
static void test_odd_words(void **state)
{
	enum { N = 5000 };
	autofree char **argv = xcalloc(N + 2, sizeof(*argv));
	struct app app = {0};
	struct err err = ERR_INIT;
	void *opts = NULL;
	char **rest = NULL;
	int n = 0;

	argv[0] = "devenv";
	argv[1] = "logs";
	for (int i = 2; i <= N; i++)
		argv[i] = "";
	assert_int_equal(cli_parse(N + 1, argv, &app, &opts, &n, &rest, &err), 0);
	assert_int_equal(n, N - 1);
	assert_string_equal(rest[n - 1], "");
	cli_options_free(app.command, opts);
	free((char *)app.name);
}

/* Any words at all: an answer or an error, never both or neither, and nothing lost or leaked. */
static void test_random_words(void **state)
{
	static const char *const words[] = {"logs", "exec", "engine", "start", "web", "--", "-", "",
		"-f", "-fn5", "-n", "--tail", "--tail=3", "--follow", "--format", "json", "--help",
		"-e", "A=1", "--env=", "=", "--=x", "---", "-p", "--profile", "--version", "-\xff"};
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		autobuf struct buf line = BUF_INIT(0);
		struct parsed p;

		for (int i = round % 9; i >= 0; i--) {
			seed = seed * 1103515245U + 12345U;
			buf_addf(&line, "%s%s", words[(seed >> 16) % ARRAY_LEN(words)],
				i ? " " : "");
		}
		parse(&p, buf_str(&line));
		assert_int_equal(p.status < 0, p.err.kind == ERR_USAGE);
		assert_true(p.status < 0 || (p.argc >= 0 && p.argc <= round % 9 + 1));
		assert_true(p.status < 0 || p.argv[p.argc] == NULL);
		release(&p);
	}
}

/* The whole of main in a child: its exit status, and what it said on stderr. */
static int run_main(const char *word, struct buf *said)
{
	char *argv[] = {"devenv", (char *)word, NULL};
	char piece[1024];
	int fds[2], status = -1;
	ssize_t n = 0;
	pid_t pid = -1;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(cli_main(2, argv));
	}
	close(fds[1]);
	while ((n = read(fds[0], piece, sizeof(piece))) > 0)
		buf_add(said, piece, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_statuses(void **state)
{
	static const struct {
		const char *word;
		int status;
		const char *said;
	} rows[] = {{"logs", 0, ""}, {"theirs", 42, ""},
		{"bug", 70, "devenv: BUG: bug failed without saying why\n"},
		{"term", 128 + SIGTERM, "devenv: stopped\n"},
		{"-Q", 2, "devenv: unknown option -Q (see \"devenv --help\")\n"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autobuf struct buf said = BUF_INIT(0);

		assert_int_equal(run_main(rows[i].word, &said), rows[i].status);
		assert_string_equal(buf_str(&said), rows[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_anywhere),
		cmocka_unit_test(test_options_first),
		cmocka_unit_test(test_subcommands),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_odd_words),
		cmocka_unit_test(test_random_words),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
