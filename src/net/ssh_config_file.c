/*
 * ssh_config_file.c - the files of ssh_config(5): lines, Host, Match and Include.
 *
 * Every line is checked, also in blocks that do not apply; the first one that is wrong ends it,
 * where ssh would count on and refuse at the end of the file.
 */
#include "ssh_config_reader.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)1 << 20)
#define FILES_MAX 1024 /* in one reading */
#define DEPTH_MAX 16   /* as in ssh */
#define EXEC_TIMEOUT_MS 15000
#define SYSTEM_DIR "/etc/ssh"

/* A file being read. */
struct file {
	const char *path;
	size_t number; /* of the line */
	int depth;     /* of includes */
	bool ours, checked;
	bool never;  /* included from a block that does not apply: only its form counts */
	bool active; /* the block that the line stands in applies */
};

static int read_file(struct ssh_settings *settings, struct file *file, struct err *err);

/* === Host === */

static int read_host(struct ssh_settings *settings, struct file *file, const struct ssh_line *line,
	struct err *err)
{
	file->active = false;
	for (size_t i = 0; i < line->words.n; i++) {
		const char *pattern = line->words.v[i];
		bool negated = *pattern == '!';

		if (!*pattern)
			return ssh_line_bad(line->where, err, "Host has an empty pattern");
		if (file->never)
			break;
		pattern += negated;
		if (!ssh_pattern_matches(pattern, strlen(pattern), settings->host, false))
			continue;
		file->active = !negated;
		if (negated)
			break;
	}
	return 0;
}

/* === Match === */

/* What HostName makes of the host so far. NULL with err. */
static char *host_now(const struct ssh_settings *settings, struct err *err)
{
	struct ssh_tokens tokens = {.host = settings->host};
	const char *name = ssh_setting(settings, "hostname");

	if (settings->final || !name)
		return xstrdup(name ? name : settings->host);
	return ssh_tokens_expand(&tokens, name, "h", err);
}

/* 1 when the command ends with status 0, 0 when not, -1 with err. */
static int match_exec(const struct ssh_settings *settings, const char *host, const char *user,
	const char *command, bool run, struct err *err)
{
	const char *shell = getenv("SHELL"), *port = ssh_setting(settings, "port");
	const char *alias = ssh_setting(settings, "hostkeyalias");
	struct ssh_tokens tokens = {.typed = settings->typed,
		.host = host,
		.user = user,
		.alias = alias ? alias : host,
		.port = 22};
	autofree char *expanded = NULL;
	const char *argv[] = {str_empty(shell) ? "/bin/sh" : shell, "-c", NULL, NULL};
	int status;

	if (port)
		parse_port(port, &tokens.port);
	expanded = ssh_tokens_expand(&tokens, command, SSH_TOKENS, err);
	if (!expanded)
		return -1;
	if (!run)
		return 0;
	argv[2] = expanded;
	status = proc_run(
		&(struct proc_spec){
			.argv = argv, .timeout_ms = EXEC_TIMEOUT_MS, .inherit_stderr = true},
		NULL, NULL, err);
	return status < 0 ? -1 : status == 0;
}

/* One criterion that has an argument: 1, 0, or -1 with err. */
static int match_one(const struct ssh_settings *settings, const char *host, const char *name,
	const char *argument, bool run, struct err *err)
{
	const char *set = ssh_setting(settings, "user"), *user = set ? set : settings->user;
	const char *tag = ssh_setting(settings, "tag");
	autofree char *lower = NULL;

	if (strcasecmp(name, "user") == 0)
		return ssh_pattern_list_matches(argument, user, false);
	if (strcasecmp(name, "localuser") == 0)
		return ssh_pattern_list_matches(argument, settings->user, false);
	if (strcasecmp(name, "tagged") == 0)
		return ssh_pattern_list_matches(argument, tag ? tag : "", false);
	if (strcasecmp(name, "exec") == 0)
		return match_exec(settings, host, user, argument, run, err);
	if (strcasecmp(name, "host") == 0)
		lower = xstrdup(host);
	else if (strcasecmp(name, "originalhost") == 0)
		lower = xstrdup(settings->typed);
	else
		return err_set(err, ERR_TUNNEL,
			"Match knows no \"%s\" here, without an installed ssh, but all, canonical, "
			"final, exec, host, originalhost, user, localuser and tagged",
			name);
	ssh_lower(lower);
	return ssh_pattern_list_matches(argument, lower, true);
}

