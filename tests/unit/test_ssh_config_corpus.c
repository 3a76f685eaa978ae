/*
 * test_ssh_config_corpus.c - the built-in reader of ssh configurations against the installed ssh.
 *
 * Each file of tests/data/ssh_config is read by both for the hosts that its first line names
 * ("# hosts: A USER@B:PORT"): what both print must be the same, key by key, and both must refuse
 * the files whose names begin with "bad-".
 */
#include "devenv/ssh_config.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS "tests/data/ssh_config"

/* Keys that one of the two may leave out. */
static const char *const sometimes[] = {"hostkeyalias", "identityagent", "certificatefile",
	"proxycommand", "proxyjump", "bindaddress", "bindinterface", "kbdinteractivedevices",
	"preferredauthentications", "ignoreunknown", "revokedhostkeys", "pkcs11provider",
	"knownhostscommand"};

static char folder[] = "/tmp/devenv-ssh-config-XXXXXX";

/* === both readers === */

static bool ask_ssh(
	const char *host, const char *user, uint16_t port, struct buf *out, struct buf *words)
{
	const char *file = getenv("DEVENV_SSH_CONFIG"), *argv[16];
	autofree char *number = xasprintf("%u", port);
	struct err err = ERR_INIT;
	size_t n = 0;

	argv[n++] = "ssh";
	argv[n++] = "-T";
	argv[n++] = "-G";
	if (file) {
		argv[n++] = "-F";
		argv[n++] = file;
	}
	if (user) {
		argv[n++] = "-l";
		argv[n++] = user;
	}
	if (port) {
		argv[n++] = "-p";
		argv[n++] = number;
	}
	argv[n++] = "--";
	argv[n++] = host;
	argv[n] = NULL;
	return proc_run(&(struct proc_spec){.argv = argv, .timeout_ms = 30000}, out, words, &err) ==
	       0;
}

