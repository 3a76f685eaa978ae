/*
 * stats.c - `devenv stats`: what containers use, about once a second.
 *
 * One thread a container, because an engine takes a second for each sample; they leave their newest
 * figures where the one that prints finds them.
 */
#include "commands.h"
#include "each.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/signals.h"
#include "devenv/str.h"
#include "devenv/term.h"
#include "devenv/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define EVERY_MS 1000

struct stats_options {
	bool all, no_stream, no_trunc;
};

#define AT(member) OPT_AT(struct stats_options, member)

static const struct option_spec options[] = {
	{.name = "all", .letter = 'a', .type = OPT_FLAG, AT(all), .help = "Stopped containers too"},
	{.name = "no-stream",
		.type = OPT_FLAG,
		AT(no_stream),
		.help = "Print the first figures and end"},
	{.name = "no-trunc",
		.type = OPT_FLAG,
		AT(no_trunc),
		.help = "Accepted for Compose; nothing is ever cut"},
	{0},
};

struct board;

struct watched {
	struct board *board;
	const struct container *container;
	struct engine *engine;
	struct cpu_reading before;
	struct container_usage usage; /* under the mutex, as what follows */
	bool known;                   /* there are figures, the CPU's too */
	bool ended;
	pthread_t thread;
	struct err err;
};

struct board {
	struct app *app;
	bool no_stream;
	struct watched *list;
	size_t n;
	int stop[2]; /* readable: the threads end */
	int news[2]; /* a byte: somebody has first figures, or ended */
	pthread_mutex_t mutex;
};

/* === collecting === */

static void tell(struct board *board)
{
	/* A full pipe is as good: it is readable. */
	if (write(board->news[1], "", 1) < 0)
		return;
}

static int on_sample(void *ctx, json_t *sample)
{
	struct watched *watched = ctx;
	struct board *board = watched->board;
	struct container_usage usage;
	bool first;

	container_usage_read(sample, &watched->before, &usage);
	pthread_mutex_lock(&board->mutex);
	watched->usage = usage;
	first = !watched->known && usage.cpu_percent >= 0;
	watched->known = watched->known || first;
	pthread_mutex_unlock(&board->mutex);
	if (first)
		tell(board);
	return first && board->no_stream;
}

static void *collect(void *arg)
{
	struct watched *watched = arg;
	struct board *board = watched->board;

	container_stats(watched->engine, watched->container->id, on_sample, watched, board->stop[0],
		&watched->err);
	pthread_mutex_lock(&board->mutex);
	watched->ended = true;
	pthread_mutex_unlock(&board->mutex);
	tell(board);
	return NULL;
}

static bool runs(const struct container *container)
{
	return str_eq(container->state, "running") || str_eq(container->state, "paused");
}

