/*
 * stats.c - what a sample of GET /containers/ID/stats says.
 *
 * The formulas are those of docker's CLI (cli/command/container/stats_helpers.go), so that the
 * figures are the ones that people know.
 */
#include "devenv/engine.h"

#include "devenv/clock.h"

#include <string.h>

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static uint64_t count(const json_t *object, const char *key)
{
	double value = number(object, key);

	return value > 0 ? (uint64_t)value : 0;
}

/* === CPU === */

/* Nanoseconds of "2026-11-21T13:23:46.103448773Z"; 0 when it is none. */
static double time_of(const char *text)
{
	const char *point = text ? strchr(text, '.') : NULL;
	int64_t seconds = text ? clock_parse_rfc3339(text) : -1;
	double fraction = 0, digit = 1e8;

	if (seconds < 0)
		return 0;
	for (point = point ? point + 1 : ""; *point >= '0' && *point <= '9'; point++) {
		fraction += (*point - '0') * digit;
		digit /= 10;
	}
	return (double)seconds * 1e9 + fraction;
}

static double online(const json_t *stats)
{
	double cpus = number(stats, "online_cpus");

	if (cpus > 0)
		return cpus;
	return (double)json_array_size(json_at(stats, "cpu_usage", "percpu_usage", NULL));
}

/*
 * Docker's system_cpu_usage is the time of all CPUs, idle or not; so their number times its
 * difference is the time that passed. Podman (which has `cpu` in there) sends the busy time only,
 * in which every lone process would have all CPUs: there it is the clock that tells.
 */
static double cpu_percent(const json_t *sample, struct cpu_reading *before)
{
	const json_t *stats = json_object_get(sample, "cpu_stats");
	const json_t *earlier = json_object_get(sample, "precpu_stats");
	bool podman = json_object_get(stats, "cpu") != NULL;
	struct cpu_reading now = {number(json_object_get(stats, "cpu_usage"), "total_usage"),
		podman ? time_of(json_str(sample, "read")) : number(stats, "system_cpu_usage")};
	struct cpu_reading then = {number(json_object_get(earlier, "cpu_usage"), "total_usage"),
		podman ? 0 : number(earlier, "system_cpu_usage")};
	double used, passed;

	if (then.system <= 0)
		then = *before;
	*before = now;
	used = now.total - then.total;
	passed = now.system - then.system;
	if (then.system <= 0)
		return -1;
	return used > 0 && passed > 0 ? used / passed * (podman ? 1 : online(stats)) * 100 : 0;
}

/* === memory === */

/* The page cache that nobody used lately is no use of the container's: v1, then v2. */
static uint64_t memory_used(const json_t *memory)
{
	const json_t *stats = json_object_get(memory, "stats");
	uint64_t usage = count(memory, "usage");
	uint64_t v1 = count(stats, "total_inactive_file"), v2 = count(stats, "inactive_file");

	if (json_object_get(stats, "total_inactive_file") && v1 < usage)
		return usage - v1;
	return v2 < usage ? usage - v2 : usage;
}

/* === devices === */

static void read_networks(const json_t *networks, struct container_usage *usage)
{
	const char *name;
	json_t *network;

	json_object_foreach ((json_t *)networks, name, network) {
		usage->received += count(network, "rx_bytes");
		usage->sent += count(network, "tx_bytes");
	}
}

/* "Read" and "Write" (cgroup v1), "read" and "write" (v2), beside sums of both. */
static void read_devices(const json_t *entries, struct container_usage *usage)
{
	json_t *entry;
	size_t i;

	json_array_foreach (entries, i, entry) {
		const char *op = json_str(entry, "op");

		if (op && (*op | 32) == 'r')
			usage->read += count(entry, "value");
		else if (op && (*op | 32) == 'w')
			usage->written += count(entry, "value");
	}
}

void container_usage_read(
	const json_t *sample, struct cpu_reading *before, struct container_usage *usage)
{
	const json_t *memory = json_object_get(sample, "memory_stats");

	*usage = (struct container_usage){.cpu_percent = cpu_percent(sample, before),
		.memory = memory_used(memory),
		.limit = count(memory, "limit"),
		.pids = count(json_object_get(sample, "pids_stats"), "current")};
	if (usage->limit)
		usage->memory_percent = (double)usage->memory / (double)usage->limit * 100;
	read_networks(json_object_get(sample, "networks"), usage);
	read_devices(json_at(sample, "blkio_stats", "io_service_bytes_recursive", NULL), usage);
}