static void collect(const char *output, const char *key, struct strv *values)
{
	autostrv struct strv lines = STRV_INIT;
	size_t len = strlen(key);

	strv_split(&lines, output, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (str_starts(lines.v[i], key) && lines.v[i][len] == ' ')
			strv_push(values, lines.v[i] + len + 1);
}

static bool same_values(const char *ours, const char *theirs, const char *key)
{
	autostrv struct strv a = STRV_INIT, b = STRV_INIT;
	autofree char *left = NULL, *right = NULL;

	collect(ours, key, &a);
	collect(theirs, key, &b);
	left = strv_join(&a, "\n\t");
	right = strv_join(&b, "\n\t");
	if (str_eq(left, right))
		return true;
	print_message("%s\n    we:\t%s\n    ssh:\t%s\n", key, left, right);
	return false;
}

static bool same_output(const char *ours, const char *theirs)
{
	autostrv struct strv lines = STRV_INIT;
	bool same = true;

	strv_split(&lines, ours, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		autofree char *key = xstrndup(lines.v[i], strcspn(lines.v[i], " "));

		same &= same_values(ours, theirs, key);
	}
	for (size_t i = 0; i < ARRAY_LEN(sometimes); i++)
		same &= same_values(ours, theirs, sometimes[i]);
	return same;
}

/* Do both give the same answer for `via`? `refused`: it must be no. */
static bool same_answer(const char *via, bool refused)
{
	autobuf struct buf ours = BUF_INIT(0), theirs = BUF_INIT(0), words = BUF_INIT(0);
	autofree char *user = NULL, *host = NULL;
	struct err err = ERR_INIT;
	uint16_t port = 0;
	bool we, ssh;

	assert_int_equal(0, ssh_via_parse(via, &user, &host, &port, &err));
	we = ssh_config_builtin(host, user, port, &ours, &err) == 0;
	ssh = ask_ssh(host, user, port, &theirs, &words);
	if (we == !refused && ssh == !refused &&
		(!we || same_output(buf_str(&ours), buf_str(&theirs))))
		return true;
	print_message("-- %s, %s\n", getenv("DEVENV_SSH_CONFIG"), via);
	print_message("    we:\t%s\n    ssh:\t%s\n", we ? "fine" : err.msg,
		ssh ? "fine" : buf_str(&words));
	return false;
}

/* === the corpus === */

static void copy_tree(const char *from, const char *to)
{
	autostrv struct strv names = STRV_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(0, fs_mkdirs(to, 0700, &err));
	assert_int_equal(0, fs_list(from, &names, &err));
	for (size_t i = 0; i < names.n; i++) {
		autofree char *source = path_join(from, names.v[i]);
		autofree char *target = path_join(to, names.v[i]);
		autobuf struct buf text = BUF_INIT(0);

		if (fs_is_dir(source)) {
			copy_tree(source, target);
			continue;
		}
		assert_int_equal(0, fs_read(source, &text, ERR_FAILED, &err));
		assert_int_equal(0, fs_write_atomic(target, buf_str(&text), text.len, 0600, &err));
	}
}

/* Relative includes are below ~/.ssh, which for both is that of $HOME. */
static int begin(void **state)
{
	autofree char *ssh = NULL;

	if (!mkdtemp(folder))
		return -1;
	ssh = path_join(folder, ".ssh");
	copy_tree(CORPUS, ssh);
	setenv("HOME", folder, 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("DEVENV_TEST_SET", "/a value", 1);
	unsetenv("DEVENV_TEST_UNSET");
	return 0;
}

static int end(void **state)
{
	struct err err = ERR_INIT;

	return fs_remove_tree(folder, &err);
}

/* How many of the file's hosts have two answers. */
static int try_file(const char *path)
{
	static const char mark[] = "# hosts: ";
	autobuf struct buf text = BUF_INIT(0);
	autostrv struct strv hosts = STRV_INIT;
	autofree char *line = NULL;
	struct err err = ERR_INIT;
	int bad = 0;

	assert_int_equal(0, fs_read(path, &text, ERR_FAILED, &err));
	assert_true(str_starts(buf_str(&text), mark));
	line = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\r\n"));
	strv_split(&hosts, line + strlen(mark), ' ');
	assert_true(hosts.n > 0);
	setenv("DEVENV_SSH_CONFIG", path, 1);
	for (size_t i = 0; i < hosts.n; i++)
		bad += !same_answer(hosts.v[i], str_starts(path_basename(path), "bad-"));
	return bad;
}

static void corpus(void **state)
{
	autofree char *dir = path_join(folder, ".ssh");
	autostrv struct strv names = STRV_INIT;
	struct err err = ERR_INIT;
	int bad = 0, tried = 0;

	assert_int_equal(0, fs_list(dir, &names, &err));
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = path_join(dir, names.v[i]);

		if (!str_ends(path, ".conf"))
			continue;
		bad += try_file(path);
		tried++;
	}
	print_message("%d files\n", tried);
	assert_true(tried >= 60);
	assert_int_equal(0, bad);
}

static void names_from_outside(void **state)
{
	static const char *const names[] = {"a b", "a$(id)", "a;b", "a`b`", "'a'", "a,b", "a\\b"};
	static const char *const users[] = {"a;b@h", "a`b`@h", "a -b@h", "a\\@h"};

	setenv("DEVENV_SSH_CONFIG", "none", 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(same_answer(names[i], true));
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		assert_true(same_answer(users[i], true));
	assert_true(same_answer("db", false));
}

static void missing_file(void **state)
{
	setenv("DEVENV_SSH_CONFIG", "/nonexistent/config", 1);
	assert_true(same_answer("db", true));
}

/* The machine's own files, as they are. */
static void usual_files(void **state)
{
	unsetenv("DEVENV_SSH_CONFIG");
	assert_true(same_answer("db.example", false));
	assert_true(same_answer("ann@192.0.2.1:2222", false));
}

/* What is included must be nobody else's to write to. */
static void permissions(void **state)
{
	autofree char *config = path_join(folder, "config"), *open = path_join(folder, "open");
	autofree char *text = xasprintf("Include %s\n", open);
	struct err err = ERR_INIT;

	assert_int_equal(0, fs_write_atomic(config, text, strlen(text), 0666, &err));
	assert_int_equal(0, fs_write_atomic(open, "Port 2\n", 7, 0644, &err));
	setenv("DEVENV_SSH_CONFIG", config, 1);
	assert_true(same_answer("db", false));
	assert_int_equal(0, chmod(open, 0646));
	assert_true(same_answer("db", true));
	assert_int_equal(0, unlink(open));
	assert_int_equal(0, symlink("/nonexistent", open));
	assert_true(same_answer("db", false));
}

static void says_where(void **state)
{
	autofree char *path = path_join(folder, "where");
	autobuf struct buf out = BUF_INIT(0);
	static const char text[] = "Host db\n\n  Hostnam db.example\n";
	struct err err = ERR_INIT;

	assert_int_equal(0, fs_write_atomic(path, text, strlen(text), 0600, &err));
	setenv("DEVENV_SSH_CONFIG", path, 1);
	assert_int_equal(-1, ssh_config_builtin("db", NULL, 0, &out, &err));
	assert_int_equal(ERR_TUNNEL, err.kind);
	assert_non_null(strstr(err.msg, "where line 3: "));
	assert_non_null(strstr(err.msg, "\"hostname\""));
}

/* What the ssh of Debian 12 does not know yet. */
static void later_keywords(void **state)
{
	static const char text[] = "Host db\n"
				   "  ObscureKeystrokeTiming no\n"
				   "  ChannelTimeout session=5m direct-tcpip=1h\n"
				   "  VersionAddendum \"of mine\"\n"
				   "  WarnWeakCrypto no\n"
				   "  Tag prod-1\n"
				   "Match tagged prod-* !tagged prod-2\n"
				   "  Port 2222\n"
				   "Match tagged test\n"
				   "  User tester\n"
				   "Host closed\n"
				   "  RefuseConnection \"it has moved\"\n";
	autofree char *path = path_join(folder, "later");
	autobuf struct buf out = BUF_INIT(0);
	struct err err = ERR_INIT;

	assert_int_equal(0, fs_write_atomic(path, text, strlen(text), 0600, &err));
	setenv("DEVENV_SSH_CONFIG", path, 1);
	assert_int_equal(0, ssh_config_builtin("db", NULL, 0, &out, &err));
	assert_non_null(strstr(buf_str(&out), "port 2222\n"));
	assert_non_null(strstr(buf_str(&out), "tag prod-1\n"));
	assert_null(strstr(buf_str(&out), "user tester\n"));
	assert_int_equal(-1, ssh_config_builtin("closed", NULL, 0, &out, &err));
	assert_non_null(strstr(err.msg, "later line 12: RefuseConnection: it has moved"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corpus),
		cmocka_unit_test(names_from_outside),
		cmocka_unit_test(missing_file),
		cmocka_unit_test(usual_files),
		cmocka_unit_test(permissions),
		cmocka_unit_test(says_where),
		cmocka_unit_test(later_keywords),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
