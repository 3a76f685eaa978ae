/*
 * ssh_config_file.c - an ssh configuration for the built-in reader, and after it the files that it
 * may include as /fuzz/2 to /fuzz/6.  What comes out goes where the output of `ssh -G` goes.
 */
#include "fuzz.h"

#include "devenv/mem.h"
#include "devenv/ssh_config.h"

#include <stdlib.h>

static const char *const names[PARTS_MAX] = {
	FUZZ_DIR "/1", FUZZ_DIR "/2", FUZZ_DIR "/3", FUZZ_DIR "/4", FUZZ_DIR "/5", FUZZ_DIR "/6"};

static void read_for(const char *host, const char *user, uint16_t port)
{
	autobuf struct buf out = BUF_INIT(0);
	struct ssh_config config = {.typed = xstrdup(host)};
	struct err err = ERR_INIT;

	if (ssh_config_builtin(host, user, port, &out, &err) == 0)
		ssh_config_parse(&config, buf_str(&out), &err);
	ssh_config_release(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parts parts;

	parts_cut(data, size, &parts);
	files_show(names, &parts);
	read_for("db", NULL, 0);
	read_for("Bastion.Example.com", "ann", 2222);
	files_hide();
	parts_release(&parts);
	return 0;
}
