/* test_engine_stats.c - samples as engines send them, and the keys that leave an attachment. */
#include "testing.h"

#include "devenv/engine.h"

static struct container_usage usage_of(const char *text, struct cpu_reading *before)
{
	struct container_usage usage;
	struct err err = ERR_INIT;
	autojson json_t *sample = json_parse(text, strlen(text), "sample", &err);

	assert_non_null(sample);
	container_usage_read(sample, before, &usage);
	return usage;
}

/* Half a CPU of four, on cgroup v1. */
static void test_docker(void **state)
{
	struct cpu_reading before = {0};
	struct container_usage usage = usage_of(
		"{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1500000000},"
		"\"system_cpu_usage\":44000000000,\"online_cpus\":4},"
		"\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":1000000000},"
		"\"system_cpu_usage\":40000000000,\"online_cpus\":4},"
		"\"memory_stats\":{\"usage\":3000,\"limit\":10000,"
		"\"stats\":{\"total_inactive_file\":1000,\"inactive_file\":5}},"
		"\"networks\":{\"eth0\":{\"rx_bytes\":1,\"tx_bytes\":2},"
		"\"eth1\":{\"rx_bytes\":10,\"tx_bytes\":20}},"
		"\"blkio_stats\":{\"io_service_bytes_recursive\":["
		"{\"op\":\"Read\",\"value\":7},{\"op\":\"Write\",\"value\":8},"
		"{\"op\":\"Total\",\"value\":15},{\"op\":\"read\",\"value\":1}]},"
		"\"pids_stats\":{\"current\":3}}",
		&before);

	assert_true(usage.cpu_percent > 49.99 && usage.cpu_percent < 50.01);
	assert_int_equal(usage.memory, 2000);
	assert_int_equal(usage.limit, 10000);
	assert_true(usage.memory_percent > 19.99 && usage.memory_percent < 20.01);
	assert_int_equal(usage.received, 11);
	assert_int_equal(usage.sent, 22);
	assert_int_equal(usage.read, 8);
	assert_int_equal(usage.written, 8);
	assert_int_equal(usage.pids, 3);
}

/* The first sample of a stream has none before it; cgroup v2; no `online_cpus`. */
static void test_first(void **state)
{
	struct cpu_reading before = {0};
	struct container_usage usage = usage_of(
		"{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":100},\"system_cpu_usage\":1000},"
		"\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":0}},"
		"\"memory_stats\":{\"usage\":3000,\"stats\":{\"inactive_file\":500}}}",
		&before);

	assert_true(usage.cpu_percent < 0);
	assert_int_equal(usage.memory, 2500);
	assert_true(usage.memory_percent == 0);
	usage = usage_of(
		"{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":150,\"percpu_usage\":[70,80]},"
		"\"system_cpu_usage\":1200},\"memory_stats\":{\"usage\":3000,"
		"\"stats\":{\"inactive_file\":5000}}}",
		&before);
	assert_true(usage.cpu_percent > 49.99 && usage.cpu_percent < 50.01);
	assert_int_equal(usage.memory, 3000);
}

/* Podman's system_cpu_usage is busy time: half a CPU of an idle machine is not 100 of it. */
static void test_podman(void **state)
{
	struct cpu_reading before = {0};
	struct container_usage usage = usage_of(
		"{\"read\":\"2026-11-21T13:23:45.903448773Z\",\"cpu_stats\":{\"cpu\":0,"
		"\"cpu_usage\":{\"total_usage\":100000000},\"system_cpu_usage\":5,"
		"\"online_cpus\":2}}",
		&before);

	assert_true(usage.cpu_percent < 0);
	usage = usage_of("{\"read\":\"2026-11-21T13:23:46.903448773Z\",\"cpu_stats\":{\"cpu\":0,"
			 "\"cpu_usage\":{\"total_usage\":600000000},\"system_cpu_usage\":500000005,"
			 "\"online_cpus\":2},\"memory_stats\":{\"usage\":7,\"limit\":70}}",
		&before);
	assert_true(usage.cpu_percent > 49.9 && usage.cpu_percent < 50.1);
	assert_int_equal(usage.memory, 7);
}

/* What no engine should send must not end us. */
static void test_nonsense(void **state)
{
	struct cpu_reading before = {0};
	struct container_usage usage = usage_of(
		"{\"read\":\"never\",\"cpu_stats\":[],\"memory_stats\":{\"usage\":-5,\"stats\":7},"
		"\"networks\":[1],\"blkio_stats\":{\"io_service_bytes_recursive\":[{},3]}}",
		&before);

	assert_true(usage.cpu_percent < 0);
	assert_int_equal(usage.memory, 0);
}

static void test_keys(void **state)
{
	static const char *const bad[] = {"", "ctrl-", "ctrl-7", "ctrl-ab", "hello"};
	struct detach_keys keys;
	struct err err = ERR_INIT;

	assert_int_equal(detach_keys_parse("ctrl-p,ctrl-q", &keys, &err), 0);
	assert_int_equal(keys.n, 2);
	assert_memory_equal(keys.bytes, "\x10\x11", 2);
	assert_int_equal(detach_keys_parse("a,ctrl-@,ctrl-[,ctrl-_,ctrl-Z", &keys, &err), 0);
	assert_memory_equal(keys.bytes, "a\0\x1b\x1f\x1a", 5);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err_clear(&err);
		assert_int_equal(detach_keys_parse(bad[i], &keys, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_int_equal(detach_keys_parse("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", &keys, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_podman),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
