/*
 * testing.h - cmocka with what it needs before it, and a folder of a test's own.
 */
#ifndef TESTING_H
#define TESTING_H

#include "devenv/err.h"
#include "devenv/fs.h"
#include "devenv/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* For cmocka_unit_test_setup_teardown(): *state is the path of a fresh folder. */
static inline int test_folder(void **state)
{
	char path[] = "/tmp/devenv-test.XXXXXX";

	if (!mkdtemp(path))
		return -1;
	*state = xstrdup(path);
	return 0;
}

static inline int test_folder_remove(void **state)
{
	struct err err = ERR_INIT;
	int status = fs_remove_tree(*state, &err);

	free(*state);
	return status;
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, test_folder, test_folder_remove)

#endif
