/*
 * order.c - the order of keys in Compose's types (compose-go v2.9.1, package types).
 *
 * What is not here is in the order of its names.
 */
#include "order.h"

#include "devenv/mem.h"

#include <string.h>

#define HOOK "command user privileged working_dir environment"

static const struct {
	const char *pattern; /* "*" is any name, "[]" an item of a list */
	const char *keys;
} orders[] = {
	{"", "name services networks volumes secrets configs models"},
	{"services.*",
		"profiles annotations attach build develop blkio_config cap_add cap_drop "
		"cgroup_parent cgroup cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period "
		"cpu_rt_runtime cpus cpuset cpu_shares command configs container_name "
		"credential_spec depends_on deploy device_cgroup_rules devices dns dns_opt "
		"dns_search dockerfile domainname entrypoint provider environment env_file expose "
		"extends external_links extra_hosts group_add gpus hostname healthcheck image init "
		"ipc isolation labels label_file links logging log_driver log_opt mem_limit "
		"mem_reservation memswap_limit mem_swappiness mac_address models net network_mode "
		"networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged "
		"pull_policy read_only restart runtime scale secrets security_opt shm_size "
		"stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits "
		"use_api_socket user userns_mode uts volume_driver volumes volumes_from "
		"working_dir post_start pre_stop"},
	{"services.*.ports.[]", "name mode host_ip target published protocol app_protocol"},
	{"services.*.volumes.[]",
		"type source target read_only consistency bind volume tmpfs image"},
	{"services.*.volumes.[].tmpfs", "size mode"},
	{"services.*.volumes.[].bind", "selinux propagation create_host_path recursive"},
	{"services.*.build",
		"context dockerfile dockerfile_inline entitlements args provenance sbom ssh labels "
		"cache_from cache_to no_cache additional_contexts pull extra_hosts isolation "
		"network target secrets shm_size tags ulimits platforms privileged"},
	{"services.*.deploy",
		"mode replicas labels update_config rollback_config resources restart_policy "
		"placement endpoint_mode"},
	{"services.*.deploy.resources", "limits reservations"},
	{"services.*.deploy.resources.*", "cpus memory pids devices generic_resources"},
	{"services.*.deploy.resources.*.devices.[]",
		"capabilities driver count device_ids options"},
	{"services.*.deploy.update_config",
		"parallelism delay failure_action monitor max_failure_ratio order"},
	{"services.*.deploy.rollback_config",
		"parallelism delay failure_action monitor max_failure_ratio order"},
	{"services.*.deploy.restart_policy", "condition delay max_attempts window"},
	{"services.*.deploy.placement", "constraints preferences max_replicas_per_node"},
	{"services.*.gpus.[]", "capabilities driver count device_ids options"},
	{"services.*.develop.watch.[]", "path action target exec include ignore initial_sync"},
	{"services.*.develop.watch.[].exec", HOOK},
	{"services.*.post_start.[]", HOOK},
	{"services.*.pre_stop.[]", HOOK},
	{"services.*.ulimits.*", "single soft hard"},
	{"services.*.build.ulimits.*", "single soft hard"},
	{"services.*.build.secrets.[]", "source target uid gid mode"},
	{"services.*.provider", "type options"},
	{"services.*.models.*", "endpoint_var model_var"},
	{"models.*", "name model context_size runtime_flags"},
	{"services.*.blkio_config",
		"weight weight_device device_read_bps device_read_iops device_write_bps "
		"device_write_iops"},
	{"services.*.env_file.[]", "path required format"},
	{"services.*.healthcheck",
		"test timeout interval retries start_period start_interval disable"},
	{"services.*.depends_on.*", "condition restart required"},
	{"services.*.secrets.[]", "source target uid gid mode"},
	{"services.*.configs.[]", "source target uid gid mode"},
	{"services.*.devices.[]", "source target permissions"},
	{"services.*.logging", "driver options"},
	{"networks.*", "name driver driver_opts ipam external internal attachable labels"},
	{"networks.*.ipam", "driver config"},
	{"networks.*.ipam.config.[]", "subnet gateway ip_range aux_addresses"},
	{"volumes.*", "name driver driver_opts external labels"},
	{"secrets.*", "name file environment content external labels"},
	{"configs.*", "name file environment content external labels"},
};

bool model_path_enter(struct model_path *path, const char *part)
{
	if (path->depth >= MODEL_DEPTH_MAX)
		return false;
	path->part[path->depth++] = part;
	return true;
}

bool model_parts_match(const char *const *parts, int depth, const char *pattern)
{
	for (int i = 0; i < depth; i++) {
		size_t len = strcspn(pattern, ".");
		const char *part = parts[i];

		if (!len)
			return false;
		if (*pattern != '*' && (strncmp(pattern, part, len) != 0 || part[len]))
			return false;
		pattern += len + (pattern[len] == '.');
	}
	return !*pattern;
}

bool model_path_matches(const struct model_path *path, const char *pattern)
{
	return model_parts_match(path->part, path->depth, pattern);
}

const char *order_find(const struct model_path *path)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (model_path_matches(path, orders[i].pattern))
			return orders[i].keys;
	}
	return NULL;
}

int order_rank(const char *order, const char *key)
{
	size_t len = strlen(key);
	int rank = 0;

	for (; order && *order; rank++) {
		size_t word = strcspn(order, " ");

		if (word == len && strncmp(order, key, len) == 0)
			return rank;
		order += word + (order[word] == ' ');
	}
	return rank;
}
