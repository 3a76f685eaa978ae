/*
 * body_mounts.c - volumes, binds, tmpfs, secrets and configs of a service.
 *
 * As Compose does: HostConfig.Binds where that can say it, because only a bind makes a missing
 * folder of the host on every engine, and HostConfig.Mounts for the rest, among it secrets and
 * configs with a file, which must exist.  Inline ones are put into the created container as files
 * (`extra`).
 */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

static void add_bind(json_t *binds, const json_t *volume, const char *source)
{
	json_t *options = json_object_get(volume, "bind");
	struct buf out = BUF_INIT(0);

	buf_addf(&out, "%s:%s:%s", source, json_str(volume, "target"),
		json_bool(volume, "read_only") ? "ro" : "rw");
	if (json_str(options, "selinux"))
		buf_addf(&out, ",%s", json_str(options, "selinux"));
	json_array_append_new(binds, json_string_safe(buf_str(&out)));
	buf_release(&out);
}

static json_t *mount(const char *type, const char *source, const char *target, const json_t *volume)
{
	json_t *out = json_pack("{s:s, s:s}", "Type", type, "Target", target);

	json_set_str(out, "Source", source);
	if (json_bool(volume, "read_only"))
		json_object_set_new(out, "ReadOnly", json_true());
	json_set_str(out, "Consistency", json_str(volume, "consistency"));
	return out;
}

static json_t *bind_options(const json_t *bind)
{
	const char *recursive = json_str(bind, "recursive");
	json_t *out = json_object();

	json_set_str(out, "Propagation", json_str(bind, "propagation"));
	if (json_bool(bind, "create_host_path"))
		json_object_set_new(out, "CreateMountpoint", json_true());
	if (str_eq(recursive, "disabled"))
		json_object_set_new(out, "NonRecursive", json_true());
	else if (str_eq(recursive, "writable"))
		json_object_set_new(out, "ReadOnlyNonRecursive", json_true());
	else if (str_eq(recursive, "readonly"))
		json_object_set_new(out, "ReadOnlyForceRecursive", json_true());
	return out;
}

static json_t *volume_options(const json_t *volume)
{
	json_t *out = json_object();

	if (json_bool(volume, "nocopy"))
		json_object_set_new(out, "NoCopy", json_true());
	json_set_str(out, "Subpath", json_str(volume, "subpath"));
	if (json_object_size(json_object_get(volume, "labels")))
		json_object_set(out, "Labels", json_object_get(volume, "labels"));
	return out;
}

static json_t *tmpfs_options(const json_t *tmpfs)
{
	json_t *out = json_object();
	int64_t size;

	if (parse_bytes(json_str(tmpfs, "size"), &size))
		json_object_set_new(out, "SizeBytes", json_integer(size));
	if (json_object_get(tmpfs, "mode"))
		json_object_set(out, "Mode", json_object_get(tmpfs, "mode"));
	return out;
}

/* The rest of what a mount says, by its type. */
static void set_options(json_t *out, const json_t *volume)
{
	static const struct {
		const char *type, *name;
		json_t *(*make)(const json_t *);
	} options[] = {
		{"bind", "BindOptions", bind_options},
		{"volume", "VolumeOptions", volume_options},
		{"tmpfs", "TmpfsOptions", tmpfs_options},
		{"image", "ImageOptions", volume_options},
	};
	const char *type = json_str(volume, "type");

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(type, options[i].type) && json_object_get(volume, type))
			json_object_set_new(out, options[i].name,
				options[i].make(json_object_get(volume, type)));
}

/* Does the short form, HostConfig.Binds, say all of it? A bind without options makes its folder. */
static bool fits_bind(const json_t *volume)
{
	json_t *bind = json_object_get(volume, "bind"), *named = json_object_get(volume, "volume");

	if (str_eq(json_str(volume, "type"), "bind"))
		return !bind ||
		       (json_bool(bind, "create_host_path") && !json_str(bind, "propagation") &&
			       !json_str(bind, "recursive"));
	return str_eq(json_str(volume, "type"), "volume") && json_str(volume, "source") &&
	       !json_bool(named, "nocopy") && !json_str(named, "subpath") &&
	       !json_object_size(json_object_get(named, "labels"));
}

static void add_volume(
	const struct manifest *manifest, const json_t *volume, json_t *binds, json_t *mounts)
{
	const char *type = json_str(volume, "type"), *source = json_str(volume, "source");
	const char *name = source && str_eq(type, "volume")
				   ? model_name(manifest, "volumes", source)
				   : NULL;
	json_t *out;

	if (name)
		source = name;
	if (fits_bind(volume)) {
		add_bind(binds, volume, source);
		return;
	}
	out = mount(type, source, json_str(volume, "target"), volume);
	set_options(out, volume);
	json_array_append_new(mounts, out);
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

/* Without content it is the one with the credentials, which are read when it is put in. */
static void put_file(json_t *extra, const char *path, const char *content, const json_t *use)
{
	json_t *files = json_object_get(extra, "files"), *file;

	if (!files) {
		files = json_array();
		json_object_set_new(extra, "files", files);
	}
	file = json_pack("{s:s}", "path", path);
	json_set_str(file, "content", content);
	json_set_str(file, "uid", json_str(use, "uid"));
	json_set_str(file, "gid", json_str(use, "gid"));
	json_set_str(file, "mode", json_str(use, "mode"));
	json_array_append_new(files, file);
}

static int add_file(const struct manifest *manifest, const char *section, const json_t *use,
	const char *folder, json_t *mounts, json_t *extra, struct err *err)
{
	const char *source = json_str(use, "source");
	json_t *definition = json_at(manifest->model, section, source, NULL);
	const char *file = json_str(definition, "file");
	const char *variable = json_str(definition, "environment");
	const char *content = json_str(definition, "content");
	autofree char *target = file_target(use, folder);

	if (file) {
		json_t *out = mount("bind", file, target, NULL);

		json_object_set_new(out, "ReadOnly", json_true());
		if (str_eq(section, "secrets"))
			json_object_set_new(out, "BindOptions", json_object());
		json_array_append_new(mounts, out);
		return 0;
	}
	if (str_eq(source, API_SOCKET_CONFIG)) {
		put_file(extra, target, NULL, use);
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
	const char *folder, json_t *mounts, json_t *extra, struct err *err)
{
	json_t *use;
	size_t i;

	json_array_foreach (json_object_get(service, section), i, use)
		if (add_file(manifest, section, use, folder, mounts, extra, err) < 0)
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
		add_volume(manifest, volume, binds, mounts);
	add_tmpfs(service, host);
	add_volumes_from(manifest, service, host);
	if (add_files(manifest, service, "configs", "", mounts, extra, err) < 0 ||
		add_files(manifest, service, "secrets", "/run/secrets", mounts, extra, err) < 0)
		return -1;
	return 0;
}
