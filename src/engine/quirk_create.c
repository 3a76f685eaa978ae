/*
 * quirk_create.c - what Podman's Docker-compatible API (4.3) makes of a create request.
 *
 * It joins the words of a healthcheck's {"CMD", ...} with spaces and splits the text again, so
 * "SELECT 1" reaches the check as two words.  {"CMD-SHELL", text} it keeps.  A check with a word
 * that would not survive is therefore handed to Podman as the same command, quoted for a shell.
 *
 * A request without StopTimeout is one with 0 for it: a stop would kill at once, databases too.
 * Docker gives 10 seconds.
 */
#include "engine_priv.h"

#include "devenv/buf.h"
#include "devenv/json.h"
#include "devenv/str.h"

#include <ctype.h>
#include <string.h>

#define COMMAND_MAX ((size_t)1 << 20)
#define STOP_TIMEOUT_S 10

/* Is it still one word, the same, after joining and splitting? */
static bool survives(const char *word)
{
	if (!*word)
		return false;
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && !strchr("-_./:=@%+,", *word))
			return false;
	return true;
}

static void add_quoted(struct buf *out, const char *word)
{
	buf_addstr(out, out->len ? " '" : "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_addstr(out, "'\\''");
		else
			buf_add(out, word, 1);
	}
	buf_addstr(out, "'");
}

/* The test as one shell command, or NULL when it may stay. A new reference. */
static json_t *as_shell(const json_t *test)
{
	autobuf struct buf text = BUF_INIT(COMMAND_MAX);
	bool all = true;

	if (!str_eq(json_string_value(json_array_get(test, 0)), "CMD"))
		return NULL;
	for (size_t i = 1; i < json_array_size(test); i++) {
		const char *word = json_string_value(json_array_get(test, i));

		if (!word)
			return NULL;
		all = all && survives(word);
		add_quoted(&text, word);
	}
	if (all)
		return NULL;
	return json_pack("[s, s]", "CMD-SHELL", buf_str(&text));
}

json_t *quirk_create_body(struct engine *engine, const json_t *body)
{
	json_t *check = json_object_get(body, "Healthcheck"), *shell, *copy;

	if (!engine_facts(engine)->podman)
		return json_incref((json_t *)body);
	copy = json_copy((json_t *)body);
	if (!json_object_get(body, "StopTimeout"))
		json_object_set_new(copy, "StopTimeout", json_integer(STOP_TIMEOUT_S));
	shell = as_shell(json_object_get(check, "Test"));
	if (shell) {
		json_t *changed = json_copy(check);

		json_object_set_new(changed, "Test", shell);
		json_object_set_new(copy, "Healthcheck", changed);
	}
	return copy;
}
