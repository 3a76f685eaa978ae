/* keys_service.c - the rows of the table for a service and for the maps inside one (see keys.h). */
#include "keys.h"

#include "devenv/mem.h"

#include "keys_macros.h"

static const struct key port_keys[] = {
	{"name", TEXT, .doc = "A name for people."},
	{"mode", TEXT, .doc = "host or ingress.", .example = "ingress"},
	{"host_ip", TEXT, .doc = "Address of the host to listen on.", .example = "127.0.0.1"},
	{"target", WHOLE, .doc = "Port inside the container.", .example = "80"},
	{"published", .accepts = A_STRING | A_INT, .form = FORM_TEXT,
		.doc = "Port, or range of ports, on the host.", .example = "\"8080\""},
	{"protocol", TEXT, .doc = "tcp or udp.", .example = "tcp"},
	{"app_protocol", TEXT, .doc = "What is spoken on the port.", .example = "http"},
};
SHAPE(shape_port, "services.NAME.ports[]", port_keys);

static const struct key bind_keys[] = {
	{"propagation", TEXT, .doc = "Propagation of mounts below.", .example = "rslave"},
	{"create_host_path", FLAG, .doc = "Make the folder when it is missing."},
	{"recursive", TEXT, .values = "enabled|disabled|writable|readonly",
		.doc = "What happens with mounts below the folder."},
	{"selinux", TEXT, .values = "z|Z", .doc = "Relabel for all (z) or this container (Z)."},
};
static SHAPE(shape_bind, "services.NAME.volumes[].bind", bind_keys);

static const struct key mount_volume_keys[] = {
	{"labels", LABELS, .flags = KEY_UNIQUE, .doc = "Labels for a volume that is made."},
	{"nocopy", FLAG, .doc = "Do not copy the image's files into a new volume."},
	{"subpath", TEXT, .doc = "Folder of the volume to mount.", .example = "data"},
};
static SHAPE(shape_mount_volume, "services.NAME.volumes[].volume", mount_volume_keys);

static const struct key tmpfs_keys[] = {
	{"size", WHOLE_BYTES, .min = 0, .max = INT64_MAX, .doc = "Size in bytes.",
		.example = "64m"},
	{"mode", .accepts = A_NUMBER, .form = FORM_INT, .doc = "File mode.", .example = "0o1777"},
};
static SHAPE(shape_tmpfs, "services.NAME.volumes[].tmpfs", tmpfs_keys);

static const struct key mount_image_keys[] = {
	{"subpath", TEXT, .doc = "Folder of the image to mount.", .example = "usr/share"},
};
static SHAPE(shape_mount_image, "services.NAME.volumes[].image", mount_image_keys);

static const struct key mount_keys[] = {
	{"type", TEXT, .flags = KEY_REQUIRED, .values = "bind|volume|tmpfs|cluster|npipe|image",
		.doc = "What is mounted.", .example = "volume"},
	{"source", TEXT, .doc = "Folder, volume or image.", .example = "data"},
	{"target", TEXT, .doc = "Path in the container.", .example = "/var/lib/data"},
	{"read_only", FLAG, .doc = "Refuse writing."},
	{"consistency", TEXT, .doc = "Ignored by Linux engines.", .example = "cached"},
	{"bind", MAP_WITH(shape_bind), .doc = "Options of a bind mount."},
	{"volume", MAP_WITH(shape_mount_volume), .doc = "Options of a volume."},
	{"tmpfs", MAP_WITH(shape_tmpfs), .doc = "Options of a tmpfs."},
	{"image", MAP_WITH(shape_mount_image), .doc = "Options of an image mount."},
};
SHAPE(shape_mount, "services.NAME.volumes[]", mount_keys);

static const struct key file_mount_keys[] = {
	{"source", TEXT, .doc = "Name of the secret or config.", .example = "password"},
	{"target", TEXT, .doc = "Path in the container.", .example = "/run/secrets/password"},
	{"uid", TEXT, .doc = "Owner.", .example = "\"1000\""},
	{"gid", TEXT, .doc = "Group.", .example = "\"1000\""},
	{"mode", .accepts = A_NUMBER | A_STRING, .form = FORM_MODE, .flags = KEY_KEEP,
		.doc = "File mode, octal.", .example = "\"0440\""},
};
SHAPE(shape_file_mount, "services.NAME.secrets[]", file_mount_keys);

