/* lend.c - the agent's own program in the cache, for a service that restores its volume itself. */
#include "cache.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#define PROGRAM_MAX ((size_t)64 << 20)
#define NAME_DIGITS 12

/* Another version has another name: a container keeps the one that it was made with. */
static int store_program(char **path, struct err *err)
{
	autobuf struct buf program = BUF_INIT(PROGRAM_MAX);
	char hex[SHA256_HEX];

	if (fs_read("/proc/self/exe", &program, ERR_FAILED, err) < 0)
		return -1;
	sha256_hex(program.data, program.len, hex);
	*path = xasprintf(CACHE_PROGRAMS "/%.*s", NAME_DIGITS, hex);
	if (fs_exists(*path))
		return 0;
	if (fs_mkdirs(CACHE_PROGRAMS, 0755, err) < 0)
		return -1;
	return fs_write_atomic(*path, program.data, program.len, 0755, err);
}

int agent_lend(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	autosnapshot struct snapshot snapshot = {0};
	struct err unknown = ERR_INIT;
	autofree char *program = NULL;
	json_t *record = NULL;
	int empty;

	if (cache_use(agent, err) < 0 || store_program(&program, err) < 0)
		return -1;
	empty = volume_is_empty(AGENT_TARGET, err);
	if (empty < 0)
		return -1;
	if (snapshot_open(agent, json_str(request, "name"), &snapshot, &unknown) == 0)
		record = snapshot_record(&snapshot);
	*result = json_pack(
		"{s:s, s:b, s:o*}", "program", program, "empty", empty, "snapshot", record);
	return 0;
}
