/* test_spill.c - arrays that move from memory into a file, and what is in them. */
#include "testing.h"

#include "devenv/spill.h"

#include <sys/stat.h>

#define N ((size_t)3 << 20) /* of 4 bytes: over any size that stays in memory */

static uint32_t *make(size_t n)
{
	uint32_t *array = NULL;

	for (size_t i = 0; i < n; i++) {
		array = spill_grow(array, i, sizeof(*array));
		array[i] = (uint32_t)(i * 2654435761u);
	}
	return array;
}

static void assert_made(const uint32_t *array, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (array[i] != (uint32_t)(i * 2654435761u))
			fail_msg("item %zu is another", i);
}

/* The kB of this process that are of no file. */
static long anonymous(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	assert_non_null(file);
	while (kb < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %ld", &kb);
	fclose(file);
	return kb;
}

static void test_memory(void **state)
{
	uint32_t *array = make(N), *zeros = spill_zeroed(N, sizeof(*zeros));

	assert_made(array, N);
	assert_int_equal(zeros[N - 1], 0);
	spill_free(array);
	spill_free(zeros);
	spill_free(xmalloc(10));
	spill_free(NULL);
}

/* After test_memory(): what follows is for the whole process. */
static void test_file(void **state)
{
	uint32_t *small = make(10), *large, *zeros, *again;
	long before = anonymous();

	spill_into(*state);
	large = make(N);
	zeros = spill_zeroed(N, sizeof(*zeros));
	memset(zeros, 1, N * sizeof(*zeros));
	assert_true(anonymous() - before < 8 << 10);
	assert_made(small, 10);
	assert_made(large, N);
	spill_free(zeros);
	again = spill_zeroed(N, sizeof(*again));
	for (size_t i = 0; i < N; i++)
		assert_int_equal(again[i], 0);
	assert_made(large, N);
	spill_free(again);
	spill_free(large);
	spill_free(small);
}

/* What began in memory goes on there or in the file, whatever there was room for. */
static void test_mixed(void **state)
{
	uint32_t *array = xcalloc(4, sizeof(*array));

	for (size_t i = 0; i < N; i++) {
		array = i < 4 ? array : spill_grow(array, i, sizeof(*array));
		array[i] = (uint32_t)(i * 2654435761u);
	}
	assert_made(array, N);
	spill_free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		FOLDER_TEST(test_file),
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
