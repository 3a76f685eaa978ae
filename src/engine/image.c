/* image.c - images that the engine has, loading one from a tar, and making one of a container. */
#include "engine_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

int image_inspect(struct engine *engine, const char *ref, json_t **out, struct err *err)
{
	autofree char *name = engine_escape(ref);

	return engine_get(engine, out, err, "/images/%s/json", name);
}

static bool is_blank(const json_t *words)
{
	return !json_array_size(words) ||
	       (json_array_size(words) == 1 &&
		       str_empty(json_string_value(json_array_get(words, 0))));
}

json_t *image_command(const json_t *image, const json_t *entrypoint, const json_t *command)
{
	json_t *config = json_object_get(image, "Config"), *out = json_array();

	if (is_blank(entrypoint) && !json_array_size(command))
		command = json_object_get(config, "Cmd");
	if (!entrypoint || json_is_null(entrypoint))
		entrypoint = json_object_get(config, "Entrypoint");
	if (!is_blank(entrypoint))
		json_array_extend(out, (json_t *)entrypoint);
	if (json_array_size(command))
		json_array_extend(out, (json_t *)command);
	return out;
}

static int on_load(void *ctx, json_t *value, struct err *err)
{
	if (json_str(value, "error"))
		return err_set(err, ERR_ENGINE, "%s", json_str(value, "error"));
	return 0;
}

int image_load(struct engine *engine, int fd, struct err *err)
{
	struct http1_request request = {.method = "POST",
		.path = "/images/load?quiet=1",
		.type = "application/x-tar",
		.body_fd = fd,
		.interruptible = true};
	struct http1_response response;

	if (engine_send(engine, &request, &response, err) < 0 ||
		json_stream_read(engine->http, on_load, NULL, err) < 0)
		return err_wrap(err, "load an image");
	return 0;
}

static void add_parameter(struct buf *path, const char *name, const char *value)
{
	autofree char *escaped = str_empty(value) ? NULL : engine_escape(value);

	if (escaped)
		buf_addf(path, "&%s=%s", name, escaped);
}

int container_commit(struct engine *engine, const char *id, const struct commit_spec *spec,
	char **image, struct err *err)
{
	autofree char *name = engine_escape(id), *repository = NULL, *tag = NULL;
	autobuf struct buf path = BUF_INIT(0);
	autojson json_t *answer = NULL;

	buf_addf(&path, "/commit?container=%s&pause=%d", name, spec->pause);
	if (spec->ref) {
		engine_split_ref(spec->ref, &repository, &tag);
		buf_addf(&path, "&repo=%s&tag=%s", repository, tag);
	}
	add_parameter(&path, "author", spec->author);
	add_parameter(&path, "comment", spec->message);
	for (size_t i = 0; spec->changes && i < spec->changes->n; i++)
		add_parameter(&path, "changes", spec->changes->v[i]);
	if (engine_request(engine,
		    &(struct http1_request){.method = "POST",
			    .path = buf_str(&path),
			    .type = "application/json",
			    .body = "{}", /* Podman wants one */
			    .body_len = 2,
			    .body_fd = -1,
			    .interruptible = true},
		    &answer, err) < 0)
		return -1;
	if (str_empty(json_str(answer, "Id")))
		return err_set(err, ERR_ENGINE, "the engine does not tell what it made");
	*image = xstrdup(json_str(answer, "Id"));
	return 0;
}
