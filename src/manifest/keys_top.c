/*
 * keys_top.c - the rows of the table for the document and its volumes, networks, ... (see keys.h).
 */
#include "keys.h"

#include "devenv/mem.h"

#include "keys_macros.h"

#define EXTERNAL(s) .accepts = A_BOOL | A_STRING | A_MAP, .form = FORM_BOOL, .shape = &(s)
#define DRIVER_OPTS OPTIONS, .doc = "Options for the driver."

static const struct key external_keys[] = {
	{"name", TEXT, .doc = "Old form of name:.", .example = "shared",
		.warning = "old: write \"external: true\" and \"name\" beside it"},
};
static SHAPE(shape_external, "volumes.NAME.external", external_keys);
static SHAPE(shape_external_open, "secrets.NAME.external", external_keys, .open = true);

static const struct key ipam_pool_keys[] = {
	{"subnet", TEXT, .doc = "Subnet.", .example = "172.28.0.0/16"},
	{"ip_range", TEXT, .doc = "Range for containers.", .example = "172.28.5.0/24"},
	{"gateway", TEXT, .doc = "Gateway.", .example = "172.28.0.1"},
	{"aux_addresses", OPTIONS, .doc = "Addresses that are in use.",
		.example = "{router: 172.28.0.2}"},
};
static SHAPE(shape_ipam_pool, "networks.NAME.ipam.config[]", ipam_pool_keys);

static const struct key ipam_keys[] = {
	{"driver", TEXT, .doc = "IPAM driver.", .example = "default"},
	{"config", LIST_OF(shape_ipam_pool), .doc = "Subnets.",
		.example = "[{subnet: 172.28.0.0/16}]"},
	{"options", .accepts = A_MAP, .form = FORM_NONE, .doc = "Options for the IPAM driver."},
};
static SHAPE(shape_ipam, "networks.NAME.ipam", ipam_keys);

static const struct key network_keys[] = {
	{"name", TEXT, .doc = "Name in the engine.", .example = "shop-net"},
	{"driver", TEXT, .doc = "Network driver.", .example = "bridge"},
	{"driver_opts", DRIVER_OPTS},
	{"ipam", MAP_WITH(shape_ipam), .flags = KEY_ALWAYS, .doc = "Addresses.",
		.example = "{config: [{subnet: 172.28.0.0/16}]}"},
	{"external", EXTERNAL(shape_external), .doc = "It exists already."},
	{"internal", FLAG, .doc = "No way out to the world."},
	{"attachable", FLAG, .doc = "Other containers may join."},
	{"labels", LABELS, .doc = "Labels of the network."},
	{"enable_ipv4", FLAG, .flags = KEY_KEEP, .doc = "IPv4 addresses."},
	{"enable_ipv6", FLAG, .flags = KEY_KEEP, .doc = "IPv6 addresses."},
};
SHAPE(shape_network, "networks.NAME", network_keys);

static const struct key snapshot_keys[] = {
	{"url", TEXT, .flags = KEY_REQUIRED, .doc = "Where the snapshot is.",
		.example = "registry.acme.example/shop-seed:latest"},
	{"digest", TEXT, .doc = "What it must be.", .example = "sha256:..."},
	{"lazy", FLAG, .doc = "Restore it on the first connection to the service."},
	{"engine", TEXT, .values = "mariadb|mysql|postgres",
		.doc = "Kind of database that it must be of.", .example = "mariadb"},
};
static SHAPE(shape_snapshot, "volumes.NAME.x-snapshot", snapshot_keys);

static const struct key production_keys[] = {
	{"masking", TEXT, .doc = "File of the rules that mask it, named in its snapshots.",
		.example = "./masking.sql"},
	{"canaries", TEXT, .doc = "File of strings that must not be in them, one a line.",
		.example = "./canaries.txt"},
	{"allow", STRINGS, .doc = "Domains, addresses and card numbers that may be.",
		.example = "[acme.example]"},
};
static SHAPE(shape_production, "volumes.NAME.x-production", production_keys);