static const struct key dependency_keys[] = {
	{"condition", TEXT, .flags = KEY_REQUIRED,
		.values = "service_started|service_healthy|service_completed_successfully",
		.doc = "What to wait for."},
	{"restart", FLAG, .doc = "Restart this service when that one is re-created."},
	{"required", PURE_FLAG, .flags = KEY_ALWAYS, .doc = "false: only warn when it is missing."},
};
SHAPE(shape_dependency, "services.NAME.depends_on.NAME", dependency_keys);

static const struct key service_network_keys[] = {
	{"aliases", STRINGS, .doc = "Other host names on this network.", .example = "[db]"},
	{"driver_opts", OPTIONS, .doc = "Options for the driver."},
	{"gw_priority", .accepts = A_NUMBER, .form = FORM_INT,
		.doc = "The network with the highest one is the default gateway."},
	{"interface_name", TEXT, .doc = "Name of the interface.", .example = "eth1"},
	{"ipv4_address", TEXT, .doc = "Fixed IPv4 address.", .example = "172.20.0.10"},
	{"ipv6_address", TEXT, .doc = "Fixed IPv6 address.", .example = "\"fd00::10\""},
	{"link_local_ips", STRINGS, .doc = "Link-local addresses.", .example = "[169.254.8.8]"},
	{"mac_address", TEXT, .doc = "MAC address.", .example = "\"02:42:ac:11:00:03\""},
	{"priority", .accepts = A_NUMBER, .form = FORM_INT,
		.doc = "Networks are joined from the highest on."},
};
SHAPE(shape_service_network, "services.NAME.networks.NAME", service_network_keys);

static const struct key healthcheck_keys[] = {
	{"test", .accepts = A_STRING | A_LIST, .form = FORM_TEST,
		.doc = "Command that exits 0 when healthy.",
		.example = "[CMD, pg_isready, -U, app]"},
	{"timeout", DURATION, .flags = KEY_KEEP, .doc = "Longest time for one run."},
	{"interval", DURATION, .flags = KEY_KEEP, .doc = "Time between runs."},
	{"retries", ROUGH_INT, .flags = KEY_KEEP, .doc = "Failures in a row that mean unhealthy.",
		.example = "3"},
	{"start_period", DURATION, .flags = KEY_KEEP,
		.doc = "Time in which failures do not count."},
	{"start_interval", DURATION, .flags = KEY_KEEP, .doc = "Interval in the start period."},
	{"disable", FLAG, .doc = "Switch off the image's healthcheck."},
};
SHAPE(shape_healthcheck, "services.NAME.healthcheck", healthcheck_keys);

static const struct key hook_keys[] = {
	{"command", COMMAND, .flags = KEY_ALWAYS | KEY_REQUIRED, .doc = "Command to run.",
		.example = "[./migrate, up]"},
	{"user", TEXT, .doc = "User who runs it.", .example = "root"},
	{"privileged", FLAG, .doc = "With all privileges."},
	{"working_dir", TEXT, .doc = "Folder in the container.", .example = "/app"},
	{"environment", VARS, .flags = KEY_UNIQUE, .doc = "Variables for the command."},
};
SHAPE(shape_hook, "services.NAME.post_start[]", hook_keys);

/* The same keys, but nothing is required: an absent `exec` is printed as {"command": null}. */
static const struct key exec_keys[] = {
	{"command", COMMAND, .flags = KEY_ALWAYS, .doc = "Command to run.",
		.example = "[make, reload]"},
	{"user", TEXT, .doc = "User who runs it."},
	{"privileged", FLAG, .doc = "With all privileges."},
	{"working_dir", TEXT, .doc = "Folder in the container."},
	{"environment", VARS, .flags = KEY_UNIQUE, .doc = "Variables for the command."},
};
static SHAPE(shape_exec, "services.NAME.develop.watch[].exec", exec_keys);

