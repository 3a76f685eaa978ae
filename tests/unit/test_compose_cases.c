/*
 * test_compose_cases.c - every folder of tests/data/compose against what docker compose says of it.
 *
 * A case is a folder with compose.yaml and whatever that needs; `args` (one a line) holds -f and
 * --profile arguments when it is not just compose.yaml.  expected.json is what `docker compose -p
 * case ... config --format json` (2.40.3) printed, expected.yaml (where it is there) the same
 * without --format; expected.txt, for a file that it refuses, is devenv's own report.
 * expected.hash, where the folder's own path is not part of it, is what `... config --hash '*'`
 * printed.  @DIR@ is the absolute folder, @UP@ the one above, @REL@ the folder from the
 * repository's root, where the tests run; $HOME was /home/tester.
 */
#include "testing.h"

#include "devenv/buf.h"
#include "devenv/diag.h"
#include "devenv/json.h"
#include "devenv/manifest.h"
#include "devenv/str.h"

#include <dirent.h>
#include <unistd.h>

#define CASES "tests/data/compose"
#define CASES_MIN 250 /* fewer: the wrong folder, and nothing would be tested */
#define TEXT_LIMIT ((size_t)4 << 20)

struct loaded {
	struct workspace ws;
	struct diags diags;
	struct err err;
	int status;
};

static char *read_text(const char *dir, const char *name)
{
	autofree char *path = path_join(dir, name);
	struct buf text = BUF_INIT(TEXT_LIMIT);
	struct err err = ERR_INIT;

	if (!fs_exists(path))
		return NULL;
	assert_int_equal(fs_read(path, &text, ERR_FAILED, &err), 0);
	return buf_detach(&text);
}

/* Every `from` as `to`. Frees `text`. */
static char *replace_all(char *text, const char *from, const char *to)
{
	struct buf out = BUF_INIT(TEXT_LIMIT);
	const char *at = text, *next;

	while ((next = strstr(at, from))) {
		buf_add(&out, at, (size_t)(next - at));
		buf_addstr(&out, to);
		at = next + strlen(from);
	}
	buf_addstr(&out, at);
	free(text);
	return buf_detach(&out);
}

static char *expand(char *text, const char *rel)
{
	autofree char *dir = path_absolute(NULL, rel);
	autofree char *up = path_dirname(dir);

	text = replace_all(text, "@REL@", rel);
	text = replace_all(text, "@DIR@", dir);
	return replace_all(text, "@UP@", up);
}

static void read_args(const char *dir, struct strv *files, struct strv *profiles)
{
	autofree char *text = read_text(dir, "args");
	autostrv struct strv args = STRV_INIT;

	strv_split(&args, text ? text : "-f\ncompose.yaml\n", '\n');
	for (size_t i = 0; i + 1 < args.n; i += 2) {
		if (str_eq(args.v[i], "--profile"))
			strv_push(profiles, args.v[i + 1]);
		else
			strv_push_take(files, path_join(dir, args.v[i + 1]));
	}
}

static void load(const char *dir, struct loaded *out)
{
	autostrv struct strv files = STRV_INIT;
	autostrv struct strv profiles = STRV_INIT;
	struct load_options options = {.files = &files, .project = "case", .profiles = &profiles};

	*out = (struct loaded){.diags = DIAGS_INIT, .err = ERR_INIT};
	read_args(dir, &files, &profiles);
	out->status = workspace_load(&options, &out->ws, &out->diags, &out->err);
}

static void accepted(const char *expected, struct loaded *loaded)
{
	struct err err = ERR_INIT;
	autojson json_t *want = json_parse(expected, strlen(expected), "expected.json", &err);
	autojson json_t *model = NULL;
	autojson json_t *got = NULL;
	autofree char *text = NULL;

	assert_non_null(want);
	if (loaded->status < 0) {
		autobuf struct buf report = BUF_INIT(TEXT_LIMIT);

		diag_print(&loaded->diags, &report);
		fail_msg("refused: %s\n%s", loaded->err.msg, buf_str(&report));
	}
	model = manifest_json(loaded->ws.manifests[0].model);
	text = replace_all(json_print(model), "$", "$$");
	got = json_parse(text, strlen(text), "model", &err);
	if (!json_equal(want, got)) {
		autofree char *left = json_print_sorted(want);
		autofree char *right = json_print_sorted(got);

		fail_msg("want %s\ngot  %s", left, right);
	}
}

static void same_hashes(const char *expected, const struct manifest *manifest)
{
	autobuf struct buf text = BUF_INIT(TEXT_LIMIT);
	const char *name;
	json_t *ignored;

	json_object_foreach (json_object_get(manifest->model, "services"), name, ignored) {
		char hash[SHA256_HEX];

		manifest_hash_config(manifest, name, hash);
		buf_addf(&text, "%s %s\n", name, hash);
	}
	assert_string_equal(buf_str(&text), expected);
}

static void printed(const char *expected, struct loaded *loaded)
{
	autobuf struct buf text = BUF_INIT(TEXT_LIMIT);
	autofree char *escaped = NULL;

	manifest_print_yaml(loaded->ws.manifests[0].model, &text);
	escaped = replace_all(buf_detach(&text), "$", "$$");
	assert_string_equal(escaped, expected);
}

static void refused(const char *expected, struct loaded *loaded)
{
	autobuf struct buf report = BUF_INIT(TEXT_LIMIT);

	assert_int_equal(loaded->status, -1);
	assert_int_equal(loaded->err.kind, ERR_MANIFEST);
	diag_print(&loaded->diags, &report);
	assert_string_equal(buf_str(&report), expected);
}

static void test_case(void **state)
{
	const char *dir = *state;
	autofree char *model = read_text(dir, "expected.json");
	autofree char *yaml = read_text(dir, "expected.yaml");
	autofree char *report = read_text(dir, "expected.txt");
	autofree char *hashes = read_text(dir, "expected.hash");
	struct loaded loaded;

	assert_true(!model != !report); /* exactly one */
	load(dir, &loaded);
	if (model) {
		model = expand(model, dir);
		accepted(model, &loaded);
		if (hashes)
			same_hashes(hashes, &loaded.ws.manifests[0]);
		if (yaml) {
			yaml = expand(yaml, dir);
			printed(yaml, &loaded);
		}
	} else {
		report = expand(report, dir);
		refused(report, &loaded);
	}
	workspace_release(&loaded.ws);
	diags_release(&loaded.diags);
}

static void list_cases(struct strv *out)
{
	DIR *dir = opendir(CASES);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_pushf(out, "%s/%s", CASES, entry->d_name);
	if (dir)
		closedir(dir);
	strv_sort(out);
}

int main(void)
{
	static const char *const names[] = {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME",
		"COMPOSE_PROFILES", "COMPOSE_ENV_FILES", "SET", "UNSET", "A", "B", "C", "V", "X",
		"Y", "T", "PRIV"};
	autostrv struct strv cases = STRV_INIT;
	struct CMUnitTest *tests;
	int status;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	setenv("HOME", "/home/tester", 1);
	list_cases(&cases);
	if (cases.n < CASES_MIN) {
		fprintf(stderr, "only %zu cases in %s: run from the repository's root\n", cases.n,
			CASES);
		return 1;
	}
	tests = xcalloc(cases.n, sizeof(*tests));
	for (size_t i = 0; i < cases.n; i++) {
		tests[i].name = path_basename(cases.v[i]);
		tests[i].test_func = test_case;
		tests[i].initial_state = cases.v[i];
	}
	status = _cmocka_run_group_tests("compose cases", tests, cases.n, NULL, NULL);
	free(tests);
	return status;
}
