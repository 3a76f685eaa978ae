/*
 * body_mounts.c - volumes, binds, tmpfs, secrets and configs of a service.
 *
 * Binds and named volumes use HostConfig.Binds as Compose does (Mounts cannot say "create the host
 * folder"); what Binds cannot express uses Mounts.  Secrets and configs with a file are read-only
 * binds; inline ones are put into the created container as files (`extra`).
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static void add_bind(json_t *binds, const char *source, const char *target, const char *options)
{
	autofree char *bind = xasprintf("%s:%s:%s", source, target, *options ? options : "rw");

	json_array_append_new(binds, json_string_safe(bind));
}

static char *bind_options(const json_t *volume)
{
	json_t *bind = json_object_get(volume, "bind");
	struct buf out = BUF_INIT(0);

	buf_addstr(&out, json_bool(volume, "read_only") ? "ro" : "rw");
	if (json_str(bind, "propagation"))
		buf_addf(&out, ",%s", json_str(bind, "propagation"));
	if (json_str(bind, "selinux"))
		buf_addf(&out, ",%s", json_str(bind, "selinux"));
	if (json_bool(json_object_get(volume, "volume"), "nocopy"))
		buf_addstr(&out, ",nocopy");
	return buf_detach(&out);
}

static json_t *mount(const json_t *volume, const char *source)
{
	const char *type = json_str(volume, "type");
	json_t *out = json_pack("{s:s, s:s, s:b}", "Type", type, "Target",
		json_str(volume, "target"), "ReadOnly", json_bool(volume, "read_only"));

	json_set_str(out, "Source", source);
	json_set_str(out, "Consistency", json_str(volume, "consistency"));
	return out;
}

static json_t *tmpfs_mount(const json_t *volume)
{
	json_t *out = mount(volume, NULL), *options = json_object();
	json_t *tmpfs = json_object_get(volume, "tmpfs");
	int64_t size;

	if (parse_bytes(json_str(tmpfs, "size"), &size))
		json_object_set_new(options, "SizeBytes", json_integer(size));
	if (json_object_get(tmpfs, "mode"))
		json_object_set(options, "Mode", json_object_get(tmpfs, "mode"));
	json_object_set_new(out, "TmpfsOptions", options);
	return out;
}

static void add_volume(const struct manifest *manifest, const json_t *volume, json_t *body,
	json_t *binds, json_t *mounts)
{
	const char *type = json_str(volume, "type"), *source = json_str(volume, "source");
	const char *target = json_str(volume, "target");
	json_t *create = json_at(volume, "bind", "create_host_path", NULL);
	autofree char *options = bind_options(volume);

	if (str_eq(type, "tmpfs")) {
		json_array_append_new(mounts, tmpfs_mount(volume));
	} else if (str_eq(type, "bind") && !json_is_false(create)) {
		add_bind(binds, source, target, options);
	} else if (str_eq(type, "volume") && source) {
		const char *name = model_name(manifest, "volumes", source);
		json_t *subpath = json_at(volume, "volume", "subpath", NULL);

		if (!subpath) {
			add_bind(binds, name ? name : source, target, options);
		} else {
			json_t *out = mount(volume, name ? name : source);

			json_object_set_new(
				out, "VolumeOptions", json_pack("{s:O}", "Subpath", subpath));
			json_array_append_new(mounts, out);
		}
	} else if (str_eq(type, "volume")) {
		json_t *anonymous = json_object_get(body, "Volumes");

		if (!anonymous) {
			anonymous = json_object();
			json_object_set_new(body, "Volumes", anonymous);
		}
		json_object_set_new(anonymous, target, json_object());
	} else {
		json_array_append_new(mounts, mount(volume, source));
	}
}

/* `tmpfs: [/run:size=64m]` */
static void add_tmpfs(const json_t *service, json_t *host)
{
	json_t *list = json_object_get(service, "tmpfs"), *item, *out;
	size_t i;

	if (!json_array_size(list))
		return;
	out = json_object();
	json_array_foreach (list, i, item) {
		autofree char *path = xstrdup(json_string_value(item));
		char *colon = strchr(path, ':');

		if (colon)
			*colon++ = '\0';
		json_set_str(out, path, colon ? colon : "");
	}
	json_object_set_new(host, "Tmpfs", out);
}