/* "all" at *at: it may only be the second criterion, and the last. */
static int match_all(char *at, size_t before, struct err *err)
{
	const char *more = ssh_word_next(&at);

	if (before > 1 || (more && *more && *more != '#'))
		return err_set(
			err, ERR_TUNNEL, "\"all\" cannot stand with other criteria of Match");
	return 1;
}

/* 1 when all criteria of `text`, which is cut up, are met, 0, or -1 with err. */
static int match_criteria(struct ssh_settings *settings, const struct file *file, const char *host,
	char *text, struct err *err)
{
	bool result = true;
	size_t n = 0;
	char *word;

	for (; (word = ssh_word_next(&text)) && *word && *word != '#'; n++) {
		bool negated = *word == '!';
		const char *argument;
		int met;

		word += negated;
		if (strcasecmp(word, "all") == 0)
			return match_all(text, n, err) < 0 ? -1 : result && !negated;
		if (strcasecmp(word, "canonical") == 0 || strcasecmp(word, "final") == 0) {
			settings->wants_final |= strcasecmp(word, "final") == 0;
			met = settings->final;
		} else {
			argument = ssh_word_next(&text);
			if (str_empty(argument) || *argument == '#')
				return err_set(err, ERR_TUNNEL, "Match %s has no argument", word);
			met = match_one(
				settings, host, word, argument, result && !file->never, err);
		}
		if (met < 0)
			return -1;
		result = result && met != negated;
	}
	if (!n || (word && !*word && !str_empty(text)))
		return err_set(err, ERR_TUNNEL, "Match has no criteria, or one too many");
	return result;
}

static int read_match(struct ssh_settings *settings, struct file *file, const struct ssh_line *line,
	struct err *err)
{
	autofree char *text = xstrdup(line->text), *host = host_now(settings, err);
	int met = host ? match_criteria(settings, file, host, text, err) : -1;

	if (met < 0)
		return err_wrap(err, "%s", line->where);
	file->active = met && !file->never;
	return 0;
}

/* === Include === */

/* A link that leads nowhere is passed over. */
static int include_found(struct ssh_settings *settings, const struct file *file,
	const glob_t *found, struct err *err)
{
	for (size_t i = 0; i < found->gl_pathc; i++) {
		struct file included = {.path = found->gl_pathv[i],
			.depth = file->depth + 1,
			.ours = file->ours,
			.checked = true,
			.never = file->never || !file->active,
			.active = file->active};

		if (read_file(settings, &included, err) < 0)
			return -1;
	}
	return 0;
}

/* Relative names are below ~/.ssh, in the system's files below /etc/ssh. */
static int include_one(struct ssh_settings *settings, struct file *file,
	const struct ssh_line *line, const char *name, struct err *err)
{
	autofree char *pattern = NULL;
	glob_t found = {0};
	int rc;

	if (!*name || (*name == '~' && !file->ours))
		return ssh_line_bad(line->where, err, "Include cannot be \"%s\"", name);
	pattern = *name == '/' || *name == '~'
			  ? xstrdup(name)
			  : xasprintf("%s/%s", file->ours ? "~/.ssh" : SYSTEM_DIR, name);
	rc = glob(pattern, GLOB_TILDE, NULL, &found);
	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc != 0)
		return ssh_line_bad(line->where, err, "cannot look for %s", pattern);
	rc = include_found(settings, file, &found, err);
	globfree(&found);
	return rc;
}

static int read_include(struct ssh_settings *settings, struct file *file,
	const struct ssh_line *line, struct err *err)
{
	for (size_t i = 0; i < line->words.n; i++)
		if (include_one(settings, file, line, line->words.v[i], err) < 0)
			return -1;
	return 0;
}

