/* body_security.c - capabilities and security options of a service as the engine's HostConfig. */
#include "plan_priv.h"

#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "net_admin" is CAP_NET_ADMIN, the kernel's name: as Docker's own clients send it, each once. */
static void capabilities(const json_t *service, const char *key, const char *name, json_t *host)
{
	autostrv struct strv list = STRV_INIT;
	json_t *item, *out;
	size_t i;

	json_array_foreach (json_object_get(service, key), i, item) {
		autofree char *text = xstrdup(json_string_value(item));

		for (char *c = text; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		strv_pushf(&list, "%s%s",
			str_eq(text, "ALL") || str_starts(text, "CAP_") ? "" : "CAP_", text);
	}
	if (!list.n)
		return;
	qsort(list.v, list.n, sizeof(*list.v), by_text);
	out = json_array();
	for (i = 0; i < list.n; i++)
		if (!i || !str_eq(list.v[i], list.v[i - 1]))
			json_array_append_new(out, json_string_safe(list.v[i]));
	json_object_set_new(host, name, out);
}

/*
 * Docker has no access to our files: a profile goes into the request whole. Podman wants the path,
 * which `extra` gets (features.c).
 */
static int seccomp(const struct manifest *manifest, const char *profile, json_t *list,
	json_t *extra, struct err *err)
{
	autofree char *path = path_absolute(manifest->dir, profile), *text = NULL, *option = NULL;
	autojson json_t *json = json_parse_file(path, ERR_MANIFEST, err);

	if (!json)
		return err_wrap(err, "security_opt: seccomp profile %s", profile);
	text = json_print(json);
	option = xasprintf("seccomp=%s", text);
	json_array_append_new(list, json_string_safe(option));
	json_set_str(extra, "seccomp", path);
	return 0;
}

static int security_option(const struct manifest *manifest, const char *option, json_t *host,
	json_t *list, json_t *extra, struct err *err)
{
	size_t name = strcspn(option, "=:");
	const char *value = option[name] ? option + name + 1 : NULL;

	if (str_eq(option, "systempaths=unconfined")) {
		json_object_set_new(host, "MaskedPaths", json_array());
		json_object_set_new(host, "ReadonlyPaths", json_array());
		return 0;
	}
	if (!value && !str_eq(option, "no-new-privileges"))
		return err_set(err, ERR_MANIFEST,
			"security_opt: \"%s\" is no NAME=VALUE (for example \"label=disable\")",
			option);
	if (name == strlen("seccomp") && str_starts(option, "seccomp") &&
		!str_eq(value, "unconfined") && !str_eq(value, "builtin"))
		return seccomp(manifest, value, list, extra, err);
	json_array_append_new(list, json_string_safe(option));
	return 0;
}

int body_security(const struct manifest *manifest, const json_t *service, json_t *host,
	json_t *extra, struct err *err)
{
	autojson json_t *list = json_array();
	json_t *item;
	size_t i;

	capabilities(service, "cap_add", "CapAdd", host);
	capabilities(service, "cap_drop", "CapDrop", host);
	json_array_foreach (json_object_get(service, "security_opt"), i, item)
		if (security_option(manifest, json_string_value(item), host, list, extra, err) < 0)
			return -1;
	if (json_array_size(list))
		json_object_set(host, "SecurityOpt", list);
	return 0;
}
