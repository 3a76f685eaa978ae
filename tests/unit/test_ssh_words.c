/* test_ssh_words.c - what OpenSSH says, as errors. The texts are those of 9.2 and 10.0. */
#include "../../src/net/ssh_openssh.h"

#include "devenv/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KEY "ED25519 SHA256:WZgVPVCy3zcRW4XGJLCBwzFd6XhPm3tYlI4ZzFZbGpE"
#define BAR "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
#define CHANGED \
	BAR "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n" BAR \
	    "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n" \
	    "The fingerprint for the ED25519 key sent by the remote host is\n" \
	    "SHA256:WZgVPVCy3zcRW4XGJLCBwzFd6XhPm3tYlI4ZzFZbGpE.\n" \
	    "Add correct host key in /home/me/known to get rid of this message.\n"

static const struct ssh_words base = {
	.name = "me@gate:22",
	.host = "gate",
	.user = "me",
	.port = 22,
	.known_hosts = "/home/me/known",
	.key = KEY,
};

static const struct {
	const char *text, *pinned, *means;
	int os;
} cases[] = {
	{"ssh: Could not resolve hostname gate: Name or service not known\n", NULL,
		"the name \"gate\" cannot be resolved: Name or service not known", 0},
	{"ssh: connect to host gate port 22: Connection refused\n", NULL,
		"connect to gate port 22: Connection refused", 0},
	{"me@gate: Permission denied (publickey,password).\n", NULL,
		"me@gate:22 does not let \"me\" in (it takes: publickey,password) (Is your", 0},
	{"no such identity: /k: No such file or directory\nme@gate: Permission denied "
	 "(publickey).\n",
		NULL, "(it takes: publickey). /k: No such file or directory", 0},
	{"Permissions 0644 for '/k' are too open.\nLoad key \"/k\": bad permissions\n"
	 "me@gate: Permission denied (publickey).\n",
		NULL, "key file /k can be read by others: run \"chmod 600 /k\"", 0},
	{"Load key \"/k\": error in libcrypto\nme@gate: Permission denied (publickey).\n", NULL,
		"(it takes: publickey). /k is no private key", 0},
	{"Load key \"/k\": Is a directory\nme@gate: Permission denied (publickey).\n", NULL,
		"key file /k: Is a directory", 0},
	{"No ED25519 host key is known for gate and you have requested strict checking.\n"
	 "Host key verification failed.\n",
		NULL, "unknown host me@gate:22: its key is " KEY, EPERM},
	{"Host key verification failed.\n", "SHA256:other",
		"but the manifest pins SHA256:other: refused", EPERM},
	{CHANGED "Offending ED25519 key in /home/me/a b:known:7\n"
		 "Host key for gate has changed and you have requested strict checking.\n"
		 "Host key verification failed.\n",
		NULL, "has changed: /home/me/a b:known line 7 has another one", EPERM},
	{CHANGED "Host key verification failed.\n", NULL, "has changed: known_hosts line ? has",
		EPERM},
	{BAR "@       WARNING: REVOKED HOST KEY DETECTED!               @\n" BAR
	     "The ED25519 host key for gate is marked as revoked.\n"
	     "Host key verification failed.\n",
		NULL, "is revoked in known_hosts", EPERM},
	{"Host key ED25519 SHA256:x revoked by file /r\nHost key verification failed.\n", NULL,
		"is revoked in /r: refused. Ask", EPERM},
	{"Error checking host key ED25519 SHA256:x in revoked keys file /r: No such file or "
	 "directory\nHost key verification failed.\n",
		NULL, "me@gate:22: RevokedHostKeys /r: No such file or directory: refused", EPERM},
	{"Unable to negotiate with 10.0.0.1 port 22: no matching key exchange method found. Their "
	 "offer: x\n",
		NULL, "do not agree: 10.0.0.1 port 22: no matching key exchange method found", 0},
	{"one\ntwo\nthree\nfour\n", NULL, "me@gate:22: two; three; four", 0},
	{"", NULL, "me@gate:22: ssh ended without a word", 0},
	{"Permission denied (", NULL, "it takes: )", 0},
	{"ssh: Could not resolve hostname ", NULL, "the name \"\" cannot be resolved", 0},
};

static void failed(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ssh_words words = base;
		struct err err = ERR_INIT;

		words.text = cases[i].text;
		words.pinned = cases[i].pinned;
		assert_int_equal(-1, ssh_words_failed(&words, &err));
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, cases[i].means));
		assert_int_equal(cases[i].os, err.os);
		assert_int_equal(ERR_TUNNEL, err.kind);
	}
}

static void without_a_key(void **state)
{
	struct ssh_words words = base;
	struct err err = ERR_INIT;

	words.key = NULL;
	words.text = "Host key verification failed.\n";
	ssh_words_failed(&words, &err);
	assert_string_equal("me@gate:22: Host key verification failed.", err.msg);
}

static void hint_where_nobody_is(void **state)
{
	struct ssh_words words = base;
	struct err err = ERR_INIT;

	words.batch = true;
	words.text = "me@gate: Permission denied (publickey).\n";
	ssh_words_failed(&words, &err);
	assert_null(strstr(err.msg, "ssh-add"));
	words.locked = "/k";
	ssh_words_failed(&words, &err);
	assert_non_null(strstr(err.msg, "ssh-add /k"));
}

static void lost(void **state)
{
	static const struct {
		const char *text, *means;
	} ends[] = {
		{"Timeout, server gate not responding.\n", "the server is silent"},
		{"Connection to gate closed by remote host.\n", "the server closed the connection"},
		{"client_loop: send disconnect: Broken pipe\n", "the server closed the connection"},
		{"", "the server closed the connection"},
		{"Bad packet length 7.\nssh_dispatch_run_fatal: Connection corrupted\n",
			"Bad packet length 7.; ssh_dispatch_run_fatal: Connection corrupted"},
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		autofree char *why = ssh_words_lost(ends[i].text);

		assert_string_equal(ends[i].means, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed),
		cmocka_unit_test(without_a_key),
		cmocka_unit_test(hint_where_nobody_is),
		cmocka_unit_test(lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
