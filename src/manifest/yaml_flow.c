/* yaml_flow.c - see yaml_flow.h. */
#include "yaml_flow.h"

#include "devenv/buf.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define COLON "\xee\x80\x80"       /* U+E000, of the private use area */
#define READ_MAX ((size_t)4 << 20) /* bytes read again for all colons together */
#define TEXT_MAX (READ_MAX * 2)    /* of a text, grown by replacing */

static const char *text_start(const yaml_parser_t *parser)
{
	return (const char *)parser->input.string.start;
}

static const char *text_end(const yaml_parser_t *parser)
{
	return (const char *)parser->input.string.end;
}

/* The byte at which the parser stopped: marks count characters, without a byte order mark. */
static const char *stopped_at(const yaml_parser_t *parser)
{
	const char *at = text_start(parser), *end = text_end(parser);
	size_t left = parser->problem_mark.index;

	if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	for (; at < end && left; left--)
		for (at++; at < end && ((unsigned char)*at & 0xc0) == 0x80; at++) {
		}
	return at;
}

bool yaml_flow_colon(const yaml_parser_t *parser)
{
	const char *at;

	if (parser->error != YAML_SCANNER_ERROR || !str_eq(parser->problem, "found unexpected ':'"))
		return false;
	at = stopped_at(parser);
	return text_end(parser) - at >= 2 && *at == ':' && strchr(",]}", at[1]);
}

/* Where in `text` the first such colon is; NULL: there is none. */
static const char *find_colon(const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_token_t token;
	const char *found = NULL;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		return NULL;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (more && yaml_parser_scan(&parser, &token)) {
		more = token.type != YAML_STREAM_END_TOKEN;
		yaml_token_delete(&token);
	}
	if (more && yaml_flow_colon(&parser))
		found = stopped_at(&parser);
	yaml_parser_delete(&parser);
	return found;
}

char *yaml_flow_replace(const char *text, size_t *len)
{
	autofree char *now = xstrndup(text, *len);
	size_t size = *len, read = 0;
	const char *colon;

	if (*len > READ_MAX || strstr(now, COLON))
		return NULL;
	while ((colon = find_colon(now, size))) {
		autobuf struct buf next = BUF_INIT(TEXT_MAX);

		read += size;
		buf_add(&next, now, (size_t)(colon - now));
		buf_addstr(&next, COLON);
		if (read > READ_MAX || buf_addstr(&next, colon + 1) < 0)
			return NULL;
		size = next.len;
		cleanup_free(&now);
		now = buf_detach(&next);
	}
	*len = size;
	return TAKE(now);
}

bool yaml_flow_restore(char *word)
{
	size_t len = strlen(word), mark = strlen(COLON);

	if (len < mark || !str_eq(word + len - mark, COLON))
		return false;
	word[len - mark] = ':';
	word[len - mark + 1] = '\0';
	return true;
}
