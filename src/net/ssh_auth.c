/*
 * ssh_auth.c - logging in: the order of the methods, and keys, the agent's and those in files.
 *
 * The order of keys is as in ssh(1): agent keys that are configured, the agent's others, then
 * files.  Every signature of an RSA key is made outside libssh2 (agent or OpenSSL), because 1.10
 * knows no rsa-sha2: there the public key is offered under the name rsa-sha2-256, which makes
 * libssh2 ask for that algorithm, and OpenSSH reads the key all the same.
 */
#include "ssh_session.h"

#include "devenv/fs.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SSH2_FUNCTIONS(X) \
	X(libssh2_userauth_list) \
	X(libssh2_userauth_authenticated) \
	X(libssh2_userauth_publickey) \
	X(libssh2_userauth_publickey_fromfile_ex) \
	X(libssh2_session_last_errno) \
	X(libssh2_session_last_error) \
	X(libssh2_version)
#define LAZY_STRUCT ssh2
LAZY_LIBRARY(ssh2, LAZY_SSH2, SSH2_FUNCTIONS)

#define BLOB_LIMIT ((size_t)16 << 10)
#define PASSPHRASE_TRIES 3
#define SIGN_RSA_SHA256 2 /* flags of draft-miller-ssh-agent */
#define SIGN_RSA_SHA512 4
#define VERSION_WITH_RSA_SHA2 0x010b00

int ssh_auth_load(struct err *err)
{
	return ssh2_load(err);
}

void ssh_auth_note(struct ssh *ssh, const char *label, const char *text)
{
	strv_pushf(&ssh->auth.notes, "%s: %s", label, text);
}

/* === signing === */

/* The algorithm in what is to be signed (RFC 4252 section 7). */
static bool wants_sha512(const unsigned char *data, size_t len)
{
	struct ssh_reader in = {data, len, false};
	const unsigned char *name;
	size_t skipped, name_len;

	ssh_read_string(&in, &skipped); /* session id */
	ssh_read_u8(&in);               /* SSH_MSG_USERAUTH_REQUEST */
	ssh_read_string(&in, &skipped); /* user */
	ssh_read_string(&in, &skipped); /* service */
	ssh_read_string(&in, &skipped); /* "publickey" */
	ssh_read_u8(&in);
	name = ssh_read_string(&in, &name_len);
	return name && name_len == strlen("rsa-sha2-512") &&
	       !memcmp(name, "rsa-sha2-512", name_len);
}

static int sign(LIBSSH2_SESSION *session, unsigned char **signature, size_t *signature_len,
	const unsigned char *data, size_t len, void **context)
{
	struct ssh *ssh = *context;
	struct ssh_candidate *candidate = &ssh->auth.list[ssh->auth.at];
	autobuf struct buf out = BUF_INIT(BLOB_LIMIT);
	bool sha512 = wants_sha512(data, len);
	int rc;

	if (candidate->agent)
		rc = ssh_agent_sign(ssh->config.agent, &candidate->key.blob, data, len,
			!candidate->key.rsa ? 0
			: sha512            ? SIGN_RSA_SHA512
					    : SIGN_RSA_SHA256,
			&out, &ssh->sign_err);
	else
		rc = rsa_key_sign(candidate->key.signer, sha512, data, len, &out, &ssh->sign_err);
	if (rc < 0)
		return -1;
	*signature_len = out.len;
	*signature = (unsigned char *)buf_detach(&out);
	return 0;
}

/* === candidates === */

static struct ssh_candidate *add_candidate(struct ssh_auth *auth)
{
	auth->list = xgrow(auth->list, auth->n, sizeof(*auth->list));
	auth->list[auth->n] = (struct ssh_candidate){.blob = BUF_INIT(BLOB_LIMIT)};
	return &auth->list[auth->n++];
}

/* PubkeyAcceptedAlgorithms. */
static bool allowed(const struct ssh *ssh, const char *algorithm)
{
	autostrv struct strv list = STRV_INIT;

	if (!ssh->config.algorithms[SSH_USER_KEYS])
		return true;
	strv_split(&list, ssh->config.algorithms[SSH_USER_KEYS], ',');
	return strv_has(&list, algorithm);
}