/* === lines === */

static bool is_ignored(const struct ssh_settings *settings, const char *name)
{
	const char *list = ssh_setting(settings, "ignoreunknown");

	return list && ssh_pattern_list_matches(list, name, true);
}

static int unknown_keyword(const char *where, const char *name, struct err *err)
{
	const char *meant = ssh_keyword_suggest(name);

	ssh_line_bad(where, err, "ssh knows no \"%s\"", name);
	return meant ? err_hint(err, "did you mean \"%s\"?", meant)
		     : err_hint(err, "\"IgnoreUnknown %s\" before it lets it stand", name);
}

static int apply_line(struct ssh_settings *settings, struct file *file, const char *name,
	struct ssh_line *line, struct err *err)
{
	if (!ssh_arguments_split(line->text, &line->words))
		return ssh_line_bad(line->where, err, "a quote is not closed");
	if (str_eq(name, "host"))
		return read_host(settings, file, line, err);
	if (str_eq(name, "match"))
		return read_match(settings, file, line, err);
	if (str_eq(name, "include"))
		return read_include(settings, file, line, err);
	line->keyword = ssh_keyword_find(name);
	if (line->keyword)
		return line->keyword->apply(settings, line, err);
	return is_ignored(settings, name) ? 0 : unknown_keyword(line->where, name, err);
}

static int read_line(struct ssh_settings *settings, struct file *file, char *text, struct err *err)
{
	autofree char *where = xasprintf("%s line %zu", file->path, file->number);
	struct ssh_line line = {.where = where, .active = file->active};
	size_t len = strlen(text);
	char *name;
	int rc;

	while (len > 1 && strchr(SSH_BLANKS "\f", text[len - 1]))
		text[--len] = '\0';
	name = ssh_word_next(&text);
	if (name && !*name) /* what blanks at the start leave */
		name = ssh_word_next(&text);
	if (str_empty(name) || *name == '#')
		return 0;
	ssh_lower(name);
	line.text = text ? text + strspn(text, SSH_BLANKS) : "";
	if (!*line.text)
		return ssh_line_bad(where, err, "%s has no value", name);
	rc = apply_line(settings, file, name, &line, err);
	strv_release(&line.words);
	return rc;
}

/* === files === */

static int check_owner(const struct file *file, const struct stat *st, struct err *err)
{
	if ((st->st_uid == 0 || st->st_uid == getuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return err_set(err, ERR_TUNNEL,
		"bad owner or permissions on %s: it must be yours or root's, and nobody else may "
		"be able to write to it (chmod go-w %s)",
		file->path, file->path);
}

static int read_file(struct ssh_settings *settings, struct file *file, struct err *err)
{
	autobuf struct buf text = BUF_INIT(FILE_LIMIT);
	struct stat st;
	const char *at;

	if (file->depth > DEPTH_MAX || settings->files++ >= FILES_MAX)
		return err_set(
			err, ERR_TUNNEL, "%s: Include goes too deep, or in a circle", file->path);
	if (stat(file->path, &st) < 0)
		return 0;
	if (file->checked && check_owner(file, &st, err) < 0)
		return -1;
	if (S_ISDIR(st.st_mode)) /* reads as empty */
		return 1;
	if (fs_read(file->path, &text, ERR_TUNNEL, err) < 0)
		return -1;
	at = buf_str(&text);
	while (at < buf_str(&text) + text.len) {
		size_t left = (size_t)(buf_str(&text) + text.len - at);
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : left;
		autofree char *line = xstrndup(at, len);

		file->number++;
		if (read_line(settings, file, line, err) < 0)
			return -1;
		at += len + 1;
	}
	return 1;
}

int ssh_config_read(
	struct ssh_settings *settings, const char *path, bool ours, bool checked, struct err *err)
{
	struct file file = {.path = path, .ours = ours, .checked = checked, .active = true};

	return read_file(settings, &file, err);
}
