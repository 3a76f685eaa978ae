/* doctor.c - `devenv doctor`: what is wrong with this machine, and how to mend it. */
#include "commands.h"
#include "machine.h"

#include "devenv/json.h"
#include "devenv/mem.h"
#include "devenv/ui.h"

static int print_json(const struct checks *checks, struct err *err)
{
	autojson json_t *list = json_array();

	for (size_t i = 0; i < checks->n; i++) {
		const struct check *check = &checks->list[i];
		json_t *entry = json_object();

		json_set_str(entry, "check", check->name);
		json_set_str(entry, "state", check_state_name(check->state));
		json_object_set_new(entry, "found", json_string_safe(check->text));
		if (check->fix)
			json_object_set_new(entry, "fix", json_string_safe(check->fix));
		json_array_append_new(list, entry);
	}
	return ui_output_json(list, err);
}

static int print_table(const struct checks *checks, struct err *err)
{
	static const char *const headings[] = {"CHECK", "STATE", "FOUND", NULL};
	struct table *table = table_new(headings);
	autobuf struct buf text = BUF_INIT(0);

	for (size_t i = 0; i < checks->n; i++) {
		const struct check *check = &checks->list[i];
		const char *cells[] = {check->name, check_state_name(check->state), check->text};

		table_add(table, cells);
	}
	table_print(table, &text);
	table_free(table);
	for (size_t i = 0; i < checks->n; i++)
		if (checks->list[i].fix && checks->list[i].state != CHECK_OK)
			buf_addf(&text, "\n%s: %s\n", checks->list[i].name, checks->list[i].fix);
	return ui_output(buf_str(&text), err);
}

static int doctor_run(struct app *app, void *options, int argc, char **argv, struct err *err)
{
	struct checks checks = {0};
	size_t broken;
	int result;

	machine_check(app, true, &checks);
	result = app->json ? print_json(&checks, err) : print_table(&checks, err);
	broken = checks.broken;
	checks_release(&checks);
	if (result == 0 && broken)
		return err_set(err, ERR_FAILED, "%zu thing%s broken; how to mend %s is said above",
			broken, broken == 1 ? " is" : "s are", broken == 1 ? "it" : "them");
	return result;
}

static const char *const examples[] = {
	"devenv doctor", "devenv doctor --format json # for a bug report", NULL};

const struct command cmd_doctor = {
	.name = "doctor",
	.group = "This machine",
	.summary = "Tell what is wrong with this machine and how to mend it",
	.details =
		"Looks at the engine, disk, memory, clock, git, ssh keys, the ports 80 and 443 and "
		"the libraries that devenv loads. Changes nothing. Ends with 1 when something is "
		"broken; warnings do not count.",
	.examples = examples,
	.flags = CMD_FORMAT,
	.run = doctor_run,
};
