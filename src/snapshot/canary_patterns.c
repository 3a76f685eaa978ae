/*
 * canary_patterns.c - e-mail addresses and card numbers among any bytes (canary.h).
 *
 * An address is looked for around each "@".  A card number has a digit at one of any two
 * neighbouring places, so two that are none rule out all numbers over them: most bytes are skipped.
 */
#include "canary.h"

#include "devenv/mem.h"

#include <string.h>
#include <strings.h>

#define LOCAL_MAX 64
#define DOMAIN_MAX 253
#define TLD_MAX 24

enum byte_class { DIGIT = 1, LETTER = 2, IN_LOCAL = 4, IN_DOMAIN = 8 };

#define ALPHA (LETTER | IN_LOCAL | IN_DOMAIN)

static const unsigned char classes[256] = {
	['0' ... '9'] = DIGIT | IN_LOCAL | IN_DOMAIN,
	['A' ... 'Z'] = ALPHA,
	['a' ... 'z'] = ALPHA,
	['.'] = IN_LOCAL | IN_DOMAIN,
	['-'] = IN_LOCAL | IN_DOMAIN,
	['_'] = IN_LOCAL,
	['%'] = IN_LOCAL,
	['+'] = IN_LOCAL,
	['\''] = IN_LOCAL,
};

static bool is(unsigned char byte, enum byte_class wanted)
{
	return classes[byte] & wanted;
}

/* === what is allowed === */

/* Is `text` the entry, or what begins with it when it ends with "*"? */
static bool same(const char *entry, const char *text, size_t len)
{
	size_t n = strlen(entry);

	if (n && entry[n - 1] == '*')
		return n - 1 <= len && strncasecmp(entry, text, n - 1) == 0;
	return n == len && strncasecmp(entry, text, n) == 0;
}

/* The domain, or one above it. */
static bool covers_domain(const char *entry, const char *domain, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((i == 0 || domain[i - 1] == '.') && same(entry, domain + i, len - i))
			return true;
	return false;
}

/* Before an address other columns may stand: the entry's own length counts. */
static bool covers_address(
	const char *entry, const char *local, size_t local_len, const char *domain, size_t len)
{
	const char *at = strchr(entry, '@');
	size_t n = at ? (size_t)(at - entry) : 0;

	return at && n <= local_len && strncasecmp(entry, local + local_len - n, n) == 0 &&
	       same(at + 1, domain, len);
}

static bool allowed_address(const struct canary_rules *rules, const char *local, size_t local_len,
	const char *domain, size_t len)
{
	for (size_t i = 0; i < rules->n_allowed; i++)
		if (covers_domain(rules->allowed[i], domain, len) ||
			covers_address(rules->allowed[i], local, local_len, domain, len))
			return true;
	return false;
}

static bool allowed_number(const struct canary_rules *rules, const char *text, size_t len)
{
	for (size_t i = 0; i < rules->n_allowed; i++)
		if (same(rules->allowed[i], text, len))
			return true;
	return false;
}

/* === e-mail addresses === */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Up to where a new column begins with a capital. */
static size_t cut_at_capital(const char *domain, size_t len)
{
	const char *dot = memchr(domain, '.', len);

	for (size_t i = dot ? (size_t)(dot - domain) + 1 : len; i < len; i++)
		if (is_upper(domain[i]) && is_lower(domain[i - 1]))
			return i;
	return len;
}

/* The length of the domain that the run of its characters begins with; 0: it is none. */
static size_t domain_length(const char *domain, size_t len)
{
	len = cut_at_capital(domain, len);
	for (;;) {
		const char *dot = len ? memrchr(domain, '.', len) : NULL;
		size_t label, tld = 0, before = 0;

		if (!dot)
			return 0;
		label = (size_t)(dot - domain) + 1;
		while (label + tld < len && is((unsigned char)domain[label + tld], LETTER))
			tld++;
		while (before < label - 1 && domain[label - 2 - before] != '.')
			before++;
		if (tld >= 2 && tld <= TLD_MAX && before >= 2)
			return label + tld;
		len = label - 1;
	}
}

static void try_address(const struct canary_look *look, size_t at)
{
	const char *data = look->view->data;
	const char *domain = data + at + 1;
	size_t local = 0, run = 0, len;

	while (local < LOCAL_MAX && local < at && is((unsigned char)data[at - 1 - local], IN_LOCAL))
		local++;
	if (local < 2)
		return;
	while (run < DOMAIN_MAX && at + 1 + run < look->view->len &&
		is((unsigned char)domain[run], IN_DOMAIN))
		run++;
	if (!canary_is_ours(look->view, at + 1 + run))
		return;
	len = domain_length(domain, run);
	if (len && !allowed_address(look->rules, data + at - local, local, domain, len))
		look->found(look->ctx,
			&(struct canary_hit){CANARY_EMAIL, at - local, local + 1 + len, 0});
}

void canary_emails(const struct canary_look *look)
{
	const char *data = look->view->data, *end = data + look->view->len;

	for (const char *at = data; at < end && (at = memchr(at, '@', (size_t)(end - at))); at++)
		try_address(look, (size_t)(at - data));
}

/* === card numbers === */

#define CARD_MIN 13
#define CARD_MAX 19
#define STRIDE (CARD_MIN - 1)
/* As far back as a number's first digit may be from one of its others: 4-4-4-4. */
#define GROUPS_MAX 19