static const struct key volume_keys[] = {
	{"name", TEXT, .doc = "Name in the engine.", .example = "shop-data"},
	{"driver", TEXT, .doc = "Volume driver.", .example = "local"},
	{"driver_opts", DRIVER_OPTS},
	{"external", EXTERNAL(shape_external), .doc = "It exists already."},
	{"labels", LABELS, .flags = KEY_UNIQUE, .doc = "Labels of the volume."},
	{"x-snapshot", MAP_OR(shape_snapshot, A_STRING), .doc = "Data to begin with.",
		.example = "registry.acme.example/shop-seed:latest"},
	{"x-production", MAP_OR(shape_production, A_BOOL),
		.doc = "What it holds comes from production.",
		.example = "{masking: ./masking.sql}"},
};
SHAPE(shape_volume, "volumes.NAME", volume_keys);

static const struct key secret_keys[] = {
	{"name", TEXT, .doc = "Name in the engine."},
	{"file", TEXT, .doc = "File with the value.", .example = "./password.txt"},
	{"environment", TEXT, .doc = "Variable with the value.", .example = "PASSWORD"},
	{"external", EXTERNAL(shape_external_open), .doc = "It exists already."},
	{"labels", LABELS, .flags = KEY_UNIQUE, .doc = "Labels of the secret."},
	{"driver", TEXT, .doc = "Secret driver."},
	{"driver_opts", DRIVER_OPTS},
	{"template_driver", TEXT, .doc = "Template driver.", .example = "golang"},
	{"x-from", .accepts = A_STRING, .form = FORM_ANY, .doc = "Where devenv gets the value.",
		.example = "aws-ssm:///dev/shop/stripe", .warning = NOT_DONE},
};
SHAPE(shape_secret, "secrets.NAME", secret_keys);

static const struct key config_keys[] = {
	{"name", TEXT, .doc = "Name in the engine."},
	{"file", TEXT, .doc = "File with the content.", .example = "./site.conf"},
	{"environment", TEXT, .doc = "Variable with the content."},
	{"content", TEXT, .doc = "The content.", .example = "\"key = value\""},
	{"external", EXTERNAL(shape_external_open), .doc = "It exists already."},
	{"labels", LABELS, .flags = KEY_UNIQUE, .doc = "Labels of the config."},
	{"template_driver", TEXT, .doc = "Template driver.", .example = "golang"},
};
SHAPE(shape_config, "configs.NAME", config_keys);

static const struct key model_keys[] = {
	{"name", TEXT, .doc = "Name."},
	{"model", TEXT, .flags = KEY_REQUIRED, .doc = "Model to run.", .example = "ai/smollm2"},
	{"context_size", .accepts = A_INT, .form = FORM_INT, .doc = "Size of the context.",
		.example = "4096"},
	{"runtime_flags", STRINGS, .doc = "Flags for the runtime.", .example = "[--verbose]"},
};
SHAPE(shape_model, "models.NAME", model_keys);

static const struct key include_keys[] = {
	{"path", STRING_OR_LIST, .doc = "Files to include.", .example = "../db/compose.yaml"},
	{"env_file", STRING_OR_LIST, .doc = "Variables for them.", .example = "../db/.env"},
	{"project_directory", TEXT, .doc = "Where their relative paths begin.", .example = "../db"},
};
SHAPE(shape_include, "include[]", include_keys, .closed = true);

static const struct key source_keys[] = {
	{"url", TEXT, .flags = KEY_REQUIRED, .doc = "Where to clone from.",
		.example = "git@example.com:acme/shop.git"},
	{"ref", TEXT, .doc = "Branch, tag or commit.", .example = "main"},
	{"path", TEXT, .flags = KEY_REQUIRED, .doc = "Where to put it.", .example = "src/shop"},
};
static SHAPE(shape_source, "x-sources.NAME", source_keys, .open = true);