/* === secrets and configs === */

static char *file_target(const json_t *use, const char *folder)
{
	const char *target = json_str(use, "target"), *source = json_str(use, "source");

	if (!target)
		target = source;
	return *target == '/' ? xstrdup(target) : xasprintf("%s/%s", folder, target);
}

static void put_file(json_t *extra, const char *path, const char *content, const json_t *use)
{
	json_t *files = json_object_get(extra, "files"), *file;

	if (!files) {
		files = json_array();
		json_object_set_new(extra, "files", files);
	}
	file = json_pack("{s:s, s:s}", "path", path, "content", content);
	json_set_str(file, "uid", json_str(use, "uid"));
	json_set_str(file, "gid", json_str(use, "gid"));
	json_set_str(file, "mode", json_str(use, "mode"));
	json_array_append_new(files, file);
}

static int add_file(const struct manifest *manifest, const char *section, const json_t *use,
	const char *folder, json_t *binds, json_t *extra, struct err *err)
{
	const char *source = json_str(use, "source");
	json_t *definition = json_at(manifest->model, section, source, NULL);
	const char *file = json_str(definition, "file");
	const char *variable = json_str(definition, "environment");
	const char *content = json_str(definition, "content");
	autofree char *target = file_target(use, folder);

	if (file) {
		add_bind(binds, file, target, "ro");
		return 0;
	}
	if (variable) {
		content = json_str(manifest->env, variable);
		if (!content)
			return err_set(err, ERR_MANIFEST,
				"%s %s: the environment variable %s is not set", section, source,
				variable);
	}
	if (!content)
		return err_set(err, ERR_MANIFEST,
			"%s %s: external %s are not supported by the engine; give it a file, an "
			"environment variable or content",
			section, source, section);
	put_file(extra, target, content, use);
	return 0;
}

static int add_files(const struct manifest *manifest, const json_t *service, const char *section,
	const char *folder, json_t *binds, json_t *extra, struct err *err)
{
	json_t *use;
	size_t i;

	json_array_foreach (json_object_get(service, section), i, use)
		if (add_file(manifest, section, use, folder, binds, extra, err) < 0)
			return -1;
	return 0;
}

static void add_volumes_from(const struct manifest *manifest, const json_t *service, json_t *host)
{
	json_t *list = json_object_get(service, "volumes_from"), *out, *item;
	size_t i;

	if (!json_array_size(list))
		return;
	out = json_array();
	json_array_foreach (list, i, item) {
		autostrv struct strv parts = STRV_INIT;
		autofree char *entry = NULL, *name = NULL;

		strv_split(&parts, json_string_value(item), ':');
		if (parts.n && str_eq(parts.v[0], "container")) {
			entry = xstrdup(json_string_value(item) + strlen("container:"));
		} else if (parts.n) {
			name = plan_container_name(manifest, parts.v[0], 1);
			entry = xasprintf("%s%s%s", name, parts.n > 1 ? ":" : "",
				parts.n > 1 ? parts.v[1] : "");
		}
		if (entry)
			json_array_append_new(out, json_string_safe(entry));
	}
	json_object_set_new(host, "VolumesFrom", out);
}

int body_mounts(const struct manifest *manifest, const json_t *service, json_t *body, json_t *extra,
	struct err *err)
{
	json_t *host = json_object_get(body, "HostConfig"), *volume;
	json_t *binds = json_array(), *mounts = json_array();
	size_t i;

	json_object_set_new(host, "Binds", binds);
	json_object_set_new(host, "Mounts", mounts);
	json_array_foreach (json_object_get(service, "volumes"), i, volume)
		add_volume(manifest, volume, body, binds, mounts);
	add_tmpfs(service, host);
	add_volumes_from(manifest, service, host);
	if (add_files(manifest, service, "configs", "", binds, extra, err) < 0 ||
		add_files(manifest, service, "secrets", "/run/secrets", binds, extra, err) < 0)
		return -1;
	return 0;
}
