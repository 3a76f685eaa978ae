/* known_hosts.c - a known_hosts file, asked for hosts by name and by address, and a key blob. */
#include "fuzz.h"

#include "devenv/known_hosts.h"
#include "devenv/mem.h"

#include <stdlib.h>

static void ask(const struct known_hosts *known, const char *host, uint16_t port, const char *key,
	size_t len)
{
	autostrv struct strv types = STRV_INIT;

	known_hosts_check(known, host, port, key, len, NULL);
	known_hosts_types(known, host, port, &types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct known_hosts known = {0};
	struct parts parts;
	autofree char *type = NULL, *print = NULL;

	parts_cut(data, size, &parts);
	known_hosts_parse(&known, "known_hosts", parts.text[0]);
	for (size_t i = 0; i < parts.n; i++) {
		ask(&known, "bastion.example", 22, parts.text[i], parts.len[i]);
		ask(&known, "192.0.2.7", 2222, parts.text[i], parts.len[i]);
	}
	if (known.n) /* a key that is there */
		ask(&known, "bastion.example", 22, known.list[0].key, known.list[0].key_len);
	type = ssh_blob_type(parts.text[parts.n - 1], parts.len[parts.n - 1]);
	print = ssh_fingerprint(parts.text[0], parts.len[0]);
	known_hosts_release(&known);
	parts_release(&parts);
	return 0;
}
