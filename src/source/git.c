/*
 * git.c - one clone through libgit2, in the child.
 *
 * libgit2 calls the credential callback until it succeeds or gets an error, so every way in is
 * offered once: an endless loop would lock accounts.  Its last error is thread-local and may be
 * NULL; it is read at once.  What our own callbacks have to say goes before it.
 */
#include "git.h"

#include "clone.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/http.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CREDENTIAL_TIMEOUT_MS 20000

#define GIT_FUNCTIONS(X) \
	X(git_libgit2_init) \
	X(git_libgit2_shutdown) \
	X(git_error_last) \
	X(git_clone) \
	X(git_clone_options_init) \
	X(git_checkout_options_init) \
	X(git_checkout_tree) \
	X(git_checkout_head) \
	X(git_repository_free) \
	X(git_repository_set_head) \
	X(git_repository_set_head_detached) \
	X(git_repository_head_unborn) \
	X(git_remote_set_url) \
	X(git_reference_name_to_id) \
	X(git_reference_free) \
	X(git_commit_lookup) \
	X(git_commit_free) \
	X(git_branch_create) \
	X(git_branch_set_upstream) \
	X(git_revparse_single) \
	X(git_object_id) \
	X(git_object_free) \
	X(git_object_peel) \
	X(git_oid_tostr) \
	X(git_credential_username_new) \
	X(git_credential_ssh_key_new) \
	X(git_credential_ssh_key_from_agent) \
	X(git_credential_userpass_plaintext_new)
#define LAZY_STRUCT git
LAZY_LIBRARY(git, LAZY_GIT, GIT_FUNCTIONS)

struct git_run {
	const struct git_job *job;
	struct clone_ssh ssh;
	bool password_tried;
	struct err err; /* what a callback refused */
};

static int git_failed(const struct git_run *run, const char *doing, struct err *err)
{
	const git_error *last = git.git_error_last();

	if (run->job->cancelled(run->job->ctx))
		return err_set(err, ERR_CANCELLED, "interrupted");
	if (run->err.kind) {
		*err = run->err;
		return -1;
	}
	return err_set(err, ERR_FAILED, "%s: %s", doing,
		last && last->message ? last->message : "no reason given");
}

/* === callbacks === */

/* What git's own credential helpers know. Nobody is asked: there is no terminal here. */
static int ask_git(struct git_run *run, git_credential **out)
{
	static const char *const argv[] = {"git", "credential", "fill", NULL};
	static const char *const env[] = {
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true", NULL};
	autobuf struct buf answer = BUF_INIT(65536);
	autostrv struct strv lines = STRV_INIT;
	autofree char *input = xasprintf("url=%s\n\n", run->job->url);
	const char *user = NULL, *password = NULL;
	struct err ignored = ERR_INIT;

	if (run->password_tried)
		return GIT_EAUTH;
	run->password_tried = true;
	if (proc_run(&(struct proc_spec){.argv = argv,
			     .env = env,
			     .input = input,
			     .timeout_ms = CREDENTIAL_TIMEOUT_MS},
		    &answer, NULL, &ignored) != 0)
		return GIT_EAUTH;
	strv_split(&lines, buf_str(&answer), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		if (str_starts(lines.v[i], "username="))
			user = lines.v[i] + strlen("username=");
		if (str_starts(lines.v[i], "password="))
			password = lines.v[i] + strlen("password=");
	}
	if (str_empty(user) || str_empty(password))
		return GIT_EAUTH;
	return git.git_credential_userpass_plaintext_new(out, user, password);
}

static int next_ssh_key(struct git_run *run, const char *user, git_credential **out)
{
	struct clone_ssh *ssh = &run->ssh;
	const char *key;

	if (!ssh->agent_tried) {
		ssh->agent_tried = true;
		if (ssh->config.agent && !ssh->config.identities_only &&
			access(ssh->config.agent, R_OK | W_OK) == 0)
			return git.git_credential_ssh_key_from_agent(out, user);
	}
	key = clone_ssh_next_key(ssh);
	return key ? git.git_credential_ssh_key_new(out, user, NULL, key, NULL) : GIT_EAUTH;
}

static int on_credentials(git_credential **out, const char *url, const char *url_user,
	unsigned int allowed, void *ctx)
{
	struct git_run *run = ctx;
	const char *user = url_user ? url_user : run->ssh.config.user;
	int result = GIT_EAUTH;

	if (run->job->cancelled(run->job->ctx))
		return GIT_EUSER;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git.git_credential_username_new(out, user ? user : "git");
	if (allowed & GIT_CREDENTIAL_SSH_KEY) {
		result = next_ssh_key(run, user ? user : "git", out);
		if (result == GIT_EAUTH)
			err_set(&run->err, ERR_FAILED,
				"the server accepted none of our keys; is yours in the agent "
				"(`ssh-add`), and known to the server? RSA keys may need libssh2 "
				"1.11: "
				"an ed25519 key works everywhere");
	} else if (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) {
		result = ask_git(run, out);
		if (result == GIT_EAUTH)
			err_set(&run->err, ERR_FAILED,
				"the server wants a user and password; teach git with a credential "
				"helper (`git credential approve`), or use the ssh URL");
	}
	return result;
}

static int on_certificate(git_cert *cert, int valid, const char *host, void *ctx)
{
	const git_cert_hostkey *key = (const git_cert_hostkey *)(const void *)cert;
	struct git_run *run = ctx;

	if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2) {
		if (!(key->type & GIT_CERT_SSH_RAW))
			return GIT_ECERTIFICATE;
		return clone_ssh_check_host(&run->ssh, key->hostkey, key->hostkey_len, &run->err)
			       ? GIT_ECERTIFICATE
			       : 0;
	}
	if (valid)
		return 0;
	err_set(&run->err, ERR_FAILED, "the certificate of %s is not valid", host);
	return GIT_ECERTIFICATE;
}