static const struct key watch_keys[] = {
	{"path", TEXT, .flags = KEY_REQUIRED | KEY_ALWAYS, .doc = "Folder to watch.",
		.example = "./src"},
	{"action", TEXT, .flags = KEY_REQUIRED | KEY_ALWAYS,
		.values = "rebuild|sync|restart|sync+restart|sync+exec", .doc = "What to do then."},
	{"target", TEXT, .doc = "Path in the container.", .example = "/app/src"},
	{"exec", MAP_WITH(shape_exec), .flags = KEY_ALWAYS, .doc = "Command for sync+exec."},
	{"include", STRING_OR_LIST, .doc = "Patterns that count.", .example = "[\"*.js\"]"},
	{"ignore", STRING_OR_LIST, .doc = "Patterns that do not.", .example = "[node_modules/]"},
	{"initial_sync", PURE_FLAG, .doc = "Sync once before watching."},
};
static SHAPE(shape_watch, "services.NAME.develop.watch[]", watch_keys);

static const struct key develop_keys[] = {
	{"watch", LIST_OF(shape_watch), .doc = "What to watch while developing."},
};
SHAPE(shape_develop, "services.NAME.develop", develop_keys);

static const struct key ulimit_keys[] = {
	{"soft", WHOLE, .flags = KEY_REQUIRED, .doc = "The limit that counts.", .example = "20000"},
	{"hard", WHOLE, .flags = KEY_REQUIRED, .doc = "How far it may be raised.",
		.example = "40000"},
};
SHAPE(shape_ulimit, "services.NAME.ulimits.NAME", ulimit_keys);

#define ULIMITS .accepts = A_MAP, .form = FORM_ULIMITS, .shape = &shape_ulimit
#define FILE_MOUNTS LIST_OF(shape_file_mount), .items = A_STRING

static const struct key build_keys[] = {
	{"context", TEXT, .doc = "Folder or URL to build from.", .example = "./app"},
	{"dockerfile", TEXT, .doc = "The Dockerfile, in the context.", .example = "Dockerfile.dev"},
	{"dockerfile_inline", TEXT, .doc = "The Dockerfile's text.", .example = "FROM alpine"},
	{"entitlements", STRINGS, .doc = "Extra rights for the build.",
		.example = "[network.host]"},
	{"args", VARS, .doc = "Build arguments.", .example = "{VERSION: \"1.2\"}"},
	{"provenance", .accepts = A_STRING | A_BOOL, .form = FORM_TEXT,
		.doc = "Add a provenance attestation.", .example = "mode=max"},
	{"sbom", .accepts = A_STRING | A_BOOL, .form = FORM_TEXT, .doc = "Add an SBOM attestation.",
		.example = "true"},
	{"ssh", .accepts = A_MAP | A_LIST, .form = FORM_SSH, .flags = KEY_UNIQUE,
		.doc = "SSH agents or keys for the build.", .example = "[default]"},
	{"labels", LABELS, .doc = "Labels of the image."},
	{"cache_from", STRINGS, .doc = "Where to take cached layers from.",
		.example = "[acme/app:cache]"},
	{"cache_to", STRINGS, .doc = "Where to put them.", .example = "[type=inline]"},
	{"no_cache", FLAG, .doc = "Build everything anew."},
	{"additional_contexts", LABELS, .doc = "More folders or images, by name.",
		.example = "{shared: ../shared}"},
	{"pull", FLAG, .doc = "Pull base images first."},
	{"extra_hosts", HOSTS, .flags = KEY_UNIQUE, .doc = "Lines for /etc/hosts.",
		.example = "[\"api=10.0.0.2\"]"},
	{"isolation", TEXT, .doc = "Isolation technology."},
	{"network", TEXT, .doc = "Network of RUN steps.", .example = "host"},
	{"target", TEXT, .doc = "Stage to build.", .example = "dev"},
	{"secrets", FILE_MOUNTS, .doc = "Secrets for the build.", .example = "[token]"},
	{"shm_size", WHOLE_BYTES, .doc = "Size of /dev/shm."},
	{"tags", STRINGS, .doc = "More tags for the image.", .example = "[\"acme/app:dev\"]"},
	{"ulimits", ULIMITS, .doc = "Limits of RUN steps.", .example = "{nofile: 20000}"},
	{"platforms", STRINGS, .doc = "Platforms to build for.", .example = "[linux/amd64]"},
	{"privileged", FLAG, .doc = "With all privileges."},
};
SHAPE(shape_build, "services.NAME.build", build_keys);

