/* ssh_config_words.c - the words, patterns and numbers of ssh_config(5). */
#include "ssh_config_reader.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

/* === words === */

char *ssh_word_next(char **at)
{
	char *word = *at, *end = word ? strpbrk(word, SSH_BLANKS "\"=") : NULL;
	bool equals;

	*at = end;
	if (!end)
		return word;
	if (*end == '"') { /* wherever it stands, the word goes on to the next one */
		memmove(end, end + 1, strlen(end));
		end = *at = strchr(end, '"');
		if (!end)
			return NULL;
		*end++ = '\0';
		*at = end + strspn(end, SSH_BLANKS);
		return word;
	}
	equals = *end == '=';
	*end++ = '\0';
	end += strspn(end, SSH_BLANKS);
	if (*end == '=' && !equals) {
		end++;
		end += strspn(end, SSH_BLANKS);
	}
	*at = end;
	return word;
}

/* One word from `*at` on; false: its quote is not closed. */
static bool split_one(const char **at, struct buf *word)
{
	const char *c = *at;
	char quote = '\0';

	for (; *c && (quote || (*c != ' ' && *c != '\t')); c++) {
		if (*c == '\\' && c[1] && (strchr("'\"\\", c[1]) || (!quote && c[1] == ' ')))
			buf_addch(word, *++c);
		else if (!quote && (*c == '"' || *c == '\''))
			quote = *c;
		else if (quote && *c == quote)
			quote = '\0';
		else
			buf_addch(word, *c);
	}
	*at = c;
	return !quote;
}

bool ssh_arguments_split(const char *text, struct strv *words)
{
	for (;;) {
		struct buf word = BUF_INIT(0);
		bool closed;

		text += strspn(text, " \t");
		if (!*text || *text == '#')
			return true;
		closed = split_one(&text, &word);
		strv_push_take(words, buf_detach(&word));
		if (!closed)
			return false;
	}
}

void ssh_lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

/* === patterns === */

bool ssh_pattern_matches(const char *pattern, size_t len, const char *name, bool fold)
{
	size_t p = 0, star = SIZE_MAX;
	const char *retry = name;

	while (*name) {
		int c = p < len ? (unsigned char)pattern[p] : -1;

		if (c == '*') {
			star = p++;
			retry = name;
		} else if (c == '?' ||
			   (c >= 0 && (fold ? tolower(c) : c) == (unsigned char)*name)) {
			p++;
			name++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (p < len && pattern[p] == '*')
		p++;
	return p == len;
}

bool ssh_pattern_list_matches(const char *list, const char *name, bool fold)
{
	bool matches = false;

	while (*list) {
		size_t len = strcspn(list, ",");
		bool negated = *list == '!';

		if (ssh_pattern_matches(list + negated, len - negated, name, fold)) {
			if (negated)
				return false;
			matches = true;
		}
		list += len;
		list += *list == ',';
	}
	return matches;
}

/* === numbers and names === */

static int seconds_of(char unit)
{
	switch (tolower((unsigned char)unit)) {
	case '\0':
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

bool ssh_time_parse(const char *text, int *seconds)
{
	int64_t total = 0;

	do {
		size_t digits = strspn(text, "0123456789");
		autofree char *number = xstrndup(text, digits);
		int unit = seconds_of(text[digits]);
		uint64_t count;

		if (!unit || !parse_u64(number, 0, INT_MAX, &count))
			return false;
		total += (int64_t)count * unit;
		if (total > INT_MAX)
			return false;
		text += digits + (text[digits] != '\0');
	} while (*text);
	*seconds = (int)total;
	return true;
}

bool ssh_port_parse(const char *text, uint16_t *port)
{
	struct servent entry, *found = NULL;
	char space[1024];

	if (parse_port(text, port))
		return true;
	if (getservbyname_r(text, "tcp", &entry, space, sizeof(space), &found) != 0 || !found)
		return false;
	*port = ntohs((uint16_t)found->s_port);
	return *port != 0;
}

bool ssh_domain_valid(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr(".-_", *name))
			return false;
		if (*name == '.' && name[1] == '.')
			return false;
	}
	return true;
}
