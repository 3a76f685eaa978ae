/*
 * test_ui.c - tables, escaping, and the renderers: what reaches standard error, on pipes and
 * terminals.
 */
#include "testing.h"

#include "devenv/clock.h"
#include "devenv/json.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <unistd.h>

/* Standard error, taken away: what is written comes out of `from`. */
struct capture {
	int saved, from;
};

static void capture_begin(struct capture *capture, int from, int to)
{
	fflush(stderr);
	capture->saved = dup(STDERR_FILENO);
	capture->from = from;
	assert_true(dup2(to, STDERR_FILENO) >= 0);
	close(to);
}

static void capture_pipe(struct capture *capture)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	capture_begin(capture, fds[0], fds[1]);
}

/* Read until `text` is there, or for at most 10 s. */
static bool capture_wait(struct capture *capture, struct buf *out, const char *text)
{
	int64_t end = clock_ms() + 10000;
	char piece[4096];

	while (!strstr(buf_str(out), text) && clock_ms() < end) {
		struct pollfd fd = {.fd = capture->from, .events = POLLIN};
		ssize_t n = 0;

		if (poll(&fd, 1, 100) <= 0)
			continue;
		n = read(capture->from, piece, sizeof(piece));
		if (n <= 0)
			break;
		buf_add(out, piece, (size_t)n);
	}
	return strstr(buf_str(out), text) != NULL;
}

/* Everything up to the end. */
static void capture_end(struct capture *capture, struct buf *out)
{
	char piece[4096];
	ssize_t n = 0;

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	while ((n = read(capture->from, piece, sizeof(piece))) > 0)
		buf_add(out, piece, (size_t)n);
	close(capture->from);
}

static void test_text(void **state)
{
	autobuf struct buf out = BUF_INIT(0);

	ui_text(&out, "a\033[31mb\xff\x80 caf\xc3\xa9\n\t\x7f\xc2\x9b\xe2\x80\xae");
	assert_string_equal(buf_str(&out), "a\\x1b[31mb\\xff\\x80 caf\xc3\xa9\\n\\t\\x7f"
					   "\\xc2\\x9b\\xe2\\x80\\xae");
	buf_reset(&out);
	ui_text(&out, NULL);
	assert_string_equal(buf_str(&out), "");
}

static void test_table(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct table *table = table_new((const char *const[]){"NAME", "STATE", "URL", NULL});

	table_add(table, (const char *const[]){"caf\xc3\xa9", "running", "http://x"});
	table_add(table, (const char *const[]){"longer-name", NULL, NULL});
	table_print(table, &out);
	table_free(table);
	assert_string_equal(buf_str(&out), "NAME         STATE    URL\n"
					   "caf\xc3\xa9         running  http://x\n"
					   "longer-name\n");
}

static void test_plain(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct capture capture;
	struct sink sink;

	capture_pipe(&capture);
	sink = ui_begin(UI_AUTO, false);
	sink_emit(&sink,
		&(struct event){.kind = EVENT_START, .object = "image a\033", .text = "Pulling"});
	sink_emit(
		&sink, &(struct event){.kind = EVENT_PROGRESS, .object = "image a\033", .done = 5});
	sink_emit(&sink,
		&(struct event){
			.kind = EVENT_DONE, .object = "image a\033", .text = "Pulled", .ms = 3200});
	sink_warn(&sink, NULL, "low %s", "disk");
	sink_emit(&sink, &(struct event){.kind = EVENT_LOG, .object = "web", .text = "hello"});
	ui_end(&sink);
	capture_end(&capture, &out);
	assert_string_equal(buf_str(&out), "image a\\x1b: Pulling\n"
					   "image a\\x1b: Pulled (3.2 s)\n"
					   "warning: low disk\n"
					   "web | hello\n");
}

/* Work that takes long is never silent for much more than two seconds. */
static void test_silence(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct capture capture;
	struct sink sink;
	int64_t start = clock_ms();
	bool heard = false;

	capture_pipe(&capture);
	sink = ui_begin(UI_PLAIN, false);
	sink_emit(&sink,
		&(struct event){.kind = EVENT_START, .object = "volume data", .text = "Filling"});
	sink_emit(&sink, &(struct event){.kind = EVENT_PROGRESS,
				 .object = "volume data",
				 .done = 1000,
				 .total = 4000});
	heard = capture_wait(&capture, &out, "volume data: Filling 1.0 kB/4.0 kB (2.");
	start = clock_ms() - start;
	ui_end(&sink);
	capture_end(&capture, &out);
	assert_true(heard);
	assert_in_range(start, 1900, 9000);
}

static void test_quiet(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct capture capture;
	struct sink sink;

	capture_pipe(&capture);
	sink = ui_begin(UI_QUIET, true);
	sink_emit(&sink, &(struct event){.kind = EVENT_START, .object = "x", .text = "Working"});
	sink_info(&sink, "x", "something");
	ui_end(&sink);
	capture_end(&capture, &out);
	assert_string_equal(buf_str(&out), "");
}

enum { THREADS = 4, EVENTS = 200 };

