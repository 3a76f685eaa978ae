/*
 * yaml_syntax.h - what is wrong with text that libyaml cannot read, in words of our own; private to
 * this module.
 */
#ifndef DEVENV_MANIFEST_YAML_SYNTAX_H
#define DEVENV_MANIFEST_YAML_SYNTAX_H

#include "devenv/diag.h"

#include <yaml.h>

/*
 * Report the error that `parser` stopped at, where the mistake probably is: libyaml often notices
 * lines later.  `parser` reads from a string.
 */
void yaml_syntax_error(const yaml_parser_t *parser, const char *file, struct diags *diags);

#endif
