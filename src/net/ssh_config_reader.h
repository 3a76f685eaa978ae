/*
 * ssh_config_reader.h - the inside of the built-in reader of ssh_config(5), shared by its files.
 *
 * It does what OpenSSH 9.2 does, with the same refusals, for every key that devenv uses; of other
 * keys it checks only how many words follow.  Words and patterns are in ssh_config_words.c, the
 * table of keys in ssh_config_keys.c, what each takes in ssh_config_values.c and
 * ssh_config_algorithms.c, files and blocks in ssh_config_file.c, and what happens after them
 * (canonical names, defaults) in ssh_config_builtin.c.
 */
#ifndef NET_SSH_CONFIG_READER_H
#define NET_SSH_CONFIG_READER_H

#include "devenv/buf.h"
#include "devenv/err.h"
#include "devenv/ssh_config.h"
#include "devenv/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* === words (ssh_config_words.c) === */

#define SSH_BLANKS " \t\r\n"

/*
 * Cut the next word off *at, as keywords and Match criteria are cut: at blanks or one "=", with
 * double quotes. *at goes behind it, or becomes NULL at the end. NULL: no more, or an open quote.
 */
char *ssh_word_next(char **at);

/*
 * Split arguments: at blanks, with both kinds of quotes and backslashes, up to a "#" that begins a
 * word. false: an open quote.
 */
bool ssh_arguments_split(const char *text, struct strv *words);

/* `*` and `?` (PATTERNS). `fold` takes the pattern, of `len` bytes, in lower case. */
bool ssh_pattern_matches(const char *pattern, size_t len, const char *name, bool fold);

/* Patterns with commas between them: one matches, and none with a "!" does. */
bool ssh_pattern_list_matches(const char *list, const char *name, bool fold);

/* "90", "1m30", "2h", in seconds; false for anything else (TIME FORMATS of sshd_config(5)). */
bool ssh_time_parse(const char *text, int *seconds);

/* 1..65535, or a service's name. */
bool ssh_port_parse(const char *text, uint16_t *port);

/* Letters, digits, "-", "_" and dots, not two in a row, beginning with a letter or digit. */
bool ssh_domain_valid(const char *name);

/* Lower case, in place. */
void ssh_lower(char *text);

/* === settings (ssh_config_keys.c) === */

/* What has been set so far for one host. */
struct ssh_settings {
	const char *typed;   /* the host as the user wrote it */
	char *host;          /* what Host and `Match host` are about */
	char *home, *user;   /* the local user's */
	struct strv *values; /* of each key */
	bool final;          /* the second reading */
	bool wants_final;    /* something asks for a second one */
	size_t files;        /* read so far */
};

enum ssh_print { SSH_PRINT_NOT, SSH_PRINT_ONE, SSH_PRINT_EACH, SSH_PRINT_JOINED };

/* One line of a file. */
struct ssh_line {
	const struct ssh_keyword *keyword;
	const char *where; /* "FILE line N" */
	const char *text;  /* all that follows the keyword */
	struct strv words; /* the same, split */
	bool active;       /* it applies to the host; else it is only checked */
};

/* Check a line and, if it is active and the first for its key, keep its values. */
typedef int ssh_apply_fn(
	struct ssh_settings *settings, const struct ssh_line *line, struct err *err);

struct ssh_keyword {
	const char *name;
	ssh_apply_fn *apply;
	enum ssh_print print;
	const char *fallback; /* printed when nothing sets it, words with blanks between; or NULL */
	const char *const *choices; /* word, value, word, value ... */
	size_t least, most;         /* words, of a key that devenv does not use */
};

void ssh_settings_init(struct ssh_settings *settings, const char *typed);
void ssh_settings_release(struct ssh_settings *settings);

/* NULL when there is none of that name, which must be in lower case. */
const struct ssh_keyword *ssh_keyword_find(const char *name);

/* The keyword that `name` was probably meant to be, or NULL. */
const char *ssh_keyword_suggest(const char *name);

/* The (first) value of a key, NULL when nothing has set it; all its values. Borrowed. */
const char *ssh_setting(const struct ssh_settings *settings, const char *name);
struct strv *ssh_setting_list(const struct ssh_settings *settings, const char *name);

/* In place of what is there; NULL takes it away. */
void ssh_setting_put(struct ssh_settings *settings, const char *name, const char *value);

/* "key value" lines as `ssh -G` prints them, with defaults for what nothing has set. */
void ssh_settings_print(const struct ssh_settings *settings, struct buf *out);

/* === values (ssh_config_values.c) === */

ssh_apply_fn ssh_apply_choice, ssh_apply_time, ssh_apply_number, ssh_apply_text, ssh_apply_rest,
	ssh_apply_command, ssh_apply_port, ssh_apply_file, ssh_apply_hosts, ssh_apply_agent,
	ssh_apply_jump, ssh_apply_domains, ssh_apply_cnames, ssh_apply_rekey, ssh_apply_refusal,
	ssh_apply_words;

/* ERR_TUNNEL: "FILE line N: text". Returns -1. */
int ssh_line_bad(const char *where, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* === lists of algorithms (ssh_config_algorithms.c) === */

/* The list that a keyword is about, or -1. */
int ssh_algorithms_find(const char *key);

/* Are they those that OpenSSH 9.2 has by default? */
bool ssh_algorithms_usual(enum ssh_algorithms list, const char *names);

ssh_apply_fn ssh_apply_algorithms;

/* What `text`, with its "+", "-" or "^" and its patterns, comes to. The caller's. */
char *ssh_algorithms_expand(enum ssh_algorithms list, const char *text);

/* === files (ssh_config_file.c) === */

/*
 * Read a file and what it includes. `ours`: the user's; `checked`: nobody else may be able to write
 * to it. 1, or 0 when it is not there, or -1.
 */
int ssh_config_read(
	struct ssh_settings *settings, const char *path, bool ours, bool checked, struct err *err);

/* === ProxyJump (ssh_jump.c) === */

struct ssh_hop {
	char *user; /* or NULL */
	char *host;
	uint16_t port; /* or 0 */
};

/* "[USER@]HOST[:PORT]" or "ssh://[USER@]HOST[:PORT]". false: it is neither. */
bool ssh_hop_parse(const char *text, struct ssh_hop *hop);
void ssh_hop_release(struct ssh_hop *hop);

/* Hops with commas between, the last one as ssh prints it. NULL: not so. The caller's. */
char *ssh_jump_normal(const char *list);

/* Append the program that leads from its stdin and stdout through config->proxy_jump. */
int ssh_jump_argv(const struct ssh_config *config, struct strv *argv, struct err *err);

/* === tokens (ssh_config_tokens.c) === */

/* What tokens stand for, beside the local user's things. */
struct ssh_tokens {
	const char *typed, *host, *user, *alias;
	uint16_t port;
};

#define SSH_TOKENS "CLdhiklnpru" /* those of most keys, ssh_config(5) TOKENS */

/* Replace "%%" and the "%x" of `allowed`; any other is an error. NULL with err; the caller's. */
char *ssh_tokens_expand(
	const struct ssh_tokens *tokens, const char *text, const char *allowed, struct err *err);

/* SSH_TOKENS, then "~" or "~USER" at the start, and "${NAME}". NULL with err; the caller's. */
char *ssh_path_expand(const struct ssh_tokens *tokens, const char *text, struct err *err);

/* Who runs this, by the passwd file, which ssh believes and not $HOME. The caller's. */
char *ssh_local_home(void);
char *ssh_local_user(void);

#endif
