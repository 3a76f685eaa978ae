/* images.c - `devenv images`: which images the workspace's containers run. */
#include "commands.h"
#include "each.h"

#include "devenv/mem.h"
#include "devenv/str.h"
#include "devenv/ui.h"

#include <string.h>

struct images_options {
	bool quiet;
};

static const struct option_spec options[] = {
	{.name = "quiet",
		.letter = 'q',
		.type = OPT_FLAG,
		OPT_AT(struct images_options, quiet),
		.help = "Only ids, each once"},
	{0},
};

struct listing {
	struct strv ids;
	struct table *table;
	json_t *list;
};

static int images_one(
	void *ctx, struct session *session, const struct container *container, struct err *err)
{
	struct listing *listing = ctx;
	autojson json_t *image = NULL;
	autofree char *id = NULL;
	char size[16];

	if (image_inspect(session->engine, container->image_id, &image, err) < 0)
		return -1;
	id = xstrndup(
		container->image_id + (strncmp(container->image_id, "sha256:", 7) ? 0 : 7), 12);
	if (!strv_has(&listing->ids, container->image_id))
		strv_push(&listing->ids, container->image_id);
	format_bytes(size, (uint64_t)json_int(image, "Size"));
	table_add(listing->table, (const char *[]){container->name, container->image, id, size});
	json_array_append_new(
		listing->list, json_pack("{s:s, s:s, s:s, s:I}", "container", container->name,
				       "image", container->image, "id", container->image_id, "size",
				       (json_int_t)json_int(image, "Size")));
	return 0;
}

static int images_run(struct app *app, void *opts, int argc, char **argv, struct err *err)
{
	static const char *const headings[] = {"CONTAINER", "IMAGE", "ID", "SIZE", NULL};
	const struct images_options *chosen = opts;
	struct listing listing = {STRV_INIT, table_new(headings), json_array()};
	struct each each = {.run = images_one, .ctx = &listing, .all = true};
	autobuf struct buf text = BUF_INIT(0);
	int result = each_container(app, argc, argv, &each, err);

	if (result == 0 && chosen->quiet && !app->json) {
		for (size_t i = 0; i < listing.ids.n; i++)
			buf_addf(&text, "%s\n", listing.ids.v[i]);
		result = ui_output(buf_str(&text), err);
	} else if (result == 0) {
		table_print(listing.table, &text);
		result = app->json ? ui_output_json(listing.list, err)
				   : ui_output(buf_str(&text), err);
	}
	table_free(listing.table);
	json_decref(listing.list);
	strv_release(&listing.ids);
	return result;
}

static const char *const examples[] = {"devenv images", NULL};

const struct command cmd_images = {
	.name = "images",
	.group = "Look",
	.args = "[SERVICE|MANIFEST...]",
	.summary = "List the images that containers were made from",
	.details = "With the size that each has on this machine.",
	.examples = examples,
	.min_args = 0,
	.max_args = -1,
	.flags = CMD_FORMAT,
	.complete = COMPLETE_SERVICE,
	.options = options,
	.options_size = sizeof(struct images_options),
	.run = images_run,
};
