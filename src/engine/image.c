/* image.c - images that the engine has, and loading one from a tar. */
#include "engine_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

int image_inspect(struct engine *engine, const char *ref, json_t **out, struct err *err)
{
	autofree char *name = engine_escape(ref);

	return engine_get(engine, out, err, "/images/%s/json", name);
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
