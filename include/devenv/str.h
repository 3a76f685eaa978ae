/*
 * str.h - text: comparing, and the one place where numbers, sizes and durations are read.
 *
 * The parse functions accept the whole text or nothing (no sign, space or trailing characters
 * unless said) and leave `out` alone on failure.
 */
#ifndef DEVENV_STR_H
#define DEVENV_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_empty(const char *s); /* NULL or "" */

/* What Compose takes for yes in a variable: 1, t, true or y, in any case; NULL is not. */
bool str_is_true(const char *s);

/* Cut spaces, tabs and line ends off both sides, in place; returns the new start. */
char *str_trim(char *s);

/* In single quotes, for a POSIX shell. The caller's. */
char *str_shell_quote(const char *s);

/* Decimal integers within [min, max]. parse_i64 allows a leading '-'. false: not such a number. */
bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool parse_i64(const char *text, int64_t min, int64_t max, int64_t *out);
bool parse_port(const char *text, uint16_t *out); /* 1..65535 */
bool parse_octal(const char *text, uint64_t max, uint64_t *out);
bool parse_double(const char *text, double *out);

/* "512", "64k", "1.5G", "2gb", "10MiB": bytes, powers of 1024 (Docker's go-units RAMInBytes). */
bool parse_bytes(const char *text, int64_t *out);

/* Go durations: "1h30m", "1.5s", "100ms", "-2s" is refused; nanoseconds. */
bool parse_duration(const char *text, int64_t *ns);

/* The duration as Go prints it: 90000000000 is "1m30s". The caller's. */
char *format_duration(int64_t ns);

/* For people: "1.4 GB" (powers of 1000), "3.2 s". Written into `out` (at least 16 bytes). */
const char *format_bytes(char out[16], uint64_t bytes);
const char *format_ms(char out[16], int64_t ms);

/* The word of `words` (NULL-terminated) that `word` was probably meant to be, or NULL. */
const char *str_suggest(const char *word, const char *const *words);

/* Edit distance with transpositions (optimal string alignment); texts over 64 bytes give 64. */
int str_distance(const char *a, const char *b);

/* true when `text` is well-formed UTF-8 (RFC 3629) without NUL. */
bool str_is_utf8(const char *text, size_t len);

/*
 * The bytes of the character at `s` (1 when it is no UTF-8), of `left`. `columns`: those it takes
 * on a terminal, or -1 when it must not reach one: controls, bidirectional ones too, and what is no
 * UTF-8.
 */
size_t str_character(const char *s, size_t left, int *columns);

#endif