static int on_transfer(const git_indexer_progress *stats, void *ctx)
{
	struct git_run *run = ctx;

	run->job->progress(
		run->job->ctx, "Receiving", stats->received_objects, stats->total_objects);
	return run->job->cancelled(run->job->ctx) ? GIT_EUSER : 0;
}

static int on_remote_text(const char *text, int len, void *ctx)
{
	struct git_run *run = ctx;

	return run->job->cancelled(run->job->ctx) ? GIT_EUSER : 0;
}

static void on_checkout(const char *path, size_t done, size_t total, void *ctx)
{
	struct git_run *run = ctx;

	run->job->progress(run->job->ctx, "Checking out", done, total);
}

/* === what is checked out === */

static int checkout_head(struct git_run *run, git_repository *repo, struct err *err)
{
	git_checkout_options options;

	git.git_checkout_options_init(&options, GIT_CHECKOUT_OPTIONS_VERSION);
	options.checkout_strategy = GIT_CHECKOUT_FORCE;
	options.progress_cb = on_checkout;
	options.progress_payload = run;
	if (git.git_checkout_head(repo, &options) < 0)
		return git_failed(run, "check out", err);
	return 0;
}

/* HEAD to a branch of the remote: a local one of the same name that follows it. */
static int take_branch(
	struct git_run *run, git_repository *repo, const git_oid *id, struct err *err)
{
	const char *name = run->job->ref;
	autofree char *local = xasprintf("refs/heads/%s", name);
	autofree char *remote = xasprintf("origin/%s", name);
	git_reference *branch = NULL;
	git_commit *commit = NULL;
	int result = git.git_commit_lookup(&commit, repo, id);

	/* The remote's default branch is there already. */
	if (result == 0) {
		result = git.git_branch_create(&branch, repo, name, commit, 0);
		if (result == GIT_EEXISTS)
			result = 0;
		else if (result == 0)
			result = git.git_branch_set_upstream(branch, remote);
	}
	if (result == 0)
		result = git.git_repository_set_head(repo, local);
	git.git_reference_free(branch);
	git.git_commit_free(commit);
	return result < 0 ? git_failed(run, "make the branch", err) : 0;
}

/* HEAD to a tag or commit, detached. */
static int take_commit(struct git_run *run, git_repository *repo, struct err *err)
{
	git_object *found = NULL, *commit = NULL;
	int result = git.git_revparse_single(&found, repo, run->job->ref);

	if (result == 0)
		result = git.git_object_peel(&commit, found, GIT_OBJECT_COMMIT);
	if (result == 0)
		result = git.git_repository_set_head_detached(repo, git.git_object_id(commit));
	git.git_object_free(found);
	git.git_object_free(commit);
	if (result < 0)
		return err_set(
			err, ERR_FAILED, "it has no branch, tag or commit \"%s\"", run->job->ref);
	return 0;
}

static int take_ref(struct git_run *run, git_repository *repo, struct err *err)
{
	autofree char *name = NULL;
	git_oid id;

	if (str_empty(run->job->ref))
		return 0;
	name = xasprintf("refs/remotes/origin/%s", run->job->ref);
	if (git.git_reference_name_to_id(&id, repo, name) == 0)
		return take_branch(run, repo, &id, err);
	return take_commit(run, repo, err);
}

static int check_out(struct git_run *run, git_repository *repo, char commit[41], struct err *err)
{
	git_oid id;

	*commit = '\0';
	if (run->ssh.used && git.git_remote_set_url(repo, "origin", run->job->url) < 0)
		return git_failed(run, "set the remote's URL", err);
	if (take_ref(run, repo, err) < 0)
		return -1;
	if (git.git_repository_head_unborn(repo) == 1)
		return 0;
	if (checkout_head(run, repo, err) < 0)
		return -1;
	if (git.git_reference_name_to_id(&id, repo, "HEAD") == 0)
		git.git_oid_tostr(commit, 41, &id);
	return run->job->cancelled(run->job->ctx) ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
}

/* === the clone === */

static int clone_now(struct git_run *run, char commit[41], struct err *err)
{
	const char *url = run->ssh.used ? run->ssh.url : run->job->url;
	git_repository *repo = NULL;
	git_clone_options options;
	int result;

	git.git_clone_options_init(&options, GIT_CLONE_OPTIONS_VERSION);
	options.checkout_opts.checkout_strategy = GIT_CHECKOUT_NONE;
	options.fetch_opts.callbacks.credentials = on_credentials;
	options.fetch_opts.callbacks.certificate_check = on_certificate;
	options.fetch_opts.callbacks.transfer_progress = on_transfer;
	options.fetch_opts.callbacks.sideband_progress = on_remote_text;
	options.fetch_opts.callbacks.payload = run;
	result = git.git_clone(&repo, url, run->job->path, &options);
	if (result < 0)
		return git_failed(run, "fetch", err);
	result = check_out(run, repo, commit, err);
	git.git_repository_free(repo);
	return result;
}

int git_clone_job(const struct git_job *job, char commit[41], struct err *err)
{
	struct git_run run = {.job = job};
	int result = -1;

	if (git_load(err) < 0)
		return -1;
	git.git_libgit2_init();
	if (clone_ssh_resolve(&run.ssh, job->url, err) == 0) {
		/* libgit2 takes the agent's address from here only. */
		if (run.ssh.config.agent)
			setenv("SSH_AUTH_SOCK", run.ssh.config.agent, 1);
		result = clone_now(&run, commit, err);
	}
	clone_ssh_release(&run.ssh);
	git.git_libgit2_shutdown();
	return result;
}
