/*
 * ssh_config_keys.c - the table of ssh_config(5)'s keys: what each takes, and what it is without.
 *
 * Of a key that devenv does not use only the number of its words is checked, and it is not printed.
 * Lists of algorithms, and what only some builds of ssh have, are printed where something sets
 * them: no test depends on the defaults of the ssh at hand.
 */
#include "ssh_config_reader.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define ANY SIZE_MAX

static const char *const flag[] = {"yes", "yes", "true", "yes", "no", "no", "false", "no", NULL};
static const char *const strict[] = {"yes", "true", "true", "true", "no", "false", "false", "false",
	"off", "false", "ask", "ask", "accept-new", "accept-new", NULL};
static const char *const ask[] = {
	"yes", "true", "true", "true", "no", "false", "false", "false", "ask", "ask", NULL};
static const char *const always[] = {
	"yes", "true", "true", "true", "no", "false", "false", "false", "always", "always", NULL};
static const char *const family[] = {"any", "any", "inet", "inet", "inet6", "inet6", NULL};
static const char *const compression[] = {"yes", "yes", "no", "no", NULL};
static const char *const master[] = {"yes", "true", "true", "true", "no", "false", "false", "false",
	"auto", "auto", "ask", "ask", "autoask", "autoask", NULL};
static const char *const device[] = {
	"ethernet", "", "point-to-point", "", "yes", "", "true", "", "no", "", "false", "", NULL};
static const char *const tty[] = {"yes", "true", "true", "true", "no", "false", "false", "false",
	"force", "force", "auto", "auto", NULL};
static const char *const session[] = {
	"none", "none", "subsystem", "subsystem", "default", "default", NULL};
static const char *const pubkey[] = {"yes", "true", "true", "true", "no", "false", "false", "false",
	"unbound", "unbound", "host-bound", "host-bound", NULL};

#define CHOICE(key, list, none) \
	{ \
		.name = key, .apply = ssh_apply_choice, .print = SSH_PRINT_ONE, .choices = list, \
		.fallback = none \
	}
#define ONE(key, how, none) \
	{ \
		.name = key, .apply = ssh_apply_##how, .print = SSH_PRINT_ONE, .fallback = none \
	}
#define LIST(key, how, show, none) \
	{ \
		.name = key, .apply = ssh_apply_##how, .print = show, .fallback = none \
	}
#define UNUSED(key, from, to) \
	{ \
		.name = key, .apply = ssh_apply_words, .least = from, .most = to \
	}
#define IDENTITIES \
	"~/.ssh/id_rsa ~/.ssh/id_ecdsa ~/.ssh/id_ecdsa_sk ~/.ssh/id_ed25519 ~/.ssh/id_ed25519_sk " \
	"~/.ssh/id_xmss ~/.ssh/id_dsa"