static void make_offer(const struct ssh *ssh, struct ssh_candidate *candidate)
{
	const struct buf *key = &candidate->key.blob;
	const char *name = allowed(ssh, "rsa-sha2-256") ? "rsa-sha2-256" : "rsa-sha2-512";
	size_t skip = 4 + strlen("ssh-rsa");

	buf_reset(&candidate->blob);
	if (candidate->key.rsa && !ssh2.libssh2_version(VERSION_WITH_RSA_SHA2) && key->len > skip) {
		ssh_put_string(&candidate->blob, name, strlen(name));
		buf_add(&candidate->blob, key->data + skip, key->len - skip);
	} else {
		buf_add(&candidate->blob, key->data, key->len);
	}
}

/* Types whose signatures have a form that libssh2 cannot pass on. */
static bool agent_key_usable(const char *type)
{
	return str_eq(type, "ssh-ed25519") || str_eq(type, "ssh-rsa") ||
	       (type && str_starts(type, "ecdsa-sha2-") && !strstr(type, "cert"));
}

/* May the configuration's choice of keys have this one? If not a note says so. */
static bool is_chosen(struct ssh *ssh, const struct buf *blob, const char *type, const char *label)
{
	bool rsa = str_eq(type, "ssh-rsa");
	int bits = ssh_blob_rsa_bits(blob->data, blob->len);

	if (bits && bits < ssh->config.rsa_bits)
		strv_pushf(&ssh->auth.notes,
			"%s: RequiredRSASize of the ssh configuration wants %d bits, and it has %d",
			label, ssh->config.rsa_bits, bits);
	else if (rsa ? !allowed(ssh, "rsa-sha2-256") && !allowed(ssh, "rsa-sha2-512")
		     : type && !allowed(ssh, type))
		strv_pushf(&ssh->auth.notes,
			"%s: PubkeyAcceptedAlgorithms of the ssh configuration does not allow %s",
			label, rsa ? "rsa-sha2-256 and rsa-sha2-512" : type);
	else
		return true;
	return false;
}

static void add_agent_key(struct ssh *ssh, const struct ssh_identity *identity, const char *label)
{
	autofree char *type = ssh_blob_type(identity->blob.data, identity->blob.len);
	struct ssh_candidate *candidate;

	if (!agent_key_usable(type)) {
		strv_pushf(&ssh->auth.notes, "%s (agent): libssh2 has no %s keys" SSH_OTHER_ENGINE,
			label, type ? type : "such");
		return;
	}
	if (!is_chosen(ssh, &identity->blob, type, label))
		return;
	candidate = add_candidate(&ssh->auth);
	candidate->agent = true;
	candidate->key.blob = BUF_INIT(BLOB_LIMIT);
	candidate->key.rsa = str_eq(type, "ssh-rsa");
	candidate->label = xasprintf("%s (agent)", label);
	buf_add(&candidate->key.blob, identity->blob.data, identity->blob.len);
	make_offer(ssh, candidate);
}

/* Notes on what libssh2 leaves out. false: the key itself is of that kind. */
static bool file_key_usable(struct ssh *ssh, const struct ssh_key *key)
{
	autofree char *certificate = xasprintf("%s-cert.pub", key->path);
	autofree char *type = ssh_blob_type(key->blob.data, key->blob.len);

	if (fs_exists(certificate))
		ssh_auth_note(ssh, certificate, "not used by libssh2" SSH_OTHER_ENGINE);
	if (!type || !str_starts(type, "sk-"))
		return is_chosen(ssh, &key->blob, type, key->path);
	ssh_auth_note(ssh, key->path, "libssh2 cannot use security keys" SSH_OTHER_ENGINE);
	return false;
}

