/*
 * ssh_person.c - logging in with what only a person knows: passwords and one-time codes.
 *
 * keyboard-interactive (RFC 4256) is a conversation: any number of prompts, in rounds, with words
 * before them.  When nobody answers, the session ends without an answer: an empty one would count
 * as a wrong one, and servers ban who gives many of those.  For the same reason a reconnect answers
 * only what it knows, and once: a single prompt without echo, which is a password most of the time.
 */
#include "ssh_session.h"

#include "devenv/clock.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define SSH2_FUNCTIONS(X) \
	X(libssh2_userauth_keyboard_interactive_ex) \
	X(libssh2_userauth_password_ex) \
	X(libssh2_version)
#define LAZY_STRUCT ssh2
LAZY_LIBRARY(ssh2, LAZY_SSH2, SSH2_FUNCTIONS)

#define VERSION_WITH_LONG_PROMPTS 0x010b00
#define INFO_LIMIT ((size_t)16 << 10)

int ssh_person_load(struct err *err)
{
	return ssh2_load(err);
}

/* === secrets that are kept === */

const char *ssh_secret_of(const struct ssh *ssh, const char *name)
{
	for (size_t i = 0; i < ssh->n_secrets; i++) {
		if (str_eq(ssh->secrets[i].name, name))
			return ssh->secrets[i].text;
	}
	return NULL;
}

static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(TAKE(*text));
}

void ssh_secret_forget(struct ssh *ssh, const char *name)
{
	for (size_t i = 0; i < ssh->n_secrets; i++) {
		struct ssh_secret *secret = &ssh->secrets[i];

		if (!str_eq(secret->name, name))
			continue;
		wipe(&secret->text);
		free(secret->name);
		*secret = ssh->secrets[--ssh->n_secrets];
		return;
	}
}

const char *ssh_secret_keep(struct ssh *ssh, const char *name, char *text)
{
	ssh_secret_forget(ssh, name);
	ssh->secrets = xgrow(ssh->secrets, ssh->n_secrets, sizeof(*ssh->secrets));
	ssh->secrets[ssh->n_secrets++] = (struct ssh_secret){xstrdup(name), text};
	return text;
}

void ssh_secrets_free(struct ssh *ssh)
{
	while (ssh->n_secrets)
		ssh_secret_forget(ssh, ssh->secrets[0].name);
	free(TAKE(ssh->secrets));
}

void ssh_talk_reset(struct ssh_talk *talk)
{
	wipe(&talk->answer);
	free(talk->question);
	free(talk->unanswered);
	buf_release(&talk->info);
	*talk = (struct ssh_talk){0};
}

/* === asking === */

char *ssh_ask_person(struct ssh *ssh, const struct ssh_prompt *prompt)
{
	const struct ssh_ask *ask = ssh->options.ask;
	char *answer = ask && ask->answer && !ssh->been_up ? ask->answer(ask->ctx, prompt) : NULL;

	ssh->deadline = clock_ms() + SSH_LOGIN_TIMEOUT_MS; /* people take their time */
	return answer;
}

/* The answer to a question of the server's, which is the caller's; NULL: there is none. */
static char *answer_to(struct ssh *ssh, const char *text, bool echo)
{
	struct ssh_talk *talk = &ssh->auth.talk;
	autofree char *question = xasprintf("(%s) %s", ssh->name, text);
	const char *kept = echo || talk->asked ? NULL : ssh_secret_of(ssh, question);
	struct ssh_prompt prompt = {.text = question,
		.info = talk->info.len ? buf_str(&talk->info) : NULL,
		.echo = echo,
		.again = talk->wrong && !talk->asked_now};
	char *answer = kept && !talk->wrong ? xstrdup(kept) : ssh_ask_person(ssh, &prompt);

	buf_reset(&talk->info);
	talk->asked++;
	talk->asked_now++;
	talk->echo |= echo;
	if (!answer) {
		talk->unanswered = xstrdup(text);
		return NULL;
	}
	wipe(&talk->answer);
	talk->answer = xstrdup(answer);
	free(talk->question);
	talk->question = TAKE(question);
	return answer;
}

/* === keyboard-interactive === */

static void add_info(struct ssh_talk *talk, const char *text, size_t len)
{
	if (!len)
		return;
	talk->info.limit = INFO_LIMIT;
	/* What does not fit is not said. */
	if (buf_add(&talk->info, text, len) == 0 && text[len - 1] != '\n')
		buf_addch(&talk->info, '\n');
}

/* Servers put what there is to say before a prompt into its first lines. */
static char *prompt_line(struct ssh_talk *talk, const char *text, size_t len)
{
	const char *line;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	line = len ? memrchr(text, '\n', len) : NULL;
	line = line ? line + 1 : text;
	add_info(talk, text, (size_t)(line - text));
	return xstrndup(line, len - (size_t)(line - text));
}

/* What libssh2 1.10 and 1.11, of one soname, mean by a prompt. */
struct prompt_short {
	const char *text;
	unsigned int len;
	unsigned char echo;
};

struct prompt_long {
	const char *text;
	size_t len;
	unsigned char echo;
};

static struct prompt_long prompt_at(const void *prompts, int i)
{
	const struct prompt_short *prompt = prompts;