static const struct key blkio_limit_keys[] = {
	{"path", TEXT, .flags = KEY_ALWAYS, .out = "Path", .doc = "Device.", .example = "/dev/sda"},
	{"rate", WHOLE_BYTES, .flags = KEY_ALWAYS, .out = "Rate", .doc = "A second.",
		.example = "1mb"},
};
static SHAPE(shape_blkio_limit, "services.NAME.blkio_config.device_read_bps[]", blkio_limit_keys,
	.closed = true);

static const struct key blkio_weight_keys[] = {
	{"path", TEXT, .flags = KEY_ALWAYS, .out = "Path", .doc = "Device.", .example = "/dev/sda"},
	{"weight", .accepts = A_INT, .form = FORM_INT, .min = 0, .max = INT64_MAX,
		.flags = KEY_ALWAYS, .out = "Weight", .doc = "From 10 to 1000.", .example = "400"},
};
static SHAPE(shape_blkio_weight, "services.NAME.blkio_config.weight_device[]", blkio_weight_keys,
	.closed = true);

static const struct key blkio_keys[] = {
	{"weight", .accepts = A_INT, .form = FORM_INT, .min = 0, .max = INT64_MAX,
		.doc = "From 10 to 1000.", .example = "300"},
	{"weight_device", LIST_OF(shape_blkio_weight), .doc = "Weight by device."},
	{"device_read_bps", LIST_OF(shape_blkio_limit), .doc = "Bytes read a second."},
	{"device_read_iops", LIST_OF(shape_blkio_limit), .doc = "Reads a second."},
	{"device_write_bps", LIST_OF(shape_blkio_limit), .doc = "Bytes written a second."},
	{"device_write_iops", LIST_OF(shape_blkio_limit), .doc = "Writes a second."},
};
static SHAPE(shape_blkio, "services.NAME.blkio_config", blkio_keys, .closed = true);

static const struct key credential_spec_keys[] = {
	{"config", TEXT, .doc = "A config's name."},
	{"file", TEXT, .doc = "A file."},
	{"registry", TEXT, .doc = "A key of the Windows registry."},
};
static SHAPE(shape_credential_spec, "services.NAME.credential_spec", credential_spec_keys);

static const struct key device_keys[] = {
	{"source", TEXT, .flags = KEY_REQUIRED, .doc = "Device of the host.",
		.example = "/dev/ttyUSB0"},
	{"target", TEXT, .flags = KEY_REQUIRED, .doc = "Device in the container.",
		.example = "/dev/ttyUSB0"},
	{"permissions", TEXT, .doc = "Of r, w and m.", .example = "rwm"},
};
static SHAPE(shape_device, "services.NAME.devices[]", device_keys);

static const struct key env_file_keys[] = {
	{"path", TEXT, .flags = KEY_REQUIRED, .doc = "The file.", .example = "./app.env"},
	{"format", TEXT, .doc = "raw: values as they are.", .example = "raw"},
	{"required", FLAG, .doc = "false: it may be missing."},
};
static SHAPE(shape_env_file, "services.NAME.env_file[]", env_file_keys, .closed = true);

static const struct key extends_keys[] = {
	{"service", TEXT, .flags = KEY_REQUIRED, .doc = "Service to begin with.",
		.example = "base"},
	{"file", TEXT, .doc = "File it is in.", .example = "common.yaml"},
};
static SHAPE(shape_extends, "services.NAME.extends", extends_keys, .closed = true);

static const struct key logging_keys[] = {
	{"driver", TEXT, .doc = "Logging driver.", .example = "json-file"},
	{"options", OPTIONS, .flags = KEY_NULLS, .doc = "Options for it.",
		.example = "{max-size: 10m}"},
};
static SHAPE(shape_logging, "services.NAME.logging", logging_keys);

