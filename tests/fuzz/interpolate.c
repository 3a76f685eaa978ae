/* interpolate.c - ${VAR} in a value; the second part of an input is the .env with its variables. */
#include "fuzz.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct node *doc = node_new(arena, NODE_MAP, NULL);
	struct diags diags = DIAGS_INIT;
	autojson json_t *env = json_pack("{s:s, s:s}", "SET", "value", "EMPTY", "");
	struct parts parts;

	parts_cut(data, size, &parts);
	for (size_t i = 1; i < parts.n; i++)
		dotenv_parse(".env", parts.text[i], parts.len[i], env, false, env, NULL, &diags);
	node_set(arena, doc, "value", node_string(arena, NULL, parts.text[0]));
	interpolate(arena, doc, env, &diags);
	diags_release(&diags);
	parts_release(&parts);
	arena_free(arena);
	return 0;
}
