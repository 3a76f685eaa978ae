/* test_ssh_flow.c - a window grows for a server that waits for it, and for nothing else. */
#include "../../src/net/ssh_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIZE ((size_t)2 << 20)
#define PIECE ((size_t)64 << 10)
#define START 1000

/* A whole window comes within `busy` us, each eighth of it granted anew at once. */
static int64_t one_window(struct ssh_flow *flow, int64_t now, int64_t busy)
{
	for (size_t taken = PIECE; taken <= SIZE; taken += PIECE) {
		ssh_flow_took(flow, PIECE, now += busy / (int64_t)(SIZE / PIECE));
		if (taken % (SIZE / 8) == 0)
			ssh_flow_granted(flow, SIZE / 8);
	}
	return now;
}

static struct ssh_flow opened(void)
{
	struct ssh_flow flow = {.size = SIZE};

	ssh_flow_granted(&flow, SIZE);
	return flow;
}

static void far_server(void **state)
{
	struct ssh_flow flow = opened();
	int64_t now = one_window(&flow, START, 8000);

	ssh_flow_dry(&flow, now);
	ssh_flow_dry(&flow, now + 6000); /* as often as the loop looks */
	one_window(&flow, now + 12000, 8000);
	assert_in_range(flow.wish, 2 * SIZE, 4 * SIZE); /* 20 ms of which 8 brought bytes */
}

static void near_server(void **state)
{
	struct ssh_flow flow = opened();
	int64_t now = START;

	for (int i = 0; i < 4; i++) {
		now = one_window(&flow, now, 8000);
		ssh_flow_dry(&flow, now);
		now += 100;
	}
	assert_int_equal(flow.wish, 0);
}

static void nothing_to_say(void **state)
{
	struct ssh_flow flow = opened();
	int64_t now = START;

	for (int i = 0; i < 4; i++) {
		ssh_flow_took(&flow, 100, now); /* so that no window is used up by the rest */
		now = one_window(&flow, now, 8000);
		ssh_flow_dry(&flow, now);
		now += 1000000;
	}
	assert_int_equal(flow.wish, 0);
}

static void slow_client(void **state)
{
	struct ssh_flow flow = opened();
	int64_t now = START;

	for (int i = 0; i < 4; i++)
		now = one_window(&flow, now, 1000000);
	assert_int_equal(flow.wish, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_server),
		cmocka_unit_test(near_server),
		cmocka_unit_test(nothing_to_say),
		cmocka_unit_test(slow_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
