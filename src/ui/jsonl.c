/*
 * jsonl.c - progress as JSON lines, for programs.
 *
 *	{"event":"progress","object":"image nginx:1.27","done":1024,"total":4096,"time":"..."}
 *
 * Members that say nothing are left out.  The final error is a line of its own, from ui_error().
 */
#include "render.h"

#include "devenv/clock.h"
#include "devenv/json.h"
#include "devenv/mem.h"

#define SILENCE_MS 2000

static void add_int(json_t *line, const char *key, int64_t value)
{
	if (value)
		json_object_set_new(line, key, json_integer(value));
}

static void add_line(struct ui *ui, json_t *line)
{
	char now[32];
	autofree char *text = NULL;

	json_object_set_new(line, "time", json_string(clock_rfc3339(clock_wall(), now)));
	text = json_print(line);
	buf_addf(&ui->out, "%s\n", text);
}

void json_event(struct ui *ui, const struct event *event)
{
	autojson json_t *line = json_object();

	json_object_set_new(line, "event", json_string(event_kind_name(event->kind)));
	if (event->object)
		json_object_set_new(line, "object", json_string_safe(event->object));
	if (event->text)
		json_object_set_new(line, "text", json_string_safe(event->text));
	if (event->kind == EVENT_PROGRESS) {
		json_object_set_new(line, "done", json_integer((json_int_t)event->done));
		add_int(line, "total", (int64_t)event->total);
		json_set_str(line, "unit", event->unit ? event->unit : "bytes");
	}
	add_int(line, "ms", event->ms);
	add_int(line, "stream", event->stream);
	add_int(line, "code", event->code);
	add_line(ui, line);
}

void json_tick(struct ui *ui)
{
	autojson json_t *line = NULL;
	const struct item *item = NULL;

	if (!ui->n || clock_ms() - ui->written_ms < SILENCE_MS)
		return;
	item = &ui->items[ui->n - 1];
	line = json_object();
	json_object_set_new(line, "event", json_string("working"));
	json_object_set_new(line, "object", json_string_safe(item->object));
	add_int(line, "ms", clock_ms() - item->start_ms);
	json_object_set_new(line, "under_way", json_integer((json_int_t)ui->n));
	add_line(ui, line);
}