	if (ssh2.libssh2_version(VERSION_WITH_LONG_PROMPTS))
		return ((const struct prompt_long *)prompts)[i];
	return (struct prompt_long){prompt[i].text, prompt[i].len, prompt[i].echo};
}

static void respond(const char *name, int name_len, const char *instruction, int instruction_len,
	int n, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
	LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
	struct ssh *ssh = *abstract;
	struct ssh_talk *talk = &ssh->auth.talk;

	add_info(talk, name, name_len > 0 ? (size_t)name_len : 0);
	add_info(talk, instruction, instruction_len > 0 ? (size_t)instruction_len : 0);
	for (int i = 0; i < n; i++) {
		struct prompt_long prompt = prompt_at(prompts, i);
		autofree char *text = prompt_line(talk, prompt.text, prompt.len);

		responses[i].text = answer_to(ssh, text, prompt.echo);
		if (!responses[i].text)
			return;
		responses[i].length = (unsigned int)strlen(responses[i].text);
	}
}

/* === what came of it === */

static enum ssh_login accepted(struct ssh *ssh, const char *method, enum ssh_login result)
{
	struct ssh_talk *talk = &ssh->auth.talk;

	strv_push(&ssh->auth.with, method);
	talk->wrong = talk->asked_now = 0;
	if (result == SSH_LOGIN_DONE && talk->asked == 1 && !talk->echo)
		ssh_secret_keep(ssh, talk->question, TAKE(talk->answer));
	return result;
}

static enum ssh_login judge(struct ssh *ssh, const char *method, int rc)
{
	struct ssh_talk *talk = &ssh->auth.talk;

	if (rc == 0)
		return accepted(ssh, method, SSH_LOGIN_DONE);
	if (ssh_login_ended(ssh, rc)) {
		ssh_auth_note(ssh, method, "the server hung up");
		return SSH_LOGIN_FAILED;
	}
	if (ssh->overheard.partial)
		return accepted(ssh, method, SSH_LOGIN_MORE);
	if (!talk->asked_now) {
		ssh_auth_note(ssh, method, "refused without a question");
		return SSH_LOGIN_OVER;
	}
	if (talk->question)
		ssh_secret_forget(ssh, talk->question);
	talk->asked -= talk->asked_now;
	talk->asked_now = 0;
	talk->wrong++;
	if (talk->wrong < ssh->config.password_prompts && !ssh->been_up)
		return SSH_LOGIN_AGAIN;
	ssh_auth_note(ssh, method, talk->wrong > 1 ? "wrong answers" : "a wrong answer");
	return SSH_LOGIN_OVER;
}

static enum ssh_login nobody_answered(struct ssh *ssh, const char *method)
{
	const struct ssh_talk *talk = &ssh->auth.talk;

	if (ssh->been_up)
		strv_pushf(&ssh->auth.notes, "%s: \"%s\" can be answered only by a person", method,
			talk->unanswered);
	else
		strv_pushf(&ssh->auth.notes,
			"%s: \"%s\" was not answered (it needs a terminal, and a person)", method,
			talk->unanswered);
	return SSH_LOGIN_FAILED;
}

static bool tried_enough(const struct ssh *ssh)
{
	return ssh->auth.talk.wrong >= ssh->config.password_prompts ||
	       (ssh->been_up && ssh->auth.talk.wrong);
}

enum ssh_login ssh_login_interactive(struct ssh *ssh, const char *method)
{
	const char *user = ssh->config.user;
	int rc;

	if (tried_enough(ssh))
		return SSH_LOGIN_OVER;
	ssh_overhear(ssh, SSH_MSG_USERAUTH_FAILURE);
	rc = ssh2.libssh2_userauth_keyboard_interactive_ex(
		ssh->session, user, (unsigned int)strlen(user), respond);
	ssh->overheard.wanted = 0;
	if (ssh->auth.talk.unanswered)
		return nobody_answered(ssh, method);
	return rc == LIBSSH2_ERROR_EAGAIN ? SSH_LOGIN_LATER : judge(ssh, method, rc);
}

/* === password === */

enum ssh_login ssh_login_password(struct ssh *ssh, const char *method)
{
	struct ssh_talk *talk = &ssh->auth.talk;
	const char *user = ssh->config.user;
	int rc;

	if (tried_enough(ssh))
		return SSH_LOGIN_OVER;
	if (!talk->asked_now) {
		char *answer = answer_to(ssh, "Password: ", false);

		if (!answer)
			return nobody_answered(ssh, method);
		wipe(&answer);
	}
	ssh_overhear(ssh, SSH_MSG_USERAUTH_FAILURE);
	rc = ssh2.libssh2_userauth_password_ex(ssh->session, user, (unsigned int)strlen(user),
		talk->answer, (unsigned int)strlen(talk->answer), NULL);
	ssh->overheard.wanted = 0;
	if (rc == LIBSSH2_ERROR_PASSWORD_EXPIRED) {
		ssh_auth_note(ssh, method,
			"the password has expired: log in with \"ssh\" once to change it");
		return SSH_LOGIN_FAILED;
	}
	return rc == LIBSSH2_ERROR_EAGAIN ? SSH_LOGIN_LATER : judge(ssh, method, rc);
}
