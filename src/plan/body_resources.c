/* body_resources.c - limits, devices and ulimits of a service as the engine's HostConfig. */
#include "plan_priv.h"

#include "devenv/mem.h"
#include "devenv/str.h"

#include <string.h>

/* Numbers come as JSON numbers or, after interpolation, as text. */
static double number_of(const json_t *value)
{
	double out = json_number_value(value);

	if (json_is_string(value))
		parse_double(json_string_value(value), &out);
	return out;
}

static int64_t bytes_of(const json_t *value)
{
	int64_t out = json_integer_value(value);

	if (json_is_string(value) && !parse_bytes(json_string_value(value), &out) &&
		str_eq(json_string_value(value), "-1"))
		out = -1;
	return out;
}

enum unit { UNIT_NUMBER, UNIT_HUNDREDTH, UNIT_BYTES, UNIT_NANO, UNIT_TEXT };

static const struct {
	const char *key;
	const char *name;
	enum unit unit;
} rows[] = {
	{"cpu_count", "CpuCount", UNIT_NUMBER},
	{"cpu_percent", "CpuPercent", UNIT_HUNDREDTH},
	{"cpu_period", "CpuPeriod", UNIT_NUMBER},
	{"cpu_quota", "CpuQuota", UNIT_NUMBER},
	{"cpu_rt_period", "CpuRealtimePeriod", UNIT_NUMBER},
	{"cpu_rt_runtime", "CpuRealtimeRuntime", UNIT_NUMBER},
	{"cpu_shares", "CpuShares", UNIT_NUMBER},
	{"cpus", "NanoCpus", UNIT_NANO},
	{"cpuset", "CpusetCpus", UNIT_TEXT},
	{"mem_limit", "Memory", UNIT_BYTES},
	{"mem_reservation", "MemoryReservation", UNIT_BYTES},
	{"mem_swappiness", "MemorySwappiness", UNIT_NUMBER},
	{"memswap_limit", "MemorySwap", UNIT_BYTES},
	{"pids_limit", "PidsLimit", UNIT_NUMBER},
};

static void set_resource(json_t *host, const char *name, const json_t *value, enum unit unit)
{
	if (!value || json_is_null(value))
		return;
	switch (unit) {
	case UNIT_NUMBER:
		json_object_set_new(host, name, json_integer((json_int_t)number_of(value)));
		break;
	case UNIT_HUNDREDTH:
		json_object_set_new(host, name, json_integer((json_int_t)(number_of(value) * 100)));
		break;
	case UNIT_BYTES:
		json_object_set_new(host, name, json_integer(bytes_of(value)));
		break;
	case UNIT_NANO:
		/* In single precision as Compose counts: 0.57 is 570000000 and not one less. */
		json_object_set_new(
			host, name, json_integer((json_int_t)((float)number_of(value) * 1e9f)));
		break;
	case UNIT_TEXT:
		json_set_str(host, name, json_string_value(value));
		break;
	}
}

/* deploy.resources: the newer words for the same limits. */
static void deploy_resources(const json_t *service, json_t *host)
{
	json_t *limits = json_at(service, "deploy", "resources", "limits", NULL);
	json_t *reserved = json_at(service, "deploy", "resources", "reservations", NULL);

	set_resource(host, "NanoCpus", json_object_get(limits, "cpus"), UNIT_NANO);
	set_resource(host, "Memory", json_object_get(limits, "memory"), UNIT_BYTES);
	set_resource(host, "PidsLimit", json_object_get(limits, "pids"), UNIT_NUMBER);
	set_resource(host, "MemoryReservation", json_object_get(reserved, "memory"), UNIT_BYTES);
}

