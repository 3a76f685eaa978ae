/*
 * interpolate.c - ${VAR} in every value of a tree (keys are never interpolated).
 *
 * What comes out stays a string, whatever it looks like: a later step knows the type of each key
 * and casts, as Compose does.  A required variable that is missing is an error at its place; a
 * variable that is not set and has no default becomes empty with a warning.
 */
#include "pipeline.h"

#include "place.h"
#include "template.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

#define VALUE_MAX ((size_t)1 << 20)
#define TOTAL_MAX ((size_t)8 << 20) /* of all results: variables can hold much */

struct walk {
	struct arena *arena;
	struct diags *diags;
	struct template template;
	const struct node *node; /* the scalar being replaced */
	const struct place *place;
	size_t total;
};

static void warn_unset(void *context, const char *name)
{
	struct walk *walk = context;
	autofree char *path = place_text(walk->place);
	autofree char *help = xasprintf(
		"set it in .env or the environment, or write ${%s:-default}", name);

	node_warning(walk->diags, walk->node, path, help,
		"the variable \"%s\" is not set: an empty string is used", name);
}

static void replace(struct walk *walk, struct node *node)
{
	autobuf struct buf out = BUF_INIT(VALUE_MAX);

	walk->node = node;
	if (template_expand(&walk->template, node->text, &out) < 0) {
		autofree char *path = place_text(walk->place);

		node_error(walk->diags, node, path, NULL, "%s", walk->template.problem);
		return;
	}
	walk->total += out.len;
	if (walk->total > TOTAL_MAX) {
		node_error(walk->diags, node, NULL, NULL, "the variables make the file too large");
		return;
	}
	node->text = arena_strdup(walk->arena, buf_str(&out));
}

static void visit(struct walk *walk, struct node *node, const struct place *place)
{
	if (node->tag == TAG_RESET) /* what it holds is for people */
		return;
	if (node->kind == NODE_STRING && template_has_variables(node->text)) {
		walk->place = place;
		replace(walk, node);
	}
	for (size_t i = 0; i < node->n && walk->total <= TOTAL_MAX; i++) {
		struct place here = {.up = place, .index = i};

		if (node->kind == NODE_MAP)
			here.name = node->keys[i]->text;
		visit(walk, node->items[i], &here);
	}
}

void interpolate(struct arena *arena, struct node *doc, const json_t *env, struct diags *diags)
{
	struct walk walk = {
		.arena = arena,
		.diags = diags,
		.template = {.env = env, .unset = warn_unset},
	};

	walk.template.context = &walk;
	visit(&walk, doc, NULL);
}
