/* port.c - `devenv port SERVICE [PORT]`: where a container's port is published. */
#include "commands.h"
#include "session.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

struct port_options {
	const char *protocol;
	int64_t index;
};

static const char *const protocols[] = {"tcp", "udp", NULL};

static const struct option_spec options[] = {
	{.name = "index",
		.type = OPT_INT,
		OPT_AT(struct port_options, index),
		.arg = "N",
		.min = 0,
		.max = 10000,
		.def = "0",
		.help = "Which container of a scaled service"},
	{.name = "protocol",
		.type = OPT_CHOICE,
		OPT_AT(struct port_options, protocol),
		.arg = "PROTOCOL",
		.choices = protocols,
		.def = "tcp",
		.help = "Protocol of the port"},
	{0},
};

static int list(const struct port_options *chosen, const struct container *container, uint16_t only,
	struct buf *out)
{
	json_t *port;
	size_t i;
	int n = 0;

	json_array_foreach (json_object_get(container->raw, "Ports"), i, port) {
		const char *address = json_str(port, "IP");
		int inner = (int)json_int(port, "PrivatePort");

		if (!json_int(port, "PublicPort") || (only && only != inner) ||
			(only && !str_eq(json_str(port, "Type"), chosen->protocol)))
			continue;
		n++;
		if (!only)
			buf_addf(out, "%d/%s -> ", inner, json_str(port, "Type"));
		buf_addf(out, "%s:%d\n", str_empty(address) ? "0.0.0.0" : address,
			(int)json_int(port, "PublicPort"));
	}
	return n;
}

static int port_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	const struct port_options *chosen = opts;
	autosession struct session session = SESSION_INIT;
	const struct container *container;
	struct actual actual = {0};
	autobuf struct buf out = BUF_INIT(0);
	uint16_t only = 0;
	int n;

	if (argc > 1 && !parse_port(argv[1], &only))
		return err_set(err, ERR_USAGE, "\"%s\" is not a port", argv[1]);
	if (session_open(app, SESSION_ENGINE | SESSION_ALL | SESSION_NO_START, &session, err) < 0 ||
		session_container(
			&session, argv[0], (int)chosen->index, true, &actual, &container, err) < 0)
		return -1;
	n = list(chosen, container, only, &out);
	actual_release(&actual);
	if (!n)
		return err_set(err, ERR_FAILED, "service %s publishes no such port", argv[0]);
	return ui_output(buf_str(&out), err);
}

static const char *const examples[] = {"devenv port web 80 # 127.0.0.1:8080", NULL};

const struct command cmd_port = {
	.name = "port",
	.group = "Look",
	.args = "SERVICE [PORT]",
	.summary = "Print where a port of a service is published",
	.details = "All its published ports when none is named.",
	.examples = examples,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct port_options),
	.run = port_run,
};
