/* test_known_hosts.c - whose host key is it?  The hashed lines were made by ssh-keygen -H (9.2). */
#include "devenv/known_hosts.h"

#include "devenv/hash.h"
#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY64 "AAAAC3NzaC1lZDI1NTE5AAAAIEZxzsK7r4AZvBdFPMEhyowJRrILGI8u/6uY7ONwTx/T"
#define OTHER64 "AAAAC3NzaC1lZDI1NTE5AAAAIEnwQew5DvqByKTC4xKncr1dHbhpLnai1/bxyzJh0b9C"
#define ECDSA64 \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ/qn7wcjy9ix68zkIUCtLxJrXCcbnhLi9C9" \
	"zmx+WqfJsSwOU2tqraTYsROGKzDEXHJXkRI8ZL3PoHGnDFh/ZHY="
#define KEY "ssh-ed25519 " KEY64
#define OTHER "ssh-ed25519 " OTHER64
#define ECDSA "ecdsa-sha2-nistp256 " ECDSA64
#define HASHED "|1|ExeqBQXYmX2CfmhEC2hKTPVgARQ=|D9J8AM3Ds0dXacNUhHEdKYLgJXE= "
#define HASHED_2222 "|1|UPW2TD0SyLzjsLnzNoxUxHnllz0=|IMhY5RPceHveNnW21xYajYHB0DE= "

/* The verdict on KEY64 for host:port, given the text of one file; the deciding line in *line. */
static enum known_hosts_verdict judge(const char *text, const char *host, uint16_t port, int *line)
{
	struct known_hosts known = {0};
	const struct known_hosts_entry *match = NULL;
	enum known_hosts_verdict verdict;
	size_t len = 0;
	autofree char *key = base64_decode(KEY64, &len);

	known_hosts_parse(&known, "known", text);
	verdict = known_hosts_check(&known, host, port, key, len, &match);
	if (line)
		*line = match ? match->line : 0;
	known_hosts_release(&known);
	return verdict;
}

static void verdicts(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		uint16_t port;
		enum known_hosts_verdict verdict;
		int line;
	} cases[] = {
		{"", "bastion", 22, KNOWN_NO, 0},
		{"bastion " KEY "\n", "bastion", 22, KNOWN_YES, 1},
		{"bastion " KEY " comment here", "bastion", 22, KNOWN_YES, 1},
		{"# bastion " KEY "\r\n\r\n  bastion\t" KEY "\r\n", "bastion", 22, KNOWN_YES, 3},
		{"Bastion " KEY "\n", "BASTION", 22, KNOWN_YES, 1},
		{"a,bastion,b " KEY "\n", "bastion", 22, KNOWN_YES, 1},
		{"bastion " KEY "\n", "bastion2", 22, KNOWN_NO, 0},
		{"bastion " OTHER "\n", "bastion", 22, KNOWN_CHANGED, 1},
		{"bastion " OTHER "\nbastion " KEY "\n", "bastion", 22, KNOWN_YES, 2},
		{"bastion " ECDSA "\n", "bastion", 22, KNOWN_OTHER, 1},
		{"bastion " ECDSA "\nbastion " OTHER "\n", "bastion", 22, KNOWN_CHANGED, 2},
		{"*.acme.example " KEY "\n", "b.acme.example", 22, KNOWN_YES, 1},
		{"*.acme.example " KEY "\n", "acme.example", 22, KNOWN_NO, 0},
		{"b?stion " KEY "\n", "bastion", 22, KNOWN_YES, 1},
		{"*,!bastion " KEY "\n", "bastion", 22, KNOWN_NO, 0},
		{"*,!other " KEY "\n", "bastion", 22, KNOWN_YES, 1},
		{"[bastion]:2222 " KEY "\n", "bastion", 2222, KNOWN_YES, 1},
		{"[bastion]:2222 " KEY "\n", "bastion", 22, KNOWN_NO, 0},
		{"bastion " KEY "\n", "bastion", 2222, KNOWN_YES, 1},
		{"bastion " OTHER "\n", "bastion", 2222, KNOWN_NO, 0},
		{"[bastion]:2222 " OTHER "\nbastion " KEY "\n", "bastion", 2222, KNOWN_CHANGED, 1},
		{HASHED KEY "\n", "bastion.example", 22, KNOWN_YES, 1},
		{HASHED OTHER "\n", "bastion.example", 22, KNOWN_CHANGED, 1},
		{HASHED KEY "\n", "other.example", 22, KNOWN_NO, 0},
		{HASHED_2222 KEY "\n", "bastion.example", 2222, KNOWN_YES, 1},
		{HASHED_2222 KEY "\n", "bastion.example", 22, KNOWN_NO, 0},
		{"@revoked * " KEY "\n", "bastion", 22, KNOWN_REVOKED, 1},
		{"bastion " KEY "\n@revoked * " KEY "\n", "bastion", 22, KNOWN_REVOKED, 2},
		{"bastion " KEY "\n@revoked bastion " KEY "\n", "bastion", 2222, KNOWN_REVOKED, 2},
		{"@revoked * " OTHER "\n", "bastion", 22, KNOWN_NO, 0},
		{"@revoked * " OTHER "\nbastion " KEY "\n", "bastion", 22, KNOWN_YES, 2},
		{"@cert-authority * " KEY "\n", "bastion", 22, KNOWN_AUTHORITY, 1},
		{"@cert-authority * " OTHER "\nbastion " KEY "\n", "bastion", 22, KNOWN_YES, 2},
		{"@unheard-of bastion " KEY "\n", "bastion", 22, KNOWN_NO, 0},
		{"bastion ssh-ed25519 not*base64\n", "bastion", 22, KNOWN_NO, 0},
		{"bastion\nbastion ssh-ed25519\n", "bastion", 22, KNOWN_NO, 0},
		{"|1|broken " KEY "\n|1|a|b " KEY "\n|1||| " KEY "\n", "bastion", 22, KNOWN_NO, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int line = -1;

		print_message("case %zu: %s", i, cases[i].text);
		assert_int_equal(cases[i].verdict,
			judge(cases[i].text, cases[i].host, cases[i].port, &line));
		assert_int_equal(cases[i].line, line);
	}
}

