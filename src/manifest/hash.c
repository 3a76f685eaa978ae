/*
 * hash.c - Compose's config hashes: SHA-256 over the JSON that Go's encoding/json makes of its
 * types (docker compose 2.40.3, pkg/compose/hash.go).
 *
 * The model has the same values; what differs is how they are written: the keys of a type in its
 * own order (order.c), other names sorted by bytes, no spaces, and <, > and & escaped.
 */
#include "order.h"

#include "devenv/manifest.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	struct buf *out;
	struct model_path path;
};

/* U+2028 or U+2029, which end a line in JavaScript, at `s`. */
static bool is_line_separator(const char *s)
{
	return (unsigned char)s[0] == 0xe2 && (unsigned char)s[1] == 0x80 &&
	       ((unsigned char)s[2] | 1) == 0xa9;
}

static void put_escaped(struct buf *out, char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = strchr(plain, c);

	if (at)
		buf_addf(out, "\\%c", letters[at - plain]);
	else
		buf_addf(out, "\\u%04x", (unsigned)c);
}

static void put_string(struct buf *out, const char *s)
{
	buf_addch(out, '"');
	for (; *s; s++) {
		if (is_line_separator(s)) {
			buf_addf(out, "\\u202%x", (unsigned char)s[2] & 0xf);
			s += 2;
		} else if ((unsigned char)*s < ' ' || strchr("\"\\<>&", *s)) {
			put_escaped(out, *s);
		} else {
			buf_addch(out, *s);
		}
	}
	buf_addch(out, '"');
}

/* Go's form of a float: the fewest digits, an exponent only when it is very small or large. */
static void put_real(struct buf *out, double value)
{
	bool exponent = value != 0 && (fabs(value) < 1e-6 || fabs(value) >= 1e21);
	char text[80];
	double back = 0;

	for (int digits = 0; digits <= 30; digits++) {
		snprintf(text, sizeof(text), exponent ? "%.*e" : "%.*f", digits, value);
		if (parse_double(text, &back) && !(back < value) && !(back > value))
			break;
	}
	/* 1e-07 for C, 1e-7 for Go. */
	if (str_ends(text, "e-07") || str_ends(text, "e-08") || str_ends(text, "e-09")) {
		size_t len = strlen(text);

		text[len - 2] = text[len - 1];
		text[len - 1] = '\0';
	}
	buf_addstr(out, text);
}

struct member {
	const char *key;
	const json_t *value;
	int rank;
};

static int compare_members(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;

	return a->rank != b->rank ? a->rank - b->rank : strcmp(a->key, b->key);
}

static void put_value(struct writer *writer, const json_t *value);

static void put_object(struct writer *writer, const json_t *object)
{
	autofree struct member *members = xcalloc(json_object_size(object) + 1, sizeof(*members));
	const char *order = order_find(&writer->path), *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)object, key, value)
		members[n++] = (struct member){key, value, order_rank(order, key)};
	qsort(members, n, sizeof(*members), compare_members);
	buf_addch(writer->out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addch(writer->out, ',');
		put_string(writer->out, members[i].key);
		buf_addch(writer->out, ':');
		if (model_path_enter(&writer->path, members[i].key)) {
			put_value(writer, members[i].value);
			writer->path.depth--;
		}
	}
	buf_addch(writer->out, '}');
}

static void put_array(struct writer *writer, const json_t *array)
{
	json_t *item;
	size_t i;

	buf_addch(writer->out, '[');
	json_array_foreach (array, i, item) {
		if (i)
			buf_addch(writer->out, ',');
		if (model_path_enter(&writer->path, "[]")) {
			put_value(writer, item);
			writer->path.depth--;
		}
	}
	buf_addch(writer->out, ']');
}

static void put_value(struct writer *writer, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		put_object(writer, value);
		break;
	case JSON_ARRAY:
		put_array(writer, value);
		break;
	case JSON_STRING:
		put_string(writer->out, json_string_value(value));
		break;
	case JSON_INTEGER:
		buf_addf(writer->out, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		put_real(writer->out, json_real_value(value));
		break;
	case JSON_NULL:
		buf_addstr(writer->out, "null");
		break;
	default:
		buf_addstr(writer->out, json_is_true(value) ? "true" : "false");
	}
}

/* Of `value` as it would stand in the model at SECTION.NAME. */
static void hash_of(const char *section, const char *name, json_t *value, char out[SHA256_HEX])
{
	autojson json_t *whole = json_pack("{s:{s:O}}", section, name, value);
	autojson json_t *shown = manifest_json(whole);
	autobuf struct buf text = BUF_INIT(0);
	struct writer writer = {.out = &text, .path = {{section, name}, 2}};

	put_value(&writer, json_at(shown, section, name, NULL));
	sha256_hex(buf_str(&text), text.len, out);
}

static void remove_replicas(json_t *service)
{
	autojson json_t *deploy = json_copy(json_object_get(service, "deploy"));

	if (!deploy)
		return;
	json_object_del(deploy, "replicas");
	json_object_set(service, "deploy", deploy);
}

/* What changes nothing about a container that is there. */
static json_t *hashed_part(const struct manifest *manifest, const json_t *service)
{
	static const char *const left_out[] = {
		"build", "depends_on", "profiles", "pull_policy", "scale"};
	const char *platform = json_str(manifest->env, "DOCKER_DEFAULT_PLATFORM");
	json_t *out = json_copy((json_t *)service);

	if (json_object_get(out, "build") && !json_object_get(out, "platform") &&
		!str_empty(platform))
		json_set_str(out, "platform", platform);
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		json_object_del(out, left_out[i]);
	remove_replicas(out);
	return out;
}

void manifest_hash_service(const struct manifest *manifest, const char *name, const json_t *service,
	char out[SHA256_HEX])
{
	json_t *unread = json_object_get(manifest->unread, name);
	autojson json_t *part = hashed_part(manifest, service);

	if (json_object_get(unread, "label_file"))
		json_object_set(part, "label_file", json_object_get(unread, "label_file"));
	hash_of("services", name, part, out);
}

void manifest_hash_config(const struct manifest *manifest, const char *name, char out[SHA256_HEX])
{
	json_t *unread = json_object_get(manifest->unread, name);
	json_t *files = json_object_get(unread, "env_file");
	autojson json_t *part = hashed_part(
		manifest, json_at(manifest->model, "services", name, NULL));

	if (files) {
		json_object_set(part, "env_file", files);
		json_object_del(part, "environment");
		if (json_object_get(unread, "environment"))
			json_object_set(
				part, "environment", json_object_get(unread, "environment"));
	}
	hash_of("services", name, part, out);
}

void manifest_hash_network(const json_t *definition, char out[SHA256_HEX])
{
	hash_of("networks", "", (json_t *)definition, out);
}

void manifest_hash_volume(const json_t *definition, char out[SHA256_HEX])
{
	autojson json_t *volume = json_copy((json_t *)definition);

	if (!json_object_get(volume, "driver"))
		json_set_str(volume, "driver", "local");
	hash_of("volumes", "", volume, out);
}
