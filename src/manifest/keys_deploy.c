/* keys_deploy.c - the rows of the table for a service's deploy: part (see keys.h). */
#include "keys.h"

#include "devenv/mem.h"

#include "keys_macros.h"

static const struct key device_request_keys[] = {
	{"capabilities", STRINGS, .flags = KEY_UNIQUE, .doc = "What it must be able to do.",
		.example = "[gpu]"},
	{"driver", TEXT, .doc = "Device driver.", .example = "nvidia"},
	{"count", .accepts = A_STRING | A_INT, .form = FORM_COUNT, .doc = "How many, or all.",
		.example = "1"},
	{"device_ids", STRINGS, .flags = KEY_UNIQUE, .doc = "Which ones.", .example = "[\"0\"]"},
	{"options", LABELS, .flags = KEY_UNIQUE, .doc = "Options for the driver."},
};
SHAPE(shape_device_request, "services.NAME.gpus[]", device_request_keys, .open = true);

static const struct key reserved_device_keys[] = {
	{"capabilities", STRINGS, .flags = KEY_UNIQUE | KEY_REQUIRED,
		.doc = "What it must be able to do.", .example = "[gpu]"},
	{"driver", TEXT, .doc = "Device driver.", .example = "nvidia"},
	{"count", .accepts = A_STRING | A_INT, .form = FORM_COUNT, .doc = "How many, or all.",
		.example = "1"},
	{"device_ids", STRINGS, .flags = KEY_UNIQUE, .doc = "Which ones.", .example = "[\"0\"]"},
	{"options", LABELS, .flags = KEY_UNIQUE, .doc = "Options for the driver."},
};
static SHAPE(shape_reserved_device, "services.NAME.deploy.resources.reservations.devices[]",
	reserved_device_keys);

static const struct key discrete_keys[] = {
	{"kind", TEXT, .flags = KEY_ALWAYS, .doc = "Kind of resource.", .example = "SSD"},
	{"value", ROUGH_INT, .flags = KEY_ALWAYS, .doc = "How many.", .example = "2"},
};
static SHAPE(shape_discrete,
	"services.NAME.deploy.resources.reservations.generic_resources[].discrete_resource_spec",
	discrete_keys);

static const struct key generic_resource_keys[] = {
	{"discrete_resource_spec", MAP_WITH(shape_discrete), .doc = "A countable resource."},
};
static SHAPE(shape_generic_resource,
	"services.NAME.deploy.resources.reservations.generic_resources[]", generic_resource_keys);

static const struct key limits_keys[] = {
	{"cpus", FRACTION, .doc = "CPUs it may use at most.", .example = "\"0.5\""},
	{"memory", .accepts = A_STRING, .form = FORM_BYTES, .doc = "Memory it may use at most."},
	{"pids", WHOLE, .doc = "Number of processes."},
};
static SHAPE(shape_limits, "services.NAME.deploy.resources.limits", limits_keys);

static const struct key reservations_keys[] = {
	{"cpus", FRACTION, .doc = "CPUs that are kept for it.", .example = "\"0.25\""},
	{"memory", .accepts = A_STRING, .form = FORM_BYTES, .doc = "Memory that is kept for it."},
	{"generic_resources", LIST_OF(shape_generic_resource), .doc = "Other resources."},
	{"devices", LIST_OF(shape_reserved_device), .doc = "Devices, GPUs among them.",
		.example = "[{capabilities: [gpu]}]"},
};
static SHAPE(shape_reservations, "services.NAME.deploy.resources.reservations", reservations_keys);

static const struct key resources_keys[] = {
	{"limits", MAP_WITH(shape_limits), .doc = "The most it may use."},
	{"reservations", MAP_WITH(shape_reservations), .doc = "The least it gets."},
};
static SHAPE(shape_resources, "services.NAME.deploy.resources", resources_keys);

static const struct key update_keys[] = {
	{"parallelism", WHOLE, .flags = KEY_KEEP, .doc = "Containers at a time."},
	{"delay", DURATION, .doc = "Time between groups."},
	{"failure_action", TEXT, .doc = "continue, pause or rollback.", .example = "pause"},
	{"monitor", DURATION, .doc = "Time to watch for failures."},
	{"max_failure_ratio", FRACTION, .doc = "Failures to tolerate.", .example = "0.1"},
	{"order", TEXT, .values = "start-first|stop-first", .doc = "Which comes first."},
};
static SHAPE(shape_update, "services.NAME.deploy.update_config", update_keys);

static const struct key restart_policy_keys[] = {
	{"condition", TEXT, .doc = "none, on-failure or any.", .example = "on-failure"},
	{"delay", DURATION, .flags = KEY_KEEP, .doc = "Time between attempts.",
		.warning = SWARM_ONLY},
	{"max_attempts", WHOLE, .flags = KEY_KEEP, .doc = "Attempts before giving up."},
	{"window", DURATION, .flags = KEY_KEEP, .doc = "Time after which a start has succeeded.",
		.warning = SWARM_ONLY},
};
static SHAPE(shape_restart_policy, "services.NAME.deploy.restart_policy", restart_policy_keys);

static const struct key preference_keys[] = {
	{"spread", TEXT, .doc = "Node label to spread over.", .example = "node.labels.zone"},
};
static SHAPE(shape_preference, "services.NAME.deploy.placement.preferences[]", preference_keys);

static const struct key placement_keys[] = {
	{"constraints", STRINGS, .doc = "Where it may run.", .example = "[node.role==manager]"},
	{"preferences", LIST_OF(shape_preference), .doc = "Where it should run."},
	{"max_replicas_per_node", WHOLE, .doc = "Replicas on a node."},
};
static SHAPE(shape_placement, "services.NAME.deploy.placement", placement_keys);

static const struct key deploy_keys[] = {
	{"mode", TEXT, .doc = "replicated or global.", .example = "replicated"},
	{"replicas", WHOLE, .flags = KEY_KEEP, .doc = "Number of containers."},
	{"labels", LABELS, .doc = "Labels of the service."},
	{"update_config", MAP_WITH(shape_update), .doc = "How updates roll out.",
		.warning = SWARM_ONLY},
	{"rollback_config", MAP_WITH(shape_update), .doc = "How they roll back.",
		.warning = SWARM_ONLY},
	{"resources", MAP_WITH(shape_resources), .flags = KEY_ALWAYS,
		.doc = "Limits and reservations.", .example = "{limits: {memory: 512m}}"},
	{"restart_policy", MAP_WITH(shape_restart_policy), .doc = "When it is started again."},
	{"placement", MAP_WITH(shape_placement), .flags = KEY_ALWAYS, .doc = "Where it runs.",
		.warning = SWARM_ONLY},
	{"endpoint_mode", TEXT, .doc = "vip or dnsrr.", .example = "vip", .warning = SWARM_ONLY},
};
SHAPE(shape_deploy, "services.NAME.deploy", deploy_keys);

const struct shape *const shapes_deploy[] = {&shape_deploy, &shape_resources, &shape_limits,
	&shape_reservations, &shape_reserved_device, &shape_generic_resource, &shape_discrete,
	&shape_update, &shape_restart_policy, &shape_placement, &shape_preference, NULL};
