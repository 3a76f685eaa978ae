/* detach.c - the keys that end an attachment, as docker writes them. */
#include "devenv/engine.h"

#include "devenv/str.h"

#include <ctype.h>
#include <string.h>

/* One key's byte; -1 when it is none. */
static int key_byte(const char *key)
{
	static const char others[] = "[\\]^_"; /* behind ctrl-z, from 27 on */
	const char *other;

	if (strlen(key) == 1)
		return (unsigned char)*key;
	if (!str_starts(key, "ctrl-") || strlen(key) != 6)
		return -1;
	if (key[5] == '@')
		return 0;
	if (isalpha((unsigned char)key[5]))
		return tolower((unsigned char)key[5]) - 'a' + 1;
	other = strchr(others, key[5]);
	return other ? (int)(other - others) + 27 : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *keys, struct err *err)
{
	autostrv struct strv list = STRV_INIT;

	*keys = (struct detach_keys){.text = text};
	strv_split(&list, text, ',');
	if (!list.n || list.n > sizeof(keys->bytes))
		return err_set(err, ERR_USAGE, "\"%s\" is not 1 to %d keys with commas between",
			text, (int)sizeof(keys->bytes));
	for (size_t i = 0; i < list.n; i++) {
		int byte = key_byte(list.v[i]);

		if (byte < 0)
			return err_set(err, ERR_USAGE,
				"\"%s\" is no key; write a character, or ctrl- and a letter: "
				"ctrl-p,ctrl-q",
				list.v[i]);
		keys->bytes[keys->n++] = (char)byte;
	}
	return 0;
}