static const struct ssh_keyword keywords[] = {
	ONE("host", text, NULL), /* as a setting: the host itself */
	ONE("user", text, NULL),
	ONE("hostname", text, NULL),
	ONE("port", port, "22"),
	ONE("hostkeyalias", text, NULL),
	ONE("bindaddress", text, NULL),
	ONE("bindinterface", text, NULL),
	ONE("ignoreunknown", text, NULL),
	ONE("kbdinteractivedevices", text, NULL),
	ONE("preferredauthentications", text, NULL),
	ONE("identityagent", agent, NULL),
	ONE("proxycommand", command, NULL),
	ONE("revokedhostkeys", text, NULL),
	ONE("pkcs11provider", text, NULL),
	ONE("ciphers", algorithms, NULL),
	ONE("macs", algorithms, NULL),
	ONE("kexalgorithms", algorithms, NULL),
	ONE("hostkeyalgorithms", algorithms, NULL),
	ONE("pubkeyacceptedalgorithms", algorithms, NULL),
	ONE("knownhostscommand", rest, NULL),
	LIST("rekeylimit", rekey, SSH_PRINT_JOINED, "0 0"),
	ONE("proxyjump", jump, NULL),
	LIST("identityfile", file, SSH_PRINT_EACH, IDENTITIES),
	LIST("certificatefile", file, SSH_PRINT_EACH, NULL),
	LIST("userknownhostsfile", hosts, SSH_PRINT_JOINED,
		"~/.ssh/known_hosts ~/.ssh/known_hosts2"),
	LIST("globalknownhostsfile", hosts, SSH_PRINT_JOINED,
		"/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
	LIST("canonicaldomains", domains, SSH_PRINT_JOINED, "none"),
	LIST("canonicalizepermittedcnames", cnames, SSH_PRINT_NOT, NULL),
	CHOICE("addressfamily", family, "any"),
	CHOICE("batchmode", flag, "no"),
	CHOICE("canonicalizefallbacklocal", flag, "yes"),
	CHOICE("canonicalizehostname", always, "false"),
	CHOICE("checkhostip", flag, "no"),
	CHOICE("clearallforwardings", flag, "no"),
	CHOICE("compression", compression, "no"),
	CHOICE("controlmaster", master, "false"),
	CHOICE("enableescapecommandline", flag, "no"),
	CHOICE("enablesshkeysign", flag, "no"),
	CHOICE("exitonforwardfailure", flag, "no"),
	CHOICE("forkafterauthentication", flag, "no"),
	CHOICE("forwardx11", flag, "no"),
	CHOICE("gatewayports", flag, "no"),
	CHOICE("hashknownhosts", flag, "no"),
	CHOICE("hostbasedauthentication", flag, "no"),
	CHOICE("identitiesonly", flag, "no"),
	CHOICE("kbdinteractiveauthentication", flag, "yes"),
	CHOICE("nohostauthenticationforlocalhost", flag, "no"),
	CHOICE("passwordauthentication", flag, "yes"),
	CHOICE("permitlocalcommand", flag, "no"),
	CHOICE("proxyusefdpass", flag, "no"),
	CHOICE("pubkeyauthentication", pubkey, "true"),
	CHOICE("requesttty", tty, "auto"),
	CHOICE("sessiontype", session, "default"),
	CHOICE("stdinnull", flag, "no"),
	CHOICE("streamlocalbindunlink", flag, "no"),
	CHOICE("stricthostkeychecking", strict, "ask"),
	CHOICE("tcpkeepalive", flag, "yes"),
	CHOICE("verifyhostkeydns", ask, "false"),
	CHOICE("visualhostkey", flag, "no"),
	ONE("connecttimeout", time, "none"),
	ONE("forwardx11timeout", time, "1200"),
	ONE("serveraliveinterval", time, "0"),
	ONE("canonicalizemaxdots", number, "1"),
	ONE("connectionattempts", number, "1"),
	ONE("numberofpasswordprompts", number, "3"),
	ONE("requiredrsasize", number, "1024"),
	ONE("serveralivecountmax", number, "3"),
	{.name = "forwardx11trusted", .apply = ssh_apply_choice, .choices = flag},
	{.name = "tunnel", .apply = ssh_apply_choice, .choices = device},
	{.name = "updatehostkeys", .apply = ssh_apply_choice, .choices = ask},
	{.name = "localcommand", .apply = ssh_apply_rest},
	{.name = "remotecommand", .apply = ssh_apply_rest},
	UNUSED("addkeystoagent", 1, 2),
	UNUSED("casignaturealgorithms", 1, 1),
	UNUSED("controlpath", 1, 1),
	UNUSED("controlpersist", 1, 1),
	UNUSED("dynamicforward", 1, 1),
	UNUSED("escapechar", 1, 1),
	UNUSED("fingerprinthash", 1, 1),
	UNUSED("forwardagent", 1, 1),
	UNUSED("hostbasedacceptedalgorithms", 1, 1),
	UNUSED("ipqos", 1, 2),
	UNUSED("localforward", 2, 2),
	UNUSED("loglevel", 1, 1),
	UNUSED("logverbose", 0, ANY),
	UNUSED("permitremoteopen", 1, ANY),
	UNUSED("remoteforward", 1, 2),
	UNUSED("securitykeyprovider", 1, 1),
	UNUSED("sendenv", 0, ANY),
	UNUSED("setenv", 0, ANY),
	UNUSED("streamlocalbindmask", 1, 1),
	UNUSED("syslogfacility", 1, 1),
	UNUSED("tunneldevice", 1, 1),
	UNUSED("xauthlocation", 1, 1),
	/* Of an ssh built otherwise, by Debian or Fedora. */
	CHOICE("gssapiauthentication", flag, NULL),
	UNUSED("gssapiclientidentity", 1, 1),
	UNUSED("gssapidelegatecredentials", 1, 1),
	UNUSED("gssapikexalgorithms", 1, 1),
	UNUSED("gssapikeyexchange", 1, 1),
	UNUSED("gssapirenewalforcesrekey", 1, 1),
	UNUSED("gssapiserveridentity", 1, 1),
	UNUSED("gssapitrustdns", 1, 1),
	/* Of a later ssh. */
	{.name = "tag", .apply = ssh_apply_text, .print = SSH_PRINT_ONE},
	{.name = "refuseconnection", .apply = ssh_apply_refusal},
	UNUSED("channeltimeout", 0, ANY),
	UNUSED("obscurekeystroketiming", 1, 1),
	UNUSED("versionaddendum", 1, ANY),
	UNUSED("warnweakcrypto", 1, 1),
	/* Of an earlier one, which today's passes over. */
	UNUSED("afstokenpassing", 0, ANY),
	UNUSED("cipher", 0, ANY),
	UNUSED("compressionlevel", 0, ANY),
	UNUSED("fallbacktorsh", 0, ANY),
	UNUSED("globalknownhostsfile2", 0, ANY),
	UNUSED("kerberosauthentication", 0, ANY),
	UNUSED("kerberostgtpassing", 0, ANY),
	UNUSED("protocol", 0, ANY),
	UNUSED("rhostsauthentication", 0, ANY),
	UNUSED("rhostsrsaauthentication", 0, ANY),
	UNUSED("rsaauthentication", 0, ANY),
	UNUSED("useprivilegedport", 0, ANY),
	UNUSED("userknownhostsfile2", 0, ANY),
	UNUSED("useroaming", 0, ANY),
	UNUSED("usersh", 0, ANY),
};

/* Other names for the same, each before the one in the table. */
static const char *const aliases[][2] = {
	{"challengeresponseauthentication", "kbdinteractiveauthentication"},
	{"dsaauthentication", "pubkeyauthentication"},
	{"hostbasedkeytypes", "hostbasedacceptedalgorithms"},
	{"identityfile2", "identityfile"},
	{"keepalive", "tcpkeepalive"},
	{"protocolkeepalives", "serveraliveinterval"},
	{"pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"},
	{"setuptimeout", "connecttimeout"},
	{"skeyauthentication", "kbdinteractiveauthentication"},
	{"smartcarddevice", "pkcs11provider"},
	{"tisauthentication", "kbdinteractiveauthentication"},
};

/* === settings === */

void ssh_settings_init(struct ssh_settings *settings, const char *typed)
{
	*settings = (struct ssh_settings){.typed = typed,
		.host = xstrdup(typed),
		.home = ssh_local_home(),
		.user = ssh_local_user(),
		.values = xcalloc(ARRAY_LEN(keywords), sizeof(struct strv))};
}

void ssh_settings_release(struct ssh_settings *settings)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		strv_release(&settings->values[i]);
	free(settings->values);
	free(settings->host);
	free(settings->home);
	free(settings->user);
}

