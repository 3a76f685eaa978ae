/*
 * context.c - docker's contexts: named engines in ~/.docker/contexts.
 *
 * A context's metadata is in contexts/meta/SHA256(name)/meta.json; that hash is docker's own way to
 * make any name a folder's name.
 */
#include "engine_priv.h"

#include "devenv/credential.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

char *context_current(void)
{
	autofree char *dir = credential_config_dir();
	autofree char *path = path_join(dir, "config.json");
	struct err ignored = ERR_INIT;
	autojson json_t *config = NULL;
	const char *name;

	if (!fs_exists(path))
		return NULL;
	/* A broken file is reported by whoever needs it; no context can be read out of it. */
	config = json_parse_file(path, ERR_FAILED, &ignored);
	name = json_str(config, "currentContext");
	return str_empty(name) || str_eq(name, "default") ? NULL : xstrdup(name);
}

int context_host(const char *name, char **host, struct err *err)
{
	autofree char *dir = credential_config_dir();
	autofree char *path = NULL;
	autojson json_t *meta = NULL;
	char hash[SHA256_HEX];
	const char *found;

	sha256_hex(name, strlen(name), hash);
	path = xasprintf("%s/contexts/meta/%s/meta.json", dir, hash);
	if (!fs_exists(path))
		return err_set(err, ERR_ENGINE,
			"there is no docker context \"%s\" (docker context ls shows those there "
			"are)",
			name);
	meta = json_parse_file(path, ERR_ENGINE, err);
	if (!meta)
		return err_wrap(err, "read the docker context \"%s\"", name);
	found = json_str(json_at(meta, "Endpoints", "docker", NULL), "Host");
	if (str_empty(found))
		return err_set(err, ERR_ENGINE, "the docker context \"%s\" names no host (%s)",
			name, path);
	*host = xstrdup(found);
	return 0;
}
