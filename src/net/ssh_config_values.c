/* ssh_config_values.c - what may follow a key of ssh_config(5), and what is kept of it. */
#include "ssh_config_reader.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILES_MAX 100 /* of IdentityFile and CertificateFile each, as in ssh */
#define HOSTS_MAX 32

int ssh_line_bad(const char *where, struct err *err, const char *fmt, ...)
{
	autofree char *what = NULL;
	va_list args;

	va_start(args, fmt);
	what = xvasprintf(fmt, args);
	va_end(args);
	return err_set(err, ERR_TUNNEL, "%s: %s", where, what);
}

static struct strv *values_of(struct ssh_settings *settings, const struct ssh_line *line)
{
	return ssh_setting_list(settings, line->keyword->name);
}

/* The first value wins. */
static void keep(struct ssh_settings *settings, const struct ssh_line *line, const char *value)
{
	struct strv *values = values_of(settings, line);

	if (line->active && !values->n)
		strv_push(values, value);
}

static int bad_value(const struct ssh_line *line, struct err *err)
{
	return ssh_line_bad(line->where, err, "%s cannot be \"%s\"", line->keyword->name,
		line->words.n ? line->words.v[0] : "");
}

/* Exactly one word, not an empty one: it is returned. NULL with err. */
static const char *only_word(const struct ssh_line *line, struct err *err)
{
	if (line->words.n > 1)
		ssh_line_bad(line->where, err, "%s takes one value, and \"%s\" is one too many",
			line->keyword->name, line->words.v[1]);
	else if (!line->words.n || !*line->words.v[0])
		ssh_line_bad(line->where, err, "%s has no value", line->keyword->name);
	else
		return line->words.v[0];
	return NULL;
}

int ssh_apply_choice(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);

	if (!word)
		return -1;
	for (const char *const *choice = line->keyword->choices; *choice; choice += 2) {
		if (strcasecmp(word, choice[0]) == 0) {
			keep(settings, line, choice[1]);
			return 0;
		}
	}
	return bad_value(line, err);
}

int ssh_apply_time(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);
	autofree char *text = NULL;
	int seconds;

	if (!word)
		return -1;
	if (str_eq(word, "none")) /* as if the line were not there */
		return 0;
	if (!ssh_time_parse(word, &seconds))
		return bad_value(line, err);
	text = xasprintf("%d", seconds);
	keep(settings, line, text);
	return 0;
}

int ssh_apply_number(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);
	autofree char *text = NULL;
	uint64_t number;

	if (!word)
		return -1;
	if (!parse_u64(word, 0, INT_MAX, &number))
		return bad_value(line, err);
	text = xasprintf("%d", (int)number);
	keep(settings, line, text);
	return 0;
}

int ssh_apply_text(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);

	if (!word)
		return -1;
	keep(settings, line, word);
	return 0;
}

static const char *rest_of(const struct ssh_line *line)
{
	return line->text + strspn(line->text, SSH_BLANKS "=");
}

int ssh_apply_rest(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	keep(settings, line, rest_of(line));
	return 0;
}

/* Of ProxyCommand and ProxyJump the first that is set counts, but "ProxyJump none" does nothing. */
static bool way_is_set(const struct ssh_settings *settings)
{
	const char *jump = ssh_setting(settings, "proxyjump");

	return ssh_setting(settings, "proxycommand") || (jump && !str_eq(jump, "none"));
}

int ssh_apply_command(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	if (!way_is_set(settings))
		keep(settings, line, rest_of(line));
	return 0;
}

int ssh_apply_jump(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *rest = rest_of(line);
	autofree char *first = xstrndup(rest, strcspn(rest, "#" SSH_BLANKS "\f\v")), *jump = NULL;

	if (strcasecmp(rest, "none") == 0) {
		keep(settings, line, "none");
		return 0;
	}
	jump = ssh_jump_normal(first);
	if (!jump)
		return ssh_line_bad(line->where, err,
			"\"%s\" is no ProxyJump: [USER@]HOST[:PORT] or ssh://[USER@]HOST[:PORT], "
			"with commas between",
			rest);
	if (!way_is_set(settings))
		keep(settings, line, jump);
	return 0;
}

int ssh_apply_port(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);
	autofree char *text = NULL;
	uint16_t port;

	if (!word)
		return -1;
	if (!ssh_port_parse(word, &port))
		return bad_value(line, err);
	text = xasprintf("%u", port);
	keep(settings, line, text);
	return 0;
}

/* Each line adds one. */
int ssh_apply_file(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);
	struct strv *values = values_of(settings, line);

	if (!word)
		return -1;
	if (!line->active || strv_has(values, word))
		return 0;
	if (values->n >= FILES_MAX)
		return ssh_line_bad(line->where, err, "more than %d files for %s", FILES_MAX,
			line->keyword->name);
	strv_push(values, word);
	return 0;
}

/* Words of which "none" may only be the first and last; no empty ones. */
static int check_list(const struct ssh_line *line, struct err *err)
{
	const struct strv *words = &line->words;

	for (size_t i = 0; i < words->n; i++) {
		if (!*words->v[i])
			return ssh_line_bad(
				line->where, err, "%s has an empty value", line->keyword->name);
		if (strcasecmp(words->v[i], "none") == 0 && words->n > 1)
			return ssh_line_bad(line->where, err, "\"none\" must stand alone after %s",
				line->keyword->name);
	}
	return 0;
}