static void *hammer(void *arg)
{
	for (int i = 0; i < EVENTS; i++) {
		autofree char *object = xasprintf("image %d", i % 7);

		sink_emit(arg, &(struct event){.kind = EVENT_PROGRESS,
				       .object = object,
				       .text = "bad \xff text \"quoted\"",
				       .done = (uint64_t)i,
				       .total = EVENTS});
		if (i % 7 == 6)
			sink_emit(arg, &(struct event){.kind = EVENT_DONE, .object = object});
	}
	return NULL;
}

static void run_threads(struct sink *sink)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, sink), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_json(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	autostrv struct strv lines = STRV_INIT;
	struct capture capture;
	struct sink sink;
	size_t progress = 0;

	capture_pipe(&capture);
	sink = ui_begin(UI_JSON, false);
	run_threads(&sink);
	ui_end(&sink);
	ui_error(&(struct err){.kind = ERR_PORT, .msg = "port 80 is taken"}, true);
	capture_end(&capture, &out);
	strv_split(&lines, buf_str(&out), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		struct err err = ERR_INIT;
		autojson json_t *line = json_parse(lines.v[i], strlen(lines.v[i]), "line", &err);

		assert_non_null(line);
		assert_true(clock_parse_rfc3339(json_str(line, "time")) > 0);
		if (str_eq(json_str(line, "event"), "progress")) {
			assert_string_equal(json_str(line, "unit"), "bytes");
			assert_int_equal(json_int(line, "total"), EVENTS);
			progress++;
		}
		if (i + 1 == lines.n) {
			assert_string_equal(json_str(line, "kind"), "port-taken");
			assert_int_equal(json_int(line, "status"), 6);
		}
	}
	assert_int_equal(progress, THREADS * EVENTS);
}

/* Remove escape sequences; returns false when a line is wider than the terminal. */
static bool fits(const char *screen, int columns)
{
	int column = 0;

	for (const char *c = screen; *c; c++) {
		if (*c == '\033') {
			while (*c && !strchr("AJhlmK", *c))
				c++;
			if (!*c)
				return false;
		} else if (*c == '\n' || *c == '\r') {
			column = 0;
		} else if (((unsigned char)*c & 0xc0) != 0x80 && ++column >= columns) {
			return false;
		}
	}
	return true;
}

static void open_terminal(struct capture *capture)
{
	struct winsize size = {.ws_row = 6, .ws_col = 40};
	int master = -1, slave = -1;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	capture_begin(capture, master, slave);
}

static void test_terminal(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct capture capture;
	struct sink sink;
	bool drawn = false, more = false;

	setenv("TERM", "xterm", 1);
	open_terminal(&capture);
	sink = ui_begin(UI_AUTO, false);
	for (int i = 0; i < 8; i++) {
		autofree char *object = xasprintf(
			"image registry.example/a-long-name-%d:latest", i);

		sink_emit(&sink,
			&(struct event){.kind = EVENT_START, .object = object, .text = "Pulling"});
	}
	sink_emit(&sink, &(struct event){.kind = EVENT_START, .object = "a", .text = "Starting"});
	drawn = capture_wait(&capture, &out, "image registry.example");
	more = capture_wait(&capture, &out, "and 5 more");
	ui_pause(&sink);
	sink_info(&sink, NULL, "said while paused");
	ui_resume(&sink);
	sink_emit(&sink, &(struct event){.kind = EVENT_DONE, .object = "a", .text = "Started"});
	ui_end(&sink);
	capture_end(&capture, &out);
	assert_true(drawn);
	assert_true(more);
	assert_true(fits(buf_str(&out), 40));
	assert_non_null(strstr(buf_str(&out), "said while paused"));
	assert_non_null(strstr(buf_str(&out), "Started"));
	assert_non_null(strstr(buf_str(&out), "\033[?25l"));
	assert_true(str_ends(buf_str(&out), "\033[?25h"));
}

static void test_error(void **state)
{
	autobuf struct buf out = BUF_INIT(0);
	struct capture capture;

	capture_pipe(&capture);
	ui_error(&(struct err){.kind = ERR_FAILED, .msg = "web died:\n  \033[2Jlast line"}, false);
	ui_error(&(struct err){.kind = ERR_EXIT, .status = 3, .msg = "not shown"}, false);
	capture_end(&capture, &out);
	assert_string_equal(buf_str(&out), "devenv: web died:\n  \\x1b[2Jlast line\n");
}

static void test_colors(void **state)
{
	struct capture capture;
	autobuf struct buf out = BUF_INIT(0);
	bool plain = false, colored = false, none = false;

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	open_terminal(&capture);
	colored = str_eq(ui_style(STDERR_FILENO, "red"), "\033[31m");
	setenv("NO_COLOR", "1", 1);
	none = str_eq(ui_style(STDERR_FILENO, "red"), "");
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	plain = str_eq(ui_style(STDERR_FILENO, "red"), "");
	capture_end(&capture, &out);
	assert_true(colored && none && plain);
	assert_false(ui_confirm("Without a terminal?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_colors),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
