/* spec.c - tunnel specs that are kept, and sent to the daemon. */
#include "devenv/tunnel.h"

#include "devenv/mem.h"

#include <stdlib.h>

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

struct tunnel_spec *tunnel_spec_copy(const struct tunnel_spec *spec)
{
	struct tunnel_spec *made = xcalloc(1, sizeof(*made));

	*made = *spec;
	made->name = copy(spec->name);
	made->id = copy(spec->id);
	made->via = copy(spec->via);
	made->to_host = copy(spec->to_host);
	made->socket = copy(spec->socket);
	made->identity = copy(spec->identity);
	made->known_hosts = copy(spec->known_hosts);
	made->host_key = copy(spec->host_key);
	made->guard = copy(spec->guard);
	made->user = copy(spec->user);
	made->database = copy(spec->database);
	return made;
}

void tunnel_spec_free(struct tunnel_spec *spec)
{
	if (!spec)
		return;
	free((char *)spec->name);
	free((char *)spec->id);
	free((char *)spec->via);
	free((char *)spec->to_host);
	free((char *)spec->socket);
	free((char *)spec->identity);
	free((char *)spec->known_hosts);
	free((char *)spec->host_key);
	free((char *)spec->guard);
	free((char *)spec->user);
	free((char *)spec->database);
	free(spec);
}

json_t *tunnel_spec_json(const struct tunnel_spec *spec)
{
	json_t *out = json_object();

	json_set_str(out, "name", spec->name);
	json_set_str(out, "id", spec->id);
	json_set_str(out, "via", spec->via);
	json_set_str(out, "to_host", spec->to_host);
	json_object_set_new(out, "to_port", json_integer(spec->to_port));
	json_object_set_new(out, "port", json_integer(spec->port));
	json_set_str(out, "socket", spec->socket);
	json_object_set_new(out, "gateway", json_boolean(spec->gateway));
	json_object_set_new(out, "openssh", json_boolean(spec->openssh));
	json_set_str(out, "identity", spec->identity);
	json_set_str(out, "known_hosts", spec->known_hosts);
	json_set_str(out, "host_key", spec->host_key);
	json_set_str(out, "guard", spec->guard);
	json_set_str(out, "user", spec->user);
	json_set_str(out, "database", spec->database);
	json_object_set_new(out, "allow_unverified", json_boolean(spec->allow_unverified));
	return out;
}

struct tunnel_spec *tunnel_spec_parse(const json_t *json)
{
	struct tunnel_spec spec = {
		.name = json_str(json, "name"),
		.id = json_str(json, "id"),
		.via = json_str(json, "via"),
		.to_host = json_str(json, "to_host"),
		.to_port = (uint16_t)json_int(json, "to_port"),
		.port = (uint16_t)json_int(json, "port"),
		.socket = json_str(json, "socket"),
		.gateway = json_bool(json, "gateway"),
		.openssh = json_bool(json, "openssh"),
		.identity = json_str(json, "identity"),
		.known_hosts = json_str(json, "known_hosts"),
		.host_key = json_str(json, "host_key"),
		.guard = json_str(json, "guard"),
		.user = json_str(json, "user"),
		.database = json_str(json, "database"),
		.allow_unverified = json_bool(json, "allow_unverified"),
	};

	if (!spec.name || !spec.id || !spec.via || !spec.to_host || !spec.to_port)
		return NULL;
	return tunnel_spec_copy(&spec);
}