static void types_known(void **state)
{
	struct known_hosts known = {0};
	struct strv types = STRV_INIT, ported = STRV_INIT;

	known_hosts_parse(&known, "known",
		"bastion " ECDSA "\nbastion " KEY "\nbastion " OTHER "\n"
		"@revoked bastion ssh-rsa AAAA\n@cert-authority * ssh-dss AAAA\nelse ssh-x AAAA\n");
	known_hosts_types(&known, "bastion", 22, &types);
	assert_int_equal(2, types.n);
	assert_string_equal("ecdsa-sha2-nistp256", types.v[0]);
	assert_string_equal("ssh-ed25519", types.v[1]);
	known_hosts_types(&known, "bastion", 2222, &ported); /* by the bare name */
	assert_int_equal(2, ported.n);
	strv_release(&types);
	strv_release(&ported);
	known_hosts_release(&known);
}

static void line_is_found_again(void **state)
{
	size_t len = 0;
	autofree char *key = base64_decode(KEY64, &len);
	autofree char *plain = known_hosts_line("Bastion", 2222, false, key, len);
	autofree char *hashed = known_hosts_line("Bastion", 2222, true, key, len);

	assert_string_equal("[bastion]:2222 " KEY "\n", plain);
	assert_memory_equal("|1|", hashed, 3);
	assert_null(strstr(hashed, "bastion"));
	assert_int_equal(KNOWN_YES, judge(hashed, "bastion", 2222, NULL));
	assert_int_equal(KNOWN_NO, judge(hashed, "bastion", 2223, NULL));
}

static void fingerprint(void **state)
{
	size_t len = 0;
	autofree char *key = base64_decode(KEY64, &len);
	autofree char *print = ssh_fingerprint(key, len);
	autofree char *type = ssh_blob_type(key, len);

	assert_string_equal("SHA256:gAnixS2L6H/7RLva1EjcOfRG3xhn7YcZd73aUr5NLjE", print);
	assert_string_equal("ssh-ed25519", type);
	assert_null(ssh_blob_type(key, 3));
	assert_null(ssh_blob_type(key, 10));
	assert_null(ssh_blob_type("\xff\xff\xff\xff....", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(types_known),
		cmocka_unit_test(line_is_found_again),
		cmocka_unit_test(fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
