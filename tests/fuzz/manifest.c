/*
 * manifest.c - files to the canonical model, printed as YAML and as JSON.
 *
 * The parts of an input are compose.yaml, override.yaml, .env, other.yaml (for include and
 * extends), other.env (for env_file) and another compose.yaml in a folder below.  What comes out as
 * YAML has to be YAML.
 */
#include "fuzz.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/manifest.h"
#include "devenv/mem.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[PARTS_MAX] = {
	FUZZ_DIR "/compose.yaml",
	FUZZ_DIR "/override.yaml",
	FUZZ_DIR "/.env",
	FUZZ_DIR "/other.yaml",
	FUZZ_DIR "/other.env",
	FUZZ_DIR "/sub/compose.yaml",
};

/* The model as YAML and as JSON; false: the input is no manifest. */
static bool load(size_t n, struct buf *yaml, char **json)
{
	char *paths[] = {(char *)names[0], (char *)names[1], NULL};
	struct strv files = {paths, n};
	struct load_options options = {.dir = FUZZ_DIR, .files = &files};
	struct workspace ws = {0};
	struct diags diags = DIAGS_INIT;
	struct buf said = BUF_INIT(0);
	struct err err = ERR_INIT;
	bool loaded = workspace_load(&options, &ws, &diags, &err) == 0;

	diag_print(&diags, &said);
	if (loaded) {
		json_t *shown = manifest_json(ws.manifests[0].model);

		*json = json_print(shown);
		json_decref(shown);
		manifest_print_yaml(ws.manifests[0].model, yaml);
	}
	buf_release(&said);
	diags_release(&diags);
	workspace_release(&ws);
	return loaded;
}

/* A range of ports becomes a list longer than a document that is read may be. */
#define PRINTED_MAX ((size_t)256 << 10)

/* What was printed has to be YAML. */
static void read_again(const struct buf *yaml)
{
	struct arena *arena = arena_new();
	struct diags diags = DIAGS_INIT;

	if (!node_item(yaml_parse(arena, "printed", buf_str(yaml), yaml->len, &diags), 0)) {
		fprintf(stderr, "line %d: %s\n%s\n", diags.n ? diags.list[0].line : 0,
			diags.n ? diags.list[0].text : "empty", buf_str(yaml));
		abort();
	}
	diags_release(&diags);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf yaml = BUF_INIT(0);
	char *json = NULL;
	struct parts parts;

	parts_cut(data, size, &parts);
	files_show(names, &parts);
	if (load(parts.n > 1 ? 2 : 1, &yaml, &json) && yaml.len <= PRINTED_MAX)
		read_again(&yaml);
	files_hide();
	parts_release(&parts);
	buf_release(&yaml);
	free(json);
	return 0;
}
