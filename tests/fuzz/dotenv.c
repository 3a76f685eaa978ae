/* dotenv.c - .env and env_file, in both formats; each part of an input is a file of its own. */
#include "fuzz.h"

#include "../../src/manifest/pipeline.h"

#include "devenv/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags diags = DIAGS_INIT;
	autojson json_t *lookup = json_pack("{s:s, s:s}", "SET", "value", "EMPTY", "");
	autojson json_t *values = json_object(), *lines = json_object();
	struct parts parts;

	parts_cut(data, size, &parts);
	for (size_t i = 0; i < parts.n; i++)
		for (int raw = 0; raw < 2; raw++)
			dotenv_parse(".env", parts.text[i], parts.len[i], lookup, raw, values,
				lines, &diags);
	diags_release(&diags);
	parts_release(&parts);
	return 0;
}
