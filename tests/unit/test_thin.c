/* test_thin.c - which volumes are taken for thin ones; no engine needed. */
#include "devenv/plan_thin.h"

#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_thin(const char *type, const char *o)
{
	autojson json_t *volume = json_pack(
		"{s:s, s:{s:s, s:s}}", "Name", "shop_data", "Options", "type", type, "o", o);

	return plan_thin_is(volume);
}

#define LOWER "lowerdir=/var/lib/docker/volumes/devenv-cache/_data/thin/shop_data/lower"

static void test_thin(void **state)
{
	assert_true(is_thin("overlay", LOWER ",upperdir=/c/thin/shop_data/upper,workdir=/w"));
	assert_true(is_thin("overlay", "lowerdir=/l,upperdir=/thin/c/thin/x.y-z/upper,workdir=/w"));
}

static void test_others(void **state)
{
	autojson json_t *plain = json_pack("{s:s, s:n}", "Name", "shop_data", "Options");
	autojson json_t *empty = json_pack("{s:s, s:{}}", "Name", "shop_data", "Options");

	assert_false(plan_thin_is(NULL));
	assert_false(plan_thin_is(plain));
	assert_false(plan_thin_is(empty));
	assert_false(is_thin("none", LOWER ",upperdir=/c/thin/shop_data/upper,workdir=/w"));
	assert_false(is_thin("overlay", LOWER));
	assert_false(is_thin("overlay", "lowerdir=/l,upperdir=/upper,workdir=/w"));
	assert_false(is_thin("overlay", "lowerdir=/l,upperdir=/x/upper,workdir=/w"));
	assert_false(is_thin("overlay", "lowerdir=/l,upperdir=/c/fat/x/upper,workdir=/w"));
	assert_false(is_thin("overlay", "lowerdir=/thin/x/upper,upperdir=/u,workdir=/w"));
	assert_false(is_thin("overlay", "lowerdir=/l,upperdir=/c/thin/x/upper"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thin),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