struct brand {
	unsigned from, to; /* the first digits */
	size_t digits;     /* how many those are */
	size_t len;
};

static const struct brand brands[] = {
	{4, 4, 1, 16},
	{51, 55, 2, 16},
	{2221, 2720, 4, 16},
	{34, 34, 2, 15},
	{37, 37, 2, 15},
	{6011, 6011, 4, 16},
	{644, 659, 3, 16},
	{3528, 3589, 4, 16},
	{62, 62, 2, 16},
	{300, 305, 3, 14},
	{36, 36, 2, 14},
	{38, 39, 2, 14},
	{4, 4, 1, 13},
	{4, 4, 1, 19},
	{62, 62, 2, 19},
};

static bool has_brand(const unsigned char *digits, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(brands); i++) {
		unsigned number = 0;

		for (size_t d = 0; d < brands[i].digits; d++)
			number = number * 10 + digits[d];
		if (brands[i].len == len && number >= brands[i].from && number <= brands[i].to)
			return true;
	}
	return false;
}

/* ISO/IEC 7812-1 annex B. */
static bool luhn(const unsigned char *digits, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = digits[i] * ((len - i) % 2 ? 1u : 2u);

		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

static bool is_card(const char *text, size_t len)
{
	unsigned char digits[CARD_MAX];
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (is((unsigned char)text[i], DIGIT))
			digits[n++] = (unsigned char)(text[i] - '0');
	return has_brand(digits, n) && luhn(digits, n);
}

static void try_number(const struct canary_look *look, size_t at, size_t len)
{
	const char *text = (const char *)look->view->data + at;

	if (is_card(text, len) && !allowed_number(look->rules, text, len))
		look->found(look->ctx, &(struct canary_hit){CANARY_CARD, at, len, 0});
}

/* A run of digits in [at, at + n), whose begin is known. */
static void try_run(const struct canary_look *look, size_t at, size_t n)
{
	const char *data = look->view->data;

	if (n < CARD_MIN ||
		(at >= 2 && data[at - 1] == '.' && is((unsigned char)data[at - 2], DIGIT)))
		return;
	/* Where its end is unknown and matters, it is the next view's. */
	if (!canary_is_ours(look->view, at + (n < CARD_MAX + 1 ? n : CARD_MAX + 1)))
		return;
	if (n <= CARD_MAX)
		try_number(look, at, n);
	if (n > 16) {
		try_number(look, at, 16);
		try_number(look, at, 15);
	}
}

/* Groups of digits with the same separator between them, the first at `at`. */
static void try_groups(const struct canary_look *look, size_t at, const char *groups)
{
	const char *data = look->view->data;
	char separator = at + 4 < look->view->len ? data[at + 4] : '\0';
	size_t end = at;

	if (separator != '-' && separator != ' ')
		return;
	for (; *groups; groups++) {
		size_t len = (size_t)(*groups - '0');

		if (end + len > look->view->len)
			return;
		for (size_t i = 0; i < len; i++)
			if (!is((unsigned char)data[end + i], DIGIT))
				return;
		end += len;
		if (groups[1] && (end == look->view->len || data[end++] != separator))
			return;
	}
	if (canary_is_ours(look->view, end))
		try_number(look, at, end - at);
}

static bool is_separator(char c)
{
	return c == '-' || c == ' ';
}

/* Part of something longer, as a UUID: "9b2e-4111-..." */
static bool is_inner_group(const char *data, size_t at)
{
	return at >= 2 && data[at - 1] == '-' && is((unsigned char)data[at - 2], DIGIT | LETTER);
}

/* The number at the run of digits [at, at + n). */
static void try_digits(const struct canary_look *look, size_t at, size_t n)
{
	const char *data = look->view->data;

	if (at == 0 && !look->view->first)
		return;
	try_run(look, at, n);
	if (n == 4 && !is_inner_group(data, at)) {
		try_groups(look, at, "4444");
		try_groups(look, at, "465");
	}
}

/* Back to where the digits around `at` begin, with separators between them, not before `done`. */
static size_t digits_begin(const char *data, size_t at, size_t done)
{
	size_t begin = at;

	while (begin > done && is((unsigned char)data[begin - 1], DIGIT))
		begin--;
	while (at - begin < GROUPS_MAX && begin > done + 1 && is_separator(data[begin - 1]) &&
		is((unsigned char)data[begin - 2], DIGIT)) {
		begin--;
		while (begin > done && is((unsigned char)data[begin - 1], DIGIT))
			begin--;
	}
	return begin;
}

void canary_cards(const struct canary_look *look)
{
	const char *data = look->view->data;
	size_t len = look->view->len, done = 0, i = 0;

	while (i < len) {
		size_t at;

		if (!is((unsigned char)data[i], DIGIT) &&
			(i + 1 == len || !is((unsigned char)data[i + 1], DIGIT))) {
			i += STRIDE;
			continue;
		}
		for (at = digits_begin(data, i, done); at <= i + 1 && at < len;) {
			size_t n = 0;

			while (at + n < len && is((unsigned char)data[at + n], DIGIT))
				n++;
			if (n)
				try_digits(look, at, n);
			at += n ? n : 1;
		}
		done = i = at;
	}
}