/* The first line wins, whole. */
static int keep_list(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	struct strv *values = values_of(settings, line);

	if (!line->active || values->n)
		return 0;
	if (line->words.n > HOSTS_MAX)
		return ssh_line_bad(line->where, err, "more than %d values for %s", HOSTS_MAX,
			line->keyword->name);
	strv_extend(values, &line->words);
	return 0;
}

int ssh_apply_hosts(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	return check_list(line, err) < 0 ? -1 : keep_list(settings, line, err);
}

int ssh_apply_domains(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	if (check_list(line, err) < 0)
		return -1;
	for (size_t i = 0; i < line->words.n; i++) {
		char *domain = line->words.v[i];
		size_t len = strlen(domain);

		if (!ssh_domain_valid(domain))
			return ssh_line_bad(line->where, err, "\"%s\" is no domain", domain);
		ssh_lower(domain);
		if (domain[len - 1] == '.')
			domain[len - 1] = '\0';
	}
	return keep_list(settings, line, err);
}

/* "none", "*", or "NAMES:NAMES". */
int ssh_apply_cnames(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	if (check_list(line, err) < 0)
		return -1;
	for (size_t i = 0; i < line->words.n; i++) {
		char *rule = line->words.v[i], *colon = strchr(rule, ':');

		if (strcasecmp(rule, "none") != 0 && !str_eq(rule, "*") && (!colon || !colon[1]))
			return ssh_line_bad(line->where, err,
				"\"%s\" is no rule of the form NAMES:NAMES", rule);
		ssh_lower(rule);
	}
	return keep_list(settings, line, err);
}

static bool is_variable_name(const char *name)
{
	const char *c = name;

	while (isalnum((unsigned char)*c) || *c == '_')
		c++;
	return c > name && !*c;
}

/* A path with "${NAME}" in it, or "$NAME" alone. */
int ssh_apply_agent(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const char *word = only_word(line, err);

	if (!word)
		return -1;
	for (const char *at = strstr(word, "${"); at; at = strstr(at, "${")) {
		size_t len = strcspn(at + 2, "}");
		autofree char *name = xstrndup(at + 2, len);

		at += 2 + len;
		if (!*at || !len || !getenv(name))
			return ssh_line_bad(
				line->where, err, "the variable \"%s\" is not set", name);
	}
	if (*word == '$' && word[1] != '{' && !is_variable_name(word + 1))
		return bad_value(line, err);
	keep(settings, line, word);
	return 0;
}

/* A number with a letter for 1024, 1024 times that, and so on. */
static bool parse_scaled(const char *text, uint64_t *out)
{
	static const char letters[] = "BKMGTPE";
	size_t len = strlen(text);
	const char *letter = strchr(letters, toupper((unsigned char)text[len - 1]));
	autofree char *number = xstrndup(text, len - (letter != NULL));
	double value;

	if (!parse_double(number, &value) || value < 0)
		return false;
	value *= (double)((uint64_t)1 << (letter ? 10 * (letter - letters) : 0));
	if (value >= (double)INT64_MAX)
		return false;
	*out = (uint64_t)value;
	return true;
}

/*
 * BYTES or "default", and perhaps a time; the first of each wins. The list gets both, as numbers.
 */
int ssh_apply_rekey(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	struct strv *values = values_of(settings, line);
	const struct strv *words = &line->words;
	uint64_t bytes = 0;
	bool timed = words->n > 1 && !str_eq(words->v[1], "none");
	int seconds;

	if (!words->n || !*words->v[0] || words->n > 2)
		return ssh_line_bad(line->where, err, "RekeyLimit has too %s values",
			words->n > 2 ? "many" : "few");
	if (!str_eq(words->v[0], "default") &&
		(!parse_scaled(words->v[0], &bytes) || (bytes && bytes < 16)))
		return bad_value(line, err);
	if (timed && !ssh_time_parse(words->v[1], &seconds))
		return bad_value(line, err);
	if (line->active && !values->n)
		strv_pushf(values, "%" PRIu64, bytes);
	if (line->active && values->n == 1 && timed)
		strv_pushf(values, "%d", seconds);
	return 0;
}

int ssh_apply_words(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	const struct ssh_keyword *key = line->keyword;

	if (line->words.n >= key->least && line->words.n <= key->most)
		return 0;
	return ssh_line_bad(line->where, err, "%s has too %s values", key->name,
		line->words.n < key->least ? "few" : "many");
}

/* As ssh 10.1 has it: whoever comes to this line may not connect. */
int ssh_apply_refusal(struct ssh_settings *settings, const struct ssh_line *line, struct err *err)
{
	if (line->words.n != 1 || !*line->words.v[0])
		return ssh_line_bad(line->where, err, "RefuseConnection takes one text");
	if (!line->active)
		return 0;
	return ssh_line_bad(line->where, err, "RefuseConnection: %s", line->words.v[0]);
}
