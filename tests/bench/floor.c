/*
 * floor.c - the least that bringing N containers up can cost: bare create and start requests, four
 * at a time, in no order.
 *
 * usage: floor IMAGE N PREFIX NETWORK      prints milliseconds; the engine is $DOCKER_HOST
 */
#include "devenv/clock.h"
#include "devenv/engine.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_A_TIME 4

struct share {
	struct engine *engine;
	const char *image, *prefix;
	int first, n;
	int failed;
	pthread_t thread;
};

static int one(struct share *share, int number)
{
	autojson json_t *body = json_pack("{s:s, s:[s, s], s:{s:s}}", "Image", share->image, "Cmd",
		"sleep", "3600", "HostConfig", "NetworkMode", share->prefix);
	autofree char *name = xasprintf("%s-%d", share->prefix, number);
	autofree char *id = NULL;
	struct err err = ERR_INIT;

	if (container_create(share->engine, name, NULL, body, NULL, &id, &err) < 0 ||
		container_start(share->engine, id, &err) < 0) {
		fprintf(stderr, "floor: %s\n", err.msg);
		return -1;
	}
	return 0;
}

static void *work(void *arg)
{
	struct share *share = arg;

	for (int i = share->first; i < share->n && !share->failed; i += AT_A_TIME)
		share->failed = one(share, i) < 0;
	return NULL;
}

int main(int argc, char **argv)
{
	struct engine_where where = {0};
	struct engine *engine = NULL;
	struct share shares[AT_A_TIME];
	autojson json_t *network = NULL;
	struct err err = ERR_INIT;
	uint64_t n = 0;
	int64_t began;
	int failed = 0;

	if (argc != 4 || !parse_u64(argv[2], 1, 10000, &n)) {
		fputs("usage: floor IMAGE N PREFIX\n", stderr);
		return 2;
	}
	if (engine_find(&(struct engine_ask){.no_embedded = true}, &where, &err) < 0 ||
		engine_open(&where, &engine, &err) < 0) {
		fprintf(stderr, "floor: %s\n", err.msg);
		return 1;
	}
	began = clock_ms();
	network = json_pack("{s:s}", "Name", argv[3]);
	if (engine_post(engine, network, NULL, &err, "/networks/create") < 0) {
		fprintf(stderr, "floor: %s\n", err.msg);
		return 1;
	}
	for (int i = 0; i < AT_A_TIME; i++) {
		shares[i] = (struct share){.engine = engine_clone(engine),
			.image = argv[1],
			.prefix = argv[3],
			.first = i,
			.n = (int)n};
		if (pthread_create(&shares[i].thread, NULL, work, &shares[i]) != 0)
			abort();
	}
	for (int i = 0; i < AT_A_TIME; i++) {
		pthread_join(shares[i].thread, NULL);
		failed |= shares[i].failed;
		engine_close(shares[i].engine);
	}
	printf("%d\n", (int)(clock_ms() - began));
	engine_close(engine);
	engine_where_release(&where);
	return failed;
}