static const struct key tunnel_keys[] = {
	{"via", TEXT, .flags = KEY_REQUIRED, .doc = "The bastion.",
		.example = "me@bastion.example"},
	{"to", TEXT, .flags = KEY_REQUIRED, .doc = "HOST:PORT behind it.",
		.example = "reader.internal:3306"},
	{"port", .accepts = A_INT | A_STRING, .form = FORM_ANY, .doc = "Local port.",
		.example = "8025"},
	{"socket", TEXT, .doc = "Unix socket in place of the port; for postgres its folder.",
		.example = "run/reader.sock"},
	{"engine", TEXT, .values = "mysql|postgres", .doc = "Turns on the replica check."},
	{"read_only", PURE_FLAG, .doc = "false: connections to a writer pass too."},
	{"allow_unverified", PURE_FLAG,
		.doc = "true: pass what the replica check cannot see into, as TLS."},
	{"user", TEXT, .doc = "Database login, for `devenv sql`.", .example = "analyst"},
	{"database", TEXT, .doc = "Database, for `devenv sql`.", .example = "shop"},
	{"gateway", PURE_FLAG, .doc = "true: listen on all addresses, not only 127.0.0.1."},
	{"ssh_engine", TEXT, .values = "libssh2|openssh",
		.doc = "openssh: the session is made by the installed ssh, with all that it can."},
	{"identity", TEXT, .doc = "Key file.", .example = "~/.ssh/id_ed25519"},
	{"known_hosts", TEXT, .doc = "File of host keys.", .example = "./known_hosts"},
	{"host_key", TEXT, .doc = "Fingerprint of the bastion's key.",
		.example = "SHA256:uNiVztksCsDhcc0u9e8BrLJX..."},
};
static SHAPE(shape_tunnel, "x-tunnels.NAME", tunnel_keys, .open = true);

static const struct key task_keys[] = {
	{"service", TEXT, .flags = KEY_REQUIRED, .doc = "Where it runs.", .example = "web"},
	{"command", .accepts = A_STRING | A_LIST, .form = FORM_ANY, .flags = KEY_REQUIRED,
		.doc = "What runs.", .example = "[composer, test]"},
};
static SHAPE(shape_task, "x-tasks.NAME", task_keys, .open = true);

static const struct key document_keys[] = {
	{"version", .accepts = A_STRING, .form = FORM_NONE, .doc = "Obsolete, ignored.",
		.warning = "obsolete, and ignored: take it out"},
	{"name", .accepts = A_STRING, .form = FORM_NONE, .doc = "Name of the project.",
		.example = "shop"},
	{"include", .accepts = A_LIST, .form = FORM_NONE, .items = A_STRING,
		.shape = &shape_include, .doc = "Other Compose files.",
		.example = "[../db/compose.yaml]"},
	{"services", MAP_OF(shape_service), .flags = KEY_NAMES, .doc = "Containers.",
		.example = "{web: {image: \"nginx:1.27\"}}"},
	{"models", MAP_OF(shape_model), .doc = "Language models.",
		.example = "{llm: {model: ai/smollm2}}"},
	{"networks", MAP_OF(shape_network), .flags = KEY_NULLS, .doc = "Networks.",
		.example = "{backend: {}}"},
	{"volumes", MAP_OF(shape_volume), .flags = KEY_NAMES | KEY_NULLS, .doc = "Volumes.",
		.example = "{data: {}}"},
	{"secrets", MAP_OF(shape_secret), .flags = KEY_NAMES, .doc = "Secrets.",
		.example = "{password: {file: ./password.txt}}"},
	{"configs", MAP_OF(shape_config), .flags = KEY_NAMES, .doc = "Configs.",
		.example = "{site: {file: ./site.conf}}"},
	{"x-requires", .accepts = A_LIST, .form = FORM_ANY,
		.doc = "Manifests that must be up first.", .example = "[auth]"},
	{"x-sources", MAP_OF(shape_source), .doc = "Git checkouts that are mounted."},
	{"x-tunnels", MAP_OF(shape_tunnel), .doc = "SSH tunnels to databases."},
	{"x-tasks", MAP_OF(shape_task), .doc = "Commands that people run often.",
		.warning = NOT_DONE},
};
SHAPE(shape_document, "the top level", document_keys);

const struct shape *const shapes_top[] = {&shape_document, &shape_volume, &shape_network,
	&shape_secret, &shape_config, &shape_ipam, &shape_ipam_pool, &shape_model, &shape_include,
	&shape_source, &shape_tunnel, &shape_task, &shape_snapshot, &shape_production, NULL};