static bool same_blob(const struct buf *a, const struct buf *b)
{
	return a->len && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Take the key of `path`: from the agent when that has it, else from the file. */
static void add_file(struct ssh *ssh, const char *path, struct ssh_identities *identities,
	bool *used, struct ssh_candidate *files, size_t *n_files)
{
	struct err problem = ERR_INIT;
	struct ssh_key key;

	if (!fs_exists(path) && !ssh->options.identity)
		return;
	if (ssh_key_open(&key, path, &problem) < 0) {
		strv_push(&ssh->auth.notes, problem.msg);
		return;
	}
	if (!file_key_usable(ssh, &key)) {
		ssh_key_release(&key);
		return;
	}
	for (size_t i = 0; i < identities->n; i++) {
		if (same_blob(&key.blob, &identities->list[i].blob) && !used[i]) {
			used[i] = true;
			add_agent_key(ssh, &identities->list[i], path);
			ssh_key_release(&key);
			return;
		}
	}
	files[(*n_files)++] = (struct ssh_candidate){
		.key = key, .label = xstrdup(path), .blob = BUF_INIT(BLOB_LIMIT)};
}

static void collect(struct ssh *ssh)
{
	struct ssh_identities identities = {0};
	struct strv given = {
		.v = (char *[]){(char *)(uintptr_t)ssh->options.identity, NULL}, .n = 1};
	const struct strv *paths = ssh->options.identity ? &given : &ssh->config.identities;
	autofree struct ssh_candidate *files = xcalloc(paths->n + 1, sizeof(*files));
	autofree bool *used = NULL;
	struct err problem = ERR_INIT;
	size_t n_files = 0;

	if (ssh->config.agent && ssh_agent_list(ssh->config.agent, &identities, &problem) < 0)
		strv_push(&ssh->auth.notes, problem.msg);
	used = xcalloc(identities.n + 1, sizeof(*used));
	for (size_t i = 0; i < paths->n; i++)
		add_file(ssh, paths->v[i], &identities, used, files, &n_files);
	for (size_t i = 0; i < identities.n; i++) {
		if (!used[i] && !ssh->options.identity && !ssh->config.identities_only)
			add_agent_key(ssh, &identities.list[i], identities.list[i].comment);
	}
	for (size_t i = 0; i < n_files; i++)
		*add_candidate(&ssh->auth) = files[i];
	ssh_identities_release(&identities);
}

/* === passphrases === */

static const char *ask_passphrase(struct ssh *ssh, const struct ssh_candidate *candidate)
{
	const char *path = candidate->key.path;
	autofree char *text = xasprintf("Passphrase of %s: ", path);
	struct ssh_prompt prompt = {.text = text, .again = candidate->tries > 0};
	char *answer = ssh_ask_person(ssh, &prompt);

	ssh->auth.nobody |= !answer;
	return answer ? ssh_secret_keep(ssh, path, answer) : NULL;
}

/*
 * Make a file's key usable: 0 ready, -1 passed over (noted). ssh-agent is named because it is the
 * cure for every encrypted key.
 */
static int unlock(struct ssh *ssh, struct ssh_candidate *candidate)
{
	struct ssh_key *key = &candidate->key;
	struct err problem = ERR_INIT;
	const char *secret;

	if (candidate->agent || candidate->unlocked)
		return 0;
	secret = key->encrypted ? ssh_secret_of(ssh, key->path) : NULL;
	if (key->encrypted && !(key->rsa && key->openssh) && !secret)
		secret = ask_passphrase(ssh, candidate);
	if (key->encrypted && !secret && !(key->rsa && key->openssh)) {
		autofree char *text = xasprintf(
			"encrypted, and there is no terminal to ask for its "
			"passphrase: run \"ssh-add %s\" first",
			key->path);

		ssh_auth_note(ssh, candidate->label, text);
		return -1;
	}
	if (key->rsa && ssh_key_unlock(key, secret, &problem) < 0) {
		ssh_secret_forget(ssh, key->path);
		if (!key->openssh && ++candidate->tries < PASSPHRASE_TRIES)
			return unlock(ssh, candidate);
		strv_push(&ssh->auth.notes, problem.msg);
		return -1;
	}
	if (key->rsa)
		make_offer(ssh, candidate);
	candidate->unlocked = true;
	return 0;
}

/* === the exchange === */

static int try_one(struct ssh *ssh, struct ssh_candidate *candidate)
{
	const char *user = ssh->config.user;

	if (candidate->agent || candidate->key.rsa) {
		ssh->sign_context = ssh;
		return ssh2.libssh2_userauth_publickey(ssh->session, user,
			(const unsigned char *)candidate->blob.data, candidate->blob.len, sign,
			&ssh->sign_context);
	}
	return ssh2.libssh2_userauth_publickey_fromfile_ex(ssh->session, user,
		(unsigned int)strlen(user), NULL, candidate->key.path,
		ssh_secret_of(ssh, candidate->key.path));
}

bool ssh_login_ended(const struct ssh *ssh, int rc)
{
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV ||
	       rc == LIBSSH2_ERROR_SOCKET_SEND ||
	       (ssh->end_of_input && ssh->in_start == ssh->in_end);
}

/* Say why the key did not do; false: try it again. */
static bool give_up(struct ssh *ssh, struct ssh_candidate *candidate, int rc)
{
	if (ssh->sign_err.kind) {
		ssh_auth_note(ssh, candidate->label, ssh->sign_err.msg);
		err_clear(&ssh->sign_err);
	} else if (rc == LIBSSH2_ERROR_FILE && candidate->key.encrypted) {
		ssh_secret_forget(ssh, candidate->key.path);
		candidate->unlocked = false;
		if (++candidate->tries < PASSPHRASE_TRIES)
			return false;
		ssh_auth_note(ssh, candidate->label, "wrong passphrase");
	} else if (rc == LIBSSH2_ERROR_FILE) {
		ssh_auth_note(ssh, candidate->label,
			"libssh2 cannot read this key: run \"ssh-add\" on it");
	} else {
		ssh_auth_note(ssh, candidate->label, "not accepted");
	}
	return true;
}

static enum ssh_login with_keys(struct ssh *ssh, const char *method)
{
	struct ssh_auth *auth = &ssh->auth;

	if (!auth->collected)
		collect(ssh);
	auth->collected = true;
	while (auth->at < auth->n) {
		struct ssh_candidate *candidate = &auth->list[auth->at];
		int rc;

		if (unlock(ssh, candidate) < 0) {
			auth->at++;
			continue;
		}
		auth->offered = true;
		ssh_overhear(ssh, SSH_MSG_USERAUTH_FAILURE);
		rc = try_one(ssh, candidate);
		ssh->overheard.wanted = 0;
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return SSH_LOGIN_LATER;
		if (rc == 0 || ssh->overheard.partial) {
			strv_push(&auth->with, candidate->label);
			auth->at++;
			return rc == 0 ? SSH_LOGIN_DONE : SSH_LOGIN_MORE;
		}
		if (ssh_login_ended(ssh, rc)) {
			ssh_auth_note(
				ssh, candidate->label, "the server hung up (too many keys tried?)");
			return SSH_LOGIN_FAILED;
		}
		if (give_up(ssh, candidate, rc))
			auth->at++;
	}
	return SSH_LOGIN_OVER;
}

/* === the methods === */

static const struct {
	const char *name;
	enum ssh_login (*step)(struct ssh *ssh, const char *method);
	bool person;
} ways[] = {
	{"publickey", with_keys, false},
	{"keyboard-interactive", ssh_login_interactive, true},
	{"password", ssh_login_password, true},
};

/* GSSAPI is on in some systems' configuration: it counts only where it would help. */
static void note_gssapi(struct ssh *ssh)
{
	if (ssh->config.gssapi && ssh->auth.methods && strstr(ssh->auth.methods, "gssapi-"))
		ssh_auth_note(ssh, "gssapi-with-mic", "not used by libssh2" SSH_OTHER_ENGINE);
}

static int no_way_in(struct ssh *ssh, struct err *err)
{
	const struct ssh_auth *auth = &ssh->auth;
	autofree char *notes = strv_join(&auth->notes, "; "), *with = strv_join(&auth->with, ", ");
	bool answers = auth->talk.wrong || auth->talk.unanswered;
	bool keys = auth->offered && auth->methods && strstr(auth->methods, "publickey");

	if (auth->with.n)
		err_set(err, ERR_TUNNEL, "%s accepts %s of \"%s\" and wants %s too. %s", ssh->name,
			with, ssh->config.user, auth->methods,
			auth->notes.n ? notes : "That is not possible here" SSH_OTHER_ENGINE);
	else
		err_set(err, ERR_TUNNEL, "%s does not let \"%s\" in (it takes: %s). %s%s",
			ssh->name, ssh->config.user, auth->methods ? auth->methods : "?",
			auth->notes.n ? notes
				      : "There was no key to try: set \"identity\" or run ssh-add",
			keys && !auth->talk.wrong
				? ". Is your public key in that account's authorized_keys?"
				: "");
	if (answers)
		err->os = auth->talk.unanswered || ssh->been_up ? EKEYREJECTED : EPERM;
	return -1;
}

/* 1 the methods are known (or none is needed), 0 later, -1. */
static int list_methods(struct ssh *ssh, struct err *err)
{
	const char *user = ssh->config.user;
	char *methods, *text = NULL;
	int rc;

	methods = ssh2.libssh2_userauth_list(ssh->session, user, (unsigned int)strlen(user));
	if (!methods && ssh2.libssh2_userauth_authenticated(ssh->session))
		return 1;
	rc = ssh2.libssh2_session_last_errno(ssh->session);
	if (!methods && rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (!methods) {
		ssh2.libssh2_session_last_error(ssh->session, &text, NULL, 0);
		return err_set(err, ERR_TUNNEL, "%s ended the login: %s", ssh->name,
			text ? text : "no reason given");
	}
	free(ssh->auth.methods);
	ssh->auth.methods = xstrdup(methods);
	ssh->auth.listed = true;
	return 1;
}

/* The first of the methods that we like, the server takes and that is not exhausted; or NULL. */
static const char *next_method(const struct ssh *ssh, size_t *at)
{
	autostrv struct strv theirs = STRV_INIT;

	strv_split(&theirs, ssh->auth.methods, ',');
	for (size_t i = 0; i < ssh->config.methods.n; i++) {
		const char *name = ssh->config.methods.v[i];

		for (*at = 0; *at < ARRAY_LEN(ways); (*at)++) {
			/* A key that was enough may be so again; others' bans are for less. */
			bool lonely = ssh->auth.nobody || (ssh->been_up && !ssh->by_person);
			bool barred = (ways[*at].person && lonely) ||
				      strv_has(&ssh->config.barred, name);

			if (str_eq(ways[*at].name, name) && strv_has(&theirs, name) && !barred &&
				!(ssh->auth.over & (size_t)1 << *at))
				return ways[*at].name;
		}
	}
	return NULL;
}

static int logged_in(struct ssh *ssh)
{
	autofree char *with = strv_join(&ssh->auth.with, " and ");

	ssh->by_person |= ssh->auth.talk.asked > 0;
	ssh_passed(ssh, SSH_STAGE_LOGIN,
		ssh->auth.with.n ? xasprintf("%s, with %s", ssh->config.user, with)
				 : xasprintf("%s, without a key", ssh->config.user));
	return 1;
}

/* What the server takes from here on, as it said when it refused. */
static void renew_methods(struct ssh *ssh)
{
	if (!ssh->overheard.words)
		return;
	free(ssh->auth.methods);
	ssh->auth.methods = TAKE(ssh->overheard.words);
}

int ssh_auth_step(struct ssh *ssh, struct err *err)
{
	struct ssh_auth *auth = &ssh->auth;
	const char *method;
	size_t at;

	if (!auth->listed) {
		int rc = list_methods(ssh, err);

		if (rc <= 0)
			return rc;
		if (ssh2.libssh2_userauth_authenticated(ssh->session))
			return logged_in(ssh);
	}
	while ((method = next_method(ssh, &at))) {
		enum ssh_login login = ways[at].step(ssh, method);

		if (login == SSH_LOGIN_LATER)
			return 0;
		if (login == SSH_LOGIN_DONE)
			return logged_in(ssh);
		if (login == SSH_LOGIN_FAILED)
			break;
		renew_methods(ssh);
		if (login == SSH_LOGIN_OVER)
			auth->over |= (size_t)1 << at;
		else if (login == SSH_LOGIN_MORE)
			auth->over = 0;
	}
	note_gssapi(ssh);
	return no_way_in(ssh, err);
}

void ssh_auth_reset(struct ssh_auth *auth)
{
	for (size_t i = 0; i < auth->n; i++) {
		ssh_key_release(&auth->list[i].key);
		buf_release(&auth->list[i].blob);
		free(auth->list[i].label);
	}
	free(auth->list);
	free(auth->methods);
	ssh_talk_reset(&auth->talk);
	strv_release(&auth->with);
	strv_release(&auth->notes);
	*auth = (struct ssh_auth){0};
}
