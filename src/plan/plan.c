/* plan.c - a plan as data: building it, printing it, letting it go. */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>

size_t plan_add(struct plan *plan, enum action_kind kind, char *object, char *reason, char *name)
{
	plan->actions = xgrow(plan->actions, plan->n, sizeof(*plan->actions));
	plan->actions[plan->n] = (struct action){
		.kind = kind, .object = object, .reason = reason, .name = name};
	return plan->n++;
}

void plan_need(struct plan *plan, size_t action, size_t needed)
{
	struct action *one = &plan->actions[action];

	if (needed == NO_ACTION || action == needed)
		return;
	for (size_t i = 0; i < one->n_needs; i++)
		if (one->needs[i] == needed)
			return;
	one->needs = xgrow(one->needs, one->n_needs, sizeof(*one->needs));
	one->needs[one->n_needs++] = needed;
}

size_t plan_index(const struct plan *plan, enum action_kind kind, const char *object)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->actions[i].kind == kind && str_eq(plan->actions[i].object, object))
			return i;
	return NO_ACTION;
}

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct action *action = &plan->actions[i];

		free(action->object);
		free(action->reason);
		free(action->name);
		free(action->id);
		json_decref(action->body);
		json_decref(action->extra);
		free(action->needs);
	}
	free(plan->actions);
	strv_release(&plan->orphans);
	strv_release(&plan->warnings);
	*plan = (struct plan){0};
}

static const struct {
	const char *word;
	const char *sign;
} kinds[] = {
	[ACTION_CLONE] = {"clone", "+"},
	[ACTION_PULL] = {"pull", "+"},
	[ACTION_BUILD] = {"build", "+"},
	[ACTION_FETCH] = {"pull", "+"},
	[ACTION_NETWORK] = {"create", "+"},
	[ACTION_VOLUME] = {"create", "+"},
	[ACTION_RESTORE] = {"restore", "+"},
	[ACTION_CREATE] = {"create", "+"},
	[ACTION_START] = {"start", ">"},
	[ACTION_RESTART] = {"restart", "~"},
	[ACTION_READY] = {"wait for", "?"},
	[ACTION_STOP] = {"stop", "."},
	[ACTION_REMOVE] = {"remove", "-"},
	[ACTION_REMOVE_NETWORK] = {"remove", "-"},
	[ACTION_REMOVE_VOLUME] = {"remove", "-"},
};

static const char *action_word(const struct action *action)
{
	return action->kind == ACTION_CREATE && action->id ? "re-create" : kinds[action->kind].word;
}

void plan_print(const struct plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];
		bool replaced = action->kind == ACTION_CREATE && action->id;

		buf_addf(out, "  %s %s %s", replaced ? "~" : kinds[action->kind].sign,
			action_word(action), action->object);
		if (action->reason)
			buf_addf(out, "  (%s)", action->reason);
		buf_addch(out, '\n');
	}
	if (!plan->n)
		buf_addstr(out, "nothing to do");
	else
		buf_addf(out, "%zu action%s", plan->n, plan->n == 1 ? "" : "s");
	if (plan->unchanged)
		buf_addf(out, "; %zu container%s as %s should be", plan->unchanged,
			plan->unchanged == 1 ? " is" : "s are",
			plan->unchanged == 1 ? "it" : "they");
	buf_addch(out, '\n');
}

json_t *plan_json(const struct plan *plan)
{
	json_t *actions = json_array();

	for (size_t i = 0; i < plan->n; i++) {
		const struct action *action = &plan->actions[i];
		json_t *entry = json_object(), *needs = json_array();

		json_object_set_new(entry, "id", json_integer((json_int_t)i));
		json_set_str(entry, "action", action_word(action));
		json_set_str(entry, "object", action->object);
		json_set_str(entry, "reason", action->reason);
		for (size_t n = 0; n < action->n_needs; n++)
			json_array_append_new(needs, json_integer((json_int_t)action->needs[n]));
		json_object_set_new(entry, "needs", needs);
		json_array_append_new(actions, entry);
	}
	return json_pack(
		"{s:o, s:I}", "actions", actions, "unchanged", (json_int_t)plan->unchanged);
}
