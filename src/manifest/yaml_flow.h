/*
 * yaml_flow.h - words in [ ] and { } that end with a colon; private to this module.
 *
 * In `{A:}` and `[a:, b]` YAML 1.2 has keys without a value, libyaml an error, and docker compose
 * (go-yaml) the words "A:" and "a:".  To be read as there, such a colon is replaced by a character
 * that takes one column as well, and put back into the word.
 *
 *	if (yaml_flow_colon(&parser))
 *		text = yaml_flow_replace(text, &len);	parse this, and of each word:
 *	yaml_flow_restore(word);
 */
#ifndef DEVENV_MANIFEST_YAML_FLOW_H
#define DEVENV_MANIFEST_YAML_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* true when `parser`, which reads from a string, stopped at a colon that can be replaced. */
bool yaml_flow_colon(const yaml_parser_t *parser);

/*
 * The text (UTF-8) with all those colons replaced, and its length; the caller's. NULL: there are
 * too many, or the text has the replacing character.
 */
char *yaml_flow_replace(const char *text, size_t *len);

/* Put the colon back, in place; true when there was one to put back. */
bool yaml_flow_restore(char *word);

#endif
