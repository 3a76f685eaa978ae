/* test_masking.c - which snapshots may leave, by their configs. */
#include "testing.h"

#include "devenv/masking.h"

#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static bool lacks(const char *text)
{
	struct err err = ERR_INIT;
	autojson json_t *config = json_parse(text, strlen(text), "config", &err);

	assert_non_null(config);
	return masking_lacks(config);
}

static void test_lacks(void **state)
{
	assert_false(lacks("{}"));
	assert_false(lacks("{\"production\": false, \"masking\": null}"));
	assert_true(lacks("{\"production\": true}"));
	assert_true(lacks("{\"production\": true, \"masking\": null}"));
	assert_true(lacks("{\"production\": true, \"masking\": {\"rules\": \"a.sql\"}}"));
	assert_true(lacks("{\"production\": true, \"masking\": "
			  "{\"rules\": \"\", \"sha256\": \"" SHA256_OF_ABC "\"}}"));
	assert_true(lacks("{\"production\": true, \"masking\": "
			  "{\"rules\": \"a.sql\", \"sha256\": \"ba78\"}}"));
	assert_false(lacks("{\"production\": true, \"masking\": "
			   "{\"rules\": \"a.sql\", \"sha256\": \"" SHA256_OF_ABC "\"}}"));
}

static void test_file(void **state)
{
	autofree char *path = path_join(*state, "rules.sql");
	autojson json_t *masking = NULL;
	struct err err = ERR_INIT;

	assert_null(masking_of_file(path, &err));
	assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_int_equal(fs_write_atomic(path, " \n", 2, 0644, &err), 0);
	assert_null(masking_of_file(path, &err));
	assert_int_equal(fs_write_atomic(path, "abc", 3, 0644, &err), 0);
	masking = masking_of_file(path, &err);
	assert_string_equal(json_str(masking, "rules"), "rules.sql");
	assert_string_equal(json_str(masking, "sha256"), SHA256_OF_ABC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lacks),
		FOLDER_TEST(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