static void start(struct board *board)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < board->n; i++) {
		struct watched *watched = &board->list[i];

		watched->ended = !watched->engine;
		if (watched->engine &&
			pthread_create(&watched->thread, NULL, collect, watched) != 0)
			abort();
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop(struct board *board)
{
	if (write(board->stop[1], "", 1) < 0)
		abort();
	for (size_t i = 0; i < board->n; i++)
		if (board->list[i].engine)
			pthread_join(board->list[i].thread, NULL);
}

/* === printing === */

static char *pair(uint64_t a, uint64_t b)
{
	char first[16], second[16];

	return xasprintf("%s / %s", format_bytes(first, a), format_bytes(second, b));
}

static char *percent(double value)
{
	return value < 0 ? xstrdup("--") : xasprintf("%.2f%%", value);
}

static void add_row(struct table *table, const struct watched *watched)
{
	const struct container_usage *usage = &watched->usage;
	autofree char *cpu = percent(watched->known ? usage->cpu_percent : -1);
	autofree char *memory = pair(usage->memory, usage->limit);
	autofree char *share = percent(usage->memory_percent);
	autofree char *net = pair(usage->received, usage->sent);
	autofree char *block = pair(usage->read, usage->written);
	autofree char *pids = xasprintf("%llu", (unsigned long long)usage->pids);

	table_add(table,
		(const char *[]){watched->container->name, cpu, memory, share, net, block, pids});
}

static void add_table(struct board *board, struct buf *out)
{
	static const char *const headings[] = {"NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %",
		"NET I/O", "BLOCK I/O", "PIDS", NULL};
	struct table *table = table_new(headings);

	for (size_t i = 0; i < board->n; i++)
		add_row(table, &board->list[i]);
	table_print(table, out);
	table_free(table);
}

static json_t *entry_json(const struct watched *watched)
{
	const struct container *container = watched->container;
	const struct container_usage *usage = &watched->usage;

	return json_pack("{s:s, s:s, s:s, s:f, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "service",
		container->service, "name", container->name, "id", container->id, "cpu_percent",
		watched->known ? usage->cpu_percent : 0.0, "memory", (json_int_t)usage->memory,
		"memory_limit", (json_int_t)usage->limit, "memory_percent", usage->memory_percent,
		"net_received", (json_int_t)usage->received, "net_sent", (json_int_t)usage->sent,
		"block_read", (json_int_t)usage->read, "block_written", (json_int_t)usage->written,
		"pids", (json_int_t)usage->pids);
}

static void add_lines(struct board *board, struct buf *out)
{
	for (size_t i = 0; i < board->n; i++) {
		autojson json_t *entry = entry_json(&board->list[i]);
		autofree char *line = json_print(entry);

		buf_addf(out, "%s\n", line);
	}
}

/* Over what was drawn before: each line is cleared to its end, and what is below the last. */
static void redraw(const struct buf *table, struct buf *out)
{
	buf_addstr(out, "\033[H");
	for (size_t i = 0; i < table->len; i++) {
		if (table->data[i] == '\n')
			buf_addstr(out, "\033[K");
		buf_addch(out, table->data[i]);
	}
	buf_addstr(out, "\033[J");
}

static int print(struct board *board, struct err *err)
{
	autobuf struct buf text = BUF_INIT(0), screen = BUF_INIT(0);

	pthread_mutex_lock(&board->mutex);
	if (board->app->json)
		add_lines(board, &text);
	else
		add_table(board, &text);
	pthread_mutex_unlock(&board->mutex);
	if (board->app->json || board->no_stream || !term_is(STDOUT_FILENO))
		return ui_output(buf_str(&text), err);
	redraw(&text, &screen);
	return ui_output(buf_str(&screen), err);
}

/* === the loop === */

struct progress {
	bool known, ended; /* all of them */
};

static struct progress look(struct board *board)
{
	struct progress all = {true, true};

	pthread_mutex_lock(&board->mutex);
	for (size_t i = 0; i < board->n; i++) {
		all.known = all.known && (board->list[i].known || board->list[i].ended);
		all.ended = all.ended && board->list[i].ended;
	}
	pthread_mutex_unlock(&board->mutex);
	return all;
}

/* Until Ctrl-C (1), news (0) or the time is over (0); -1. */
static int wait_for_news(struct board *board, int64_t until, struct err *err)
{
	struct pollfd fds[2] = {{signals_fd(), POLLIN, 0}, {board->news[0], POLLIN, 0}};
	int64_t left = until - clock_ms();
	char bytes[64];

	if (poll(fds, 2, left > 0 ? (int)left : 0) < 0 && errno != EINTR)
		return err_os(err, ERR_FAILED, errno, "wait for figures");
	while (read(board->news[0], bytes, sizeof(bytes)) > 0)
		;
	return fds[0].revents || signals_pending();
}

static int show(struct board *board, struct err *err)
{
	int64_t next = clock_ms() + EVERY_MS;
	bool begun = false;

	for (;;) {
		struct progress all = look(board);
		int result;

		/* The first table waits for the first figures of all. */
		begun = begun || all.known;
		if ((all.known && board->no_stream) || all.ended)
			return print(board, err);
		if (begun && clock_ms() >= next) {
			next += EVERY_MS;
			if (print(board, err) < 0)
				return -1;
		}
		result = wait_for_news(board, begun ? next : clock_ms() + EVERY_MS, err);
		if (result)
			return result < 0 ? -1 : 0;
	}
}

/* === the whole === */

static void choose(struct board *board, struct session *session, const struct strv *words,
	const struct actual *actual, bool all)
{
	board->list = xcalloc(actual->n ? actual->n : 1, sizeof(*board->list));
	for (size_t i = 0; i < actual->n; i++) {
		const struct container *container = &actual->containers[i];
		bool running = runs(container);

		if (!each_chosen(&session->ws, words, container) || (!running && !all))
			continue;
		board->list[board->n++] = (struct watched){.board = board,
			.container = container,
			.engine = running ? engine_clone(session->engine) : NULL};
	}
}

static int run_board(struct board *board, struct err *err)
{
	int result;

	if (pipe2(board->stop, O_CLOEXEC | O_NONBLOCK) < 0 ||
		pipe2(board->news, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_os(err, ERR_FAILED, errno, "make a pipe");
	if (term_is(STDOUT_FILENO) && !board->no_stream && !board->app->json &&
		ui_output("\033[2J", err) < 0)
		return -1;
	start(board);
	result = show(board, err);
	stop(board);
	for (size_t i = 0; i < board->n && result == 0; i++)
		if (board->list[i].err.kind && board->list[i].err.status != 404) {
			*err = board->list[i].err;
			result = err_wrap(err, "%s", board->list[i].container->name);
		}
	return result;
}

static void board_release(struct board *board)
{
	for (size_t i = 0; i < board->n; i++)
		engine_close(board->list[i].engine);
	free(board->list);
	for (int i = 0; i < 2; i++) {
		cleanup_close(&board->stop[i]);
		cleanup_close(&board->news[i]);
	}
	pthread_mutex_destroy(&board->mutex);
}

static int stats_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct stats_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	struct strv words = session_words(argc, argv);
	struct actual actual = {0};
	struct board board = {.app = app,
		.no_stream = chosen->no_stream,
		.stop = {-1, -1},
		.news = {-1, -1},
		.mutex = PTHREAD_MUTEX_INITIALIZER};
	int result;

	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0)
		return -1;
	if (session_check_words(&session, argc, argv, err) < 0 ||
		actual_read(session.engine, &session.ws, &actual, err) < 0)
		return -1;
	choose(&board, &session, &words, &actual, chosen->all);
	if (board.n)
		result = run_board(&board, err);
	else
		result = err_set(err, ERR_FAILED, "nothing of it runs; `devenv up` brings it up");
	board_release(&board);
	actual_release(&actual);
	return result;
}

static const char *const examples[] = {
	"devenv stats # all services, until Ctrl-C",
	"devenv stats --no-stream web db",
	"devenv stats --format json | jq 'select(.cpu_percent > 80) | .name'",
	NULL,
};

const struct command cmd_stats = {
	.name = "stats",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "Show the CPU, memory and I/O that containers use",
	.details =
		"On a terminal the table is redrawn every second, else it is printed again; with "
		"--format json it is one object a line for each container. CPU % is of one CPU: "
		"200% are two of them. Memory leaves out the page cache that can be dropped. The "
		"figures are those of `docker stats`, and the same on Podman.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct stats_options),
	.run = stats_run,
};