static json_t *ulimits(const json_t *service)
{
	json_t *list = json_array(), *limit;
	const char *name;

	json_object_foreach (json_object_get(service, "ulimits"), name, limit) {
		json_int_t soft = json_integer_value(limit), hard = soft;

		if (json_is_object(limit)) {
			soft = json_int(limit, "soft");
			hard = json_int(limit, "hard");
		}
		json_array_append_new(list,
			json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", soft, "Hard", hard));
	}
	return list;
}

/*
 * A device by its qualified name "vendor/class=name" of the Container Device Interface: the same as
 * source and target.
 */
static bool is_cdi(const json_t *device)
{
	const char *source = json_str(device, "source"), *slash, *equals;

	if (!source || !str_eq(source, json_str(device, "target")) || *source == '/')
		return false;
	slash = strchr(source, '/');
	equals = strchr(source, '=');
	return slash && equals && slash < equals && equals[1];
}

static json_t *cdi_request(const json_t *service)
{
	json_t *names = json_array(), *device;
	size_t i;

	json_array_foreach (json_object_get(service, "devices"), i, device)
		if (is_cdi(device))
			json_array_append(names, json_object_get(device, "source"));
	if (json_array_size(names))
		return json_pack("{s:s, s:o}", "Driver", "cdi", "DeviceIDs", names);
	json_decref(names);
	return NULL;
}

static json_t *devices(const json_t *service)
{
	json_t *list = json_array(), *device;
	size_t i;

	json_array_foreach (json_object_get(service, "devices"), i, device) {
		const char *permissions = json_str(device, "permissions");

		if (is_cdi(device))
			continue;
		json_array_append_new(list,
			json_pack("{s:s*, s:s*, s:s}", "PathOnHost", json_str(device, "source"),
				"PathInContainer", json_str(device, "target"), "CgroupPermissions",
				permissions ? permissions : "rwm"));
	}
	return list;
}

/* One entry of `gpus` (which all are of capability "gpu") or of deploy's devices. */
static json_t *device_request(const json_t *request, bool gpu)
{
	json_t *out = json_object(), *capabilities = json_array();

	json_array_extend(capabilities, json_object_get(request, "capabilities"));
	if (gpu)
		json_array_append_new(capabilities, json_string("gpu"));
	json_set_str(out, "Driver", json_str(request, "driver"));
	json_object_set_new(out, "Count", json_integer(json_int(request, "count")));
	if (json_object_get(request, "device_ids"))
		json_object_set(out, "DeviceIDs", json_object_get(request, "device_ids"));
	json_object_set_new(out, "Capabilities", json_pack("[o]", capabilities));
	if (json_object_get(request, "options"))
		json_object_set(out, "Options", json_object_get(request, "options"));
	return out;
}

static json_t *device_requests(const json_t *service)
{
	json_t *list = json_array(), *request, *cdi = cdi_request(service);
	size_t i;

	json_array_foreach (
		json_at(service, "deploy", "resources", "reservations", "devices", NULL), i,
		request)
		json_array_append_new(list, device_request(request, false));
	if (cdi)
		json_array_append_new(list, cdi);
	json_array_foreach (json_object_get(service, "gpus"), i, request)
		json_array_append_new(list, device_request(request, true));
	return list;
}

/* blkio_config's names are the engine's with underscores; its entries have the engine's own. */
static void blkio(const json_t *service, json_t *host)
{
	static const char *const names[][2] = {{"device_read_bps", "BlkioDeviceReadBps"},
		{"device_read_iops", "BlkioDeviceReadIOps"},
		{"device_write_bps", "BlkioDeviceWriteBps"},
		{"device_write_iops", "BlkioDeviceWriteIOps"}};
	json_t *config = json_object_get(service, "blkio_config"), *item;
	size_t i;

	set_resource(host, "BlkioWeight", json_object_get(config, "weight"), UNIT_NUMBER);
	if (json_object_get(config, "weight_device"))
		json_object_set(
			host, "BlkioWeightDevice", json_object_get(config, "weight_device"));
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		json_t *list = json_array();

		json_array_foreach (json_object_get(config, names[n][0]), i, item)
			json_array_append_new(list,
				json_pack("{s:s*, s:I}", "Path", json_str(item, "Path"), "Rate",
					(json_int_t)bytes_of(json_object_get(item, "Rate"))));
		if (json_array_size(list))
			json_object_set(host, names[n][1], list);
		json_decref(list);
	}
}

static void set_list(json_t *host, const char *name, json_t *list)
{
	if (json_array_size(list))
		json_object_set(host, name, list);
	json_decref(list);
}

void body_resources(const json_t *service, json_t *host)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		set_resource(
			host, rows[i].name, json_object_get(service, rows[i].key), rows[i].unit);
	deploy_resources(service, host);
	json_object_set_new(
		host, "OomKillDisable", json_boolean(json_bool(service, "oom_kill_disable")));
	set_list(host, "Ulimits", ulimits(service));
	set_list(host, "Devices", devices(service));
	set_list(host, "DeviceRequests", device_requests(service));
	blkio(service, host);
}
