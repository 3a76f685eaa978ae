/* test_ssh_config.c - what a tunnel's `via` and the output of `ssh -G` mean. */
#include "devenv/ssh_config.h"

#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void via(void **state)
{
	static const struct {
		const char *text, *user, *host;
		uint16_t port;
	} cases[] = {
		{"bastion", NULL, "bastion", 0},
		{"ann@bastion", "ann", "bastion", 0},
		{"ann@bastion:2222", "ann", "bastion", 2222},
		{"bastion:22", NULL, "bastion", 22},
		{"ann@corp.example@bastion", "ann@corp.example", "bastion", 0},
		{"[::1]:2222", NULL, "::1", 2222},
		{"ann@[::1]", "ann", "::1", 0},
		{"fe80::1", NULL, "fe80::1", 0},
	};
	static const char *const bad[] = {"", "@bastion", "-oProxyCommand=x", "ann@-bastion",
		"bastion:", "bastion:0", "bastion:65536", "bastion:2a", "[::1", "[::1]x", "ann@"};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *user = NULL, *host = NULL;
		uint16_t port = 1;

		print_message("via %s\n", cases[i].text);
		assert_int_equal(0, ssh_via_parse(cases[i].text, &user, &host, &port, &err));
		assert_string_equal(cases[i].host, host);
		assert_int_equal(cases[i].port, port);
		assert_true(cases[i].user ? user && !strcmp(cases[i].user, user) : !user);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *user = NULL, *host = NULL;
		uint16_t port;

		print_message("bad via %s\n", bad[i]);
		assert_int_equal(-1, ssh_via_parse(bad[i], &user, &host, &port, &err));
		assert_int_equal(ERR_TUNNEL, err.kind);
	}
}

static struct ssh_config begin(void)
{
	return (struct ssh_config){
		.typed = xstrdup("db"), .host = xstrdup("db"), .user = xstrdup("me"), .port = 22};
}

static void output_of_ssh(void **state)
{
	struct ssh_config config = begin();
	struct err err = ERR_INIT;

	assert_int_equal(
		0, ssh_config_parse(&config,
			   "host db\nuser analyst\nhostname bastion.acme.example\nport 2222\n"
			   "identityfile /keys/%h-%r-%p\nidentityfile none\n"
			   "identityfile /keys/second\n"
			   "globalknownhostsfile /etc/ssh/ssh_known_hosts\n"
			   "userknownhostsfile /home/me/known /home/me/known2\n"
			   "identityagent none\nidentitiesonly yes\nhashknownhosts yes\n"
			   "stricthostkeychecking accept-new\nconnecttimeout none\n"
			   "serveraliveinterval 7\nserveralivecountmax 2\nhostkeyalias prod\n"
			   "proxycommand nc -x proxy:1080 %h %p\nnonsense\n",
			   &err));
	assert_string_equal("analyst", config.user);
	assert_string_equal("bastion.acme.example", config.host);
	assert_string_equal("prod", config.key_alias);
	assert_int_equal(2222, config.port);
	assert_int_equal(2, config.identities.n);
	assert_string_equal("/keys/bastion.acme.example-analyst-2222", config.identities.v[0]);
	assert_string_equal("/keys/second", config.identities.v[1]);
	assert_int_equal(3, config.known_hosts.n);
	assert_string_equal("/home/me/known", config.known_hosts.v[0]);
	assert_string_equal("/etc/ssh/ssh_known_hosts", config.known_hosts.v[2]);
	assert_null(config.agent);
	assert_true(config.identities_only);
	assert_true(config.hash_known_hosts);
	assert_int_equal(SSH_STRICT_ACCEPT_NEW, config.strict);
	assert_int_equal(0, config.connect_timeout);
	assert_int_equal(7, config.alive_interval);
	assert_int_equal(2, config.alive_count);
	assert_string_equal("nc -x proxy:1080 bastion.acme.example 2222", config.proxy_command);
	assert_null(config.proxy_jump);
	ssh_config_release(&config);
}