static const struct key provider_keys[] = {
	{"type", TEXT, .flags = KEY_REQUIRED, .doc = "Program that provides the service.",
		.example = "awesomecloud"},
	{"options", .accepts = A_MAP, .form = FORM_MULTI, .doc = "Options for it.",
		.example = "{size: small}"},
};
static SHAPE(shape_provider, "services.NAME.provider", provider_keys);

static const struct key service_model_keys[] = {
	{"endpoint_var", TEXT, .doc = "Variable that gets the URL.", .example = "MODEL_URL"},
	{"model_var", TEXT, .doc = "Variable that gets the name.", .example = "MODEL_NAME"},
};
static SHAPE(shape_service_model, "services.NAME.models.NAME", service_model_keys);

static const struct key service_keys[] = {
	{"profiles", STRINGS, .doc = "Started only with one of these profiles.",
		.example = "[debug]"},
	{"annotations", LABELS, .doc = "Annotations of the container."},
	{"attach", FLAG, .flags = KEY_KEEP, .doc = "false: leave its logs out of an attached up."},
	{"build", MAP_OR(shape_build, A_STRING), .doc = "How to build the image.",
		.example = "./app"},
	{"develop", MAP_OR(shape_develop, A_NULL), .doc = "Development: watch."},
	{"blkio_config", MAP_WITH(shape_blkio), .doc = "Limits of disk access."},
	{"cap_add", STRINGS, .doc = "Capabilities to add.", .example = "[NET_ADMIN]"},
	{"cap_drop", STRINGS, .doc = "Capabilities to take away.", .example = "[ALL]"},
	{"cgroup", TEXT, .values = "host|private", .doc = "Cgroup namespace."},
	{"cgroup_parent", TEXT, .doc = "Parent cgroup."},
	{"cpu_count", WHOLE, .min = 0, .max = INT64_MAX, .doc = "CPUs (Windows)."},
	{"cpu_percent", .accepts = A_INT | A_STRING, .form = FORM_FLOAT, .min = 0, .max = 100,
		.doc = "Share of the CPUs (Windows)."},
	{"cpu_period", ROUGH_INT, .doc = "CFS period, microseconds."},
	{"cpu_quota", ROUGH_INT, .doc = "CFS quota, microseconds."},
	{"cpu_rt_period", ROUGH_INT, .doc = "Real-time period, microseconds."},
	{"cpu_rt_runtime", ROUGH_INT, .doc = "Real-time runtime, microseconds."},
	{"cpu_shares", ROUGH_INT, .doc = "Weight against other containers."},
	{"cpus", FRACTION, .doc = "CPUs to use.", .example = "1.5"},
	{"cpuset", TEXT, .doc = "Which CPUs.", .example = "\"0-2\""},
	{"command", COMMAND, .flags = KEY_ALWAYS, .doc = "Overrides the image's command.",
		.example = "[npm, start]"},
	{"configs", FILE_MOUNTS, .doc = "Configs to mount.", .example = "[site]"},
	{"container_name", TEXT, .doc = "A fixed container name.", .example = "shop-db"},
	{"credential_spec", MAP_WITH(shape_credential_spec), .doc = "Windows service account."},
	{"depends_on", NAMES_OR_MAP_OF(shape_dependency), .flags = KEY_NAMES | KEY_UNIQUE,
		.doc = "Services to start first.", .example = "{db: {condition: service_healthy}}"},
	{"deploy", MAP_OR(shape_deploy, A_NULL), .doc = "Replicas and resources."},
	{"device_cgroup_rules", STRINGS, .flags = KEY_UNIQUE, .doc = "Rules for devices.",
		.example = "[\"c 1:3 mr\"]"},
	{"devices", LIST_OF(shape_device), .items = A_STRING, .doc = "Devices of the host.",
		.example = "[\"/dev/ttyUSB0:/dev/ttyUSB0\"]"},
	{"dns", STRING_OR_LIST, .doc = "DNS servers.", .example = "[1.1.1.1]"},
	{"dns_opt", STRINGS, .doc = "Options of resolv.conf.", .example = "[\"ndots:1\"]"},
	{"dns_search", STRING_OR_LIST, .doc = "Search domains.", .example = "[acme.example]"},
	{"domainname", TEXT, .doc = "Domain name."},
	{"entrypoint", COMMAND, .flags = KEY_ALWAYS, .doc = "Overrides the image's entrypoint.",
		.example = "[/entrypoint.sh]"},
	{"env_file", .accepts = A_LIST | A_STRING, .form = FORM_NONE, .items = A_STRING,
		.shape = &shape_env_file, .doc = "Files with variables.", .example = "[./app.env]"},
	{"environment", VARS, .doc = "Variables.", .example = "{DEBUG: \"1\"}"},
	{"expose", STRINGS, .flags = KEY_NUMBERS, .doc = "Ports for other services.",
		.example = "[\"3000\"]"},
	{"extends", .accepts = A_MAP | A_STRING, .form = FORM_SHAPE, .shape = &shape_extends,
		.doc = "Begin with another service.",
		.example = "{file: common.yaml, service: web}"},
	{"external_links", STRINGS, .flags = KEY_UNIQUE, .doc = "Containers of other projects.",
		.example = "[redis]"},
	{"extra_hosts", HOSTS, .flags = KEY_UNIQUE, .doc = "Lines for /etc/hosts.",
		.example = "[\"api=10.0.0.2\"]"},
	{"gpus", .accepts = A_LIST | A_STRING, .form = FORM_LIST, .shape = &shape_device_request,
		.values = "all", .doc = "GPUs to use.", .example = "all"},
	{"group_add", STRINGS, .flags = KEY_NUMBERS | KEY_UNIQUE, .doc = "More groups of the user.",
		.example = "[mail]"},
	{"healthcheck", MAP_WITH(shape_healthcheck), .doc = "How to tell that it is ready.",
		.example = "{test: [CMD, pg_isready], interval: 5s}"},
	{"hostname", TEXT, .doc = "Host name."},
	{"image", TEXT, .doc = "Image to run.", .example = "nginx:1.27"},
	{"init", FLAG, .flags = KEY_KEEP, .doc = "Run an init that reaps processes."},
	{"ipc", TEXT, .doc = "IPC namespace.", .example = "shareable"},
	{"isolation", TEXT, .doc = "Isolation technology."},
	{"label_file", .accepts = A_LIST | A_STRING, .form = FORM_NONE, .doc = "Files with labels.",
		.example = "[./labels]"},
	{"labels", LABELS, .doc = "Labels of the container.", .example = "{team: shop}"},
	{"links", STRINGS, .doc = "Services by other names.", .example = "[\"db:mysql\"]"},
	{"logging", MAP_WITH(shape_logging), .doc = "Where logs go."},
	{"mac_address", TEXT, .doc = "MAC address."},
	{"mem_limit", BYTES, .doc = "Memory limit."},
	{"mem_reservation", WHOLE_BYTES, .doc = "Memory that is kept free for it."},
	{"mem_swappiness", WHOLE_BYTES, .doc = "0 to 100.", .example = "60"},
	{"memswap_limit", BYTES, .doc = "Memory and swap together; -1: no limit."},
	{"models", NAMES_OR_MAP_OF(shape_service_model), .flags = KEY_UNIQUE | KEY_NULLS,
		.doc = "Models it uses.", .example = "[llm]"},
	{"network_mode", TEXT, .doc = "host, none, bridge, service:NAME or container:NAME.",
		.example = "host"},
	{"networks", NAMES_OR_MAP_OF(shape_service_network),
		.flags = KEY_NAMES | KEY_UNIQUE | KEY_NULLS, .doc = "Networks to join.",
		.example = "[backend]"},
	{"oom_kill_disable", FLAG, .doc = "Keep it when memory runs out."},
	{"oom_score_adj", WHOLE, .min = -1000, .max = 1000, .doc = "Likelihood to be killed."},
	{"pid", .accepts = A_STRING | A_NULL, .form = FORM_TEXT, .doc = "PID namespace.",
		.example = "host"},
	{"pids_limit", ROUGH_INT, .doc = "Number of processes; -1: any."},
	{"platform", TEXT, .doc = "Platform of the image.", .example = "linux/amd64"},
	{"ports", LIST_OF(shape_port), .items = A_STRING | A_NUMBER, .doc = "Ports on the host.",
		.example = "[\"8080:80\"]"},
	{"post_start", LIST_OF(shape_hook), .doc = "Commands to run after the start."},
	{"pre_stop", LIST_OF(shape_hook), .doc = "Commands to run before the stop."},
	{"privileged", FLAG, .doc = "With all privileges."},
	{"provider", MAP_WITH(shape_provider), .doc = "A program that provides the service."},
	{"pull_policy", TEXT,
		.doc = "always, never, missing, build, daily, weekly or every_DURATION.",
		.example = "always"},
	{"pull_refresh_after", .accepts = A_STRING, .form = FORM_NONE,
		.doc = "For pull_policy: refresh."},
	{"read_only", FLAG, .doc = "The root file system refuses writing."},
	{"restart", TEXT, .doc = "no, always, on-failure[:N] or unless-stopped.",
		.example = "unless-stopped"},
	{"runtime", TEXT, .doc = "OCI runtime.", .example = "runc"},
	{"scale", WHOLE, .flags = KEY_KEEP, .doc = "Number of containers."},
	{"secrets", FILE_MOUNTS, .doc = "Secrets to mount.", .example = "[password]"},
	{"security_opt", STRINGS, .flags = KEY_UNIQUE, .doc = "Security labels and profiles.",
		.example = "[\"no-new-privileges:true\"]"},
	{"shm_size", BYTES, .doc = "Size of /dev/shm."},
	{"stdin_open", FLAG, .doc = "Keep standard input open."},
	{"stop_grace_period", DURATION, .flags = KEY_KEEP, .doc = "Time to stop before SIGKILL."},
	{"stop_signal", TEXT, .doc = "Signal that stops it.", .example = "SIGINT"},
	{"storage_opt", OPTIONS, .doc = "Storage driver options.", .example = "{size: 1G}"},
	{"sysctls", LABELS, .doc = "Kernel parameters.", .example = "{net.core.somaxconn: 1024}"},
	{"tmpfs", STRING_OR_LIST, .doc = "Paths to hold in memory.", .example = "[/run]"},
	{"tty", FLAG, .doc = "Give it a terminal."},
	{"ulimits", ULIMITS, .doc = "Limits of processes.", .example = "{nofile: 20000}"},
	{"use_api_socket", PURE_FLAG, .doc = "Give it the engine's socket."},
	{"user", TEXT, .doc = "User who runs it.", .example = "\"1000:1000\""},
	{"userns_mode", TEXT, .doc = "User namespace.", .example = "host"},
	{"uts", TEXT, .doc = "UTS namespace.", .example = "host"},
	{"volumes", LIST_OF(shape_mount), .items = A_STRING, .doc = "Folders and volumes to mount.",
		.example = "[\"data:/var/lib/data\"]"},
	{"volumes_from", STRINGS, .flags = KEY_UNIQUE, .doc = "Mounts of another service.",
		.example = "[\"db:ro\"]"},
	{"working_dir", TEXT, .doc = "Working directory.", .example = "/app"},
	{"x-route", .accepts = A_STRING, .form = FORM_ANY,
		.doc = "Host name at the workspace's proxy.", .example = "shop.localhost",
		.warning = NOT_DONE},
};
SHAPE(shape_service, "services.NAME", service_keys);

const struct shape *const shapes_service[] = {&shape_service, &shape_build, &shape_healthcheck,
	&shape_port, &shape_mount, &shape_dependency, &shape_service_network, &shape_logging,
	&shape_develop, &shape_watch, &shape_file_mount, &shape_bind, &shape_mount_volume,
	&shape_tmpfs, &shape_hook, &shape_blkio, &shape_credential_spec, &shape_device,
	&shape_env_file, &shape_extends, &shape_provider, &shape_service_model, &shape_ulimit,
	NULL};
