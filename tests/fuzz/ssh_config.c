/*
 * ssh_config.c - what `ssh -G` printed, and with a second part the "[USER@]HOST[:PORT]" before it.
 */
#include "fuzz.h"

#include "devenv/mem.h"
#include "devenv/ssh_config.h"

#include <stdlib.h>

static const char *const names[PARTS_MAX] = {
	FUZZ_DIR "/1", FUZZ_DIR "/2", FUZZ_DIR "/3", FUZZ_DIR "/4", FUZZ_DIR "/5", FUZZ_DIR "/6"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ssh_config config = {0};
	struct parts parts;
	struct err err = ERR_INIT;
	autofree char *user = NULL, *host = NULL;
	uint16_t port = 0;

	parts_cut(data, size, &parts);
	files_show(names, &parts);
	if (parts.n > 1)
		ssh_via_parse(parts.text[1], &user, &host, &port, &err);
	config.typed = xstrdup(host ? host : "bastion");
	ssh_config_parse(&config, parts.text[0], &err);
	ssh_config_release(&config);
	files_hide();
	parts_release(&parts);
	return 0;
}