/* "no" is "accept-new": a changed key is never taken. */
static void checking_is_never_off(void **state)
{
	struct ssh_config config = begin();
	struct err err = ERR_INIT;

	assert_int_equal(0, ssh_config_parse(&config, "stricthostkeychecking no\n", &err));
	assert_int_equal(SSH_STRICT_ACCEPT_NEW, config.strict);
	assert_int_equal(0, ssh_config_parse(&config, "stricthostkeychecking false\n", &err));
	assert_int_equal(SSH_STRICT_ACCEPT_NEW, config.strict);
	assert_int_equal(0, ssh_config_parse(&config, "stricthostkeychecking ask\n", &err));
	assert_int_equal(SSH_STRICT_ASK, config.strict);
	assert_int_equal(0, ssh_config_parse(&config, "stricthostkeychecking true\n", &err));
	assert_int_equal(SSH_STRICT_YES, config.strict);
	ssh_config_release(&config);
}

static void restrictions(void **state)
{
	struct ssh_config config = begin();
	struct err err = ERR_INIT;

	assert_int_equal(0, ssh_config_parse(&config,
				    "ciphers aes256-ctr,aes128-ctr\n"
				    "macs umac-64-etm@openssh.com,umac-128-etm@openssh.com,"
				    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
				    "hmac-sha1-etm@openssh.com,umac-64@openssh.com,"
				    "umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1\n"
				    "rekeylimit 0 0\ncheckhostip no\nverifyhostkeydns true\n"
				    "certificatefile /a\ncertificatefile /b\n"
				    "requiredrsasize 3072\nconnectionattempts 4\ncompression yes\n",
				    &err));
	assert_string_equal("aes256-ctr,aes128-ctr", config.algorithms[SSH_CIPHERS]);
	assert_null(config.algorithms[SSH_MACS]); /* the default */
	assert_null(config.algorithms[SSH_KEX]);
	assert_int_equal(3, config.unheeded.n);
	assert_string_equal("VerifyHostKeyDNS true", config.unheeded.v[0]);
	assert_string_equal("CertificateFile /b", config.unheeded.v[2]);
	assert_int_equal(3072, config.rsa_bits);
	assert_int_equal(4, config.connect_attempts);
	assert_true(config.compression);
	ssh_config_release(&config);
}

static void jump(void **state)
{
	struct ssh_config config = begin();
	struct err err = ERR_INIT;

	assert_int_equal(0, ssh_config_parse(&config, "proxyjump a,b@c:22\n", &err));
	assert_string_equal("a,b@c:22", config.proxy_jump);
	assert_null(config.proxy_command);
	ssh_config_release(&config);
}

static void tokens(void **state)
{
	struct ssh_config config = begin();
	struct err err = ERR_INIT;
	autofree char *plain = NULL, *home = NULL, *variable = NULL;

	setenv("DEVENV_TEST_DIR", "/x y", 1);
	plain = ssh_config_expand(&config, "100%% %n %h:%p as %r, $HOME", &err);
	assert_string_equal("100% db db:22 as me, $HOME", plain);
	home = ssh_config_expand(&config, "~/.ssh/id", &err);
	assert_int_equal('/', home[0]);
	assert_non_null(strstr(home, "/.ssh/id"));
	variable = ssh_config_expand(&config, "${DEVENV_TEST_DIR}/k", &err);
	assert_string_equal("/x y/k", variable);
	assert_null(ssh_config_expand(&config, "${DEVENV_TEST_UNSET}/k", &err));
	assert_non_null(strstr(err.msg, "DEVENV_TEST_UNSET"));
	assert_null(ssh_config_expand(&config, "${DEVENV_TEST_DIR", &err));
	assert_null(ssh_config_expand(&config, "a%", &err));
	assert_null(ssh_config_expand(&config, "%y", &err));
	ssh_config_release(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(via),
		cmocka_unit_test(output_of_ssh),
		cmocka_unit_test(checking_is_never_off),
		cmocka_unit_test(restrictions),
		cmocka_unit_test(jump),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