const struct ssh_keyword *ssh_keyword_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_eq(name, aliases[i][0]))
			name = aliases[i][1];
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (str_eq(name, keywords[i].name))
			return &keywords[i];
	return NULL;
}

const char *ssh_keyword_suggest(const char *name)
{
	const char *names[ARRAY_LEN(keywords) + 1];

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		names[i] = keywords[i].name;
	names[ARRAY_LEN(keywords)] = NULL;
	return str_suggest(name, names);
}

struct strv *ssh_setting_list(const struct ssh_settings *settings, const char *name)
{
	return &settings->values[ssh_keyword_find(name) - keywords];
}

const char *ssh_setting(const struct ssh_settings *settings, const char *name)
{
	const struct strv *values = ssh_setting_list(settings, name);

	return values->n ? values->v[0] : NULL;
}

void ssh_setting_put(struct ssh_settings *settings, const char *name, const char *value)
{
	struct strv *values = ssh_setting_list(settings, name);
	char *copy = xstrdup(value);

	strv_release(values);
	if (copy)
		strv_push_take(values, copy);
}

void ssh_settings_print(const struct ssh_settings *settings, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		const struct ssh_keyword *key = &keywords[i];
		autostrv struct strv list = STRV_INIT;
		autofree char *joined = NULL;

		strv_extend(&list, &settings->values[i]);
		if (!list.n && key->fallback)
			strv_split(&list, key->fallback, ' ');
		if (key->print == SSH_PRINT_NOT || !list.n)
			continue;
		joined = strv_join(&list, " ");
		if (key->print != SSH_PRINT_EACH)
			buf_addf(out, "%s %s\n", key->name, joined);
		for (size_t k = 0; key->print == SSH_PRINT_EACH && k < list.n; k++)
			buf_addf(out, "%s %s\n", key->name, list.v[k]);
	}
}
