/* crew.c - a ring of jobs, and the threads that work on them. */
#include "crew.h"

#include "devenv/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* More would not be faster than disks are, and a kit holds up to 5 MiB. */
#define THREADS_MAX 16

struct worker {
	struct crew *crew;
	struct kit *kit;
	pthread_t thread;
};

struct crew {
	struct crew_kind kind;
	char *jobs;
	bool *done;
	size_t room;
	/* Numbers that only rise: job i is at i % room. */
	size_t oldest, next, taken;
	bool stop;
	pthread_mutex_t mutex;
	pthread_cond_t submitted, finished;
	struct worker workers[THREADS_MAX];
	size_t n;
};

static void *job_at(const struct crew *crew, size_t i)
{
	return crew->jobs + i % crew->room * crew->kind.job;
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	struct crew *crew = worker->crew;

	pthread_mutex_lock(&crew->mutex);
	for (;;) {
		size_t mine;

		while (!crew->stop && crew->taken == crew->next)
			pthread_cond_wait(&crew->submitted, &crew->mutex);
		if (crew->stop)
			break;
		mine = crew->taken++;
		pthread_mutex_unlock(&crew->mutex);
		crew->kind.work(job_at(crew, mine), worker->kit);
		pthread_mutex_lock(&crew->mutex);
		crew->done[mine % crew->room] = true;
		pthread_cond_signal(&crew->finished);
	}
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

static int start(struct crew *crew, struct err *err)
{
	struct worker *worker = &crew->workers[crew->n];
	int os;

	worker->crew = crew;
	worker->kit = kit_new(crew->kind.out, err);
	if (!worker->kit)
		return -1;
	os = pthread_create(&worker->thread, NULL, run, worker);
	if (os) {
		kit_free(worker->kit);
		return err_os(err, ERR_SNAPSHOT, os, "start a thread");
	}
	crew->n++;
	return 0;
}

struct crew *crew_new(const struct crew_kind *kind, struct err *err)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = online < 1 ? kind->each : (size_t)online * kind->each;
	size_t most = kind->most && kind->most < THREADS_MAX ? kind->most : THREADS_MAX;

	if (n > most)
		n = most;
	crew->kind = *kind;
	crew->room = 2 * n + 2;
	crew->jobs = xcalloc(crew->room, kind->job);
	crew->done = xcalloc(crew->room, sizeof(*crew->done));
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->submitted, NULL);
	pthread_cond_init(&crew->finished, NULL);
	while (crew->n < n)
		if (start(crew, err) < 0) {
			crew_free(crew);
			return NULL;
		}
	return crew;
}

bool crew_full(const struct crew *crew)
{
	return crew->next - crew->oldest == crew->room;
}

void *crew_next(struct crew *crew)
{
	return job_at(crew, crew->next);
}

void crew_submit(struct crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
	crew->done[crew->next % crew->room] = false;
	crew->next++;
	pthread_cond_signal(&crew->submitted);
	pthread_mutex_unlock(&crew->mutex);
}

bool crew_ready(struct crew *crew)
{
	bool ready;

	pthread_mutex_lock(&crew->mutex);
	ready = crew->oldest < crew->next && crew->done[crew->oldest % crew->room];
	pthread_mutex_unlock(&crew->mutex);
	return ready;
}

void *crew_wait(struct crew *crew)
{
	if (crew->oldest == crew->next)
		return NULL;
	pthread_mutex_lock(&crew->mutex);
	while (!crew->done[crew->oldest % crew->room])
		pthread_cond_wait(&crew->finished, &crew->mutex);
	pthread_mutex_unlock(&crew->mutex);
	return job_at(crew, crew->oldest);
}

void crew_retire(struct crew *crew)
{
	crew->oldest++;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->stop = true;
	pthread_cond_broadcast(&crew->submitted);
	pthread_mutex_unlock(&crew->mutex);
	for (size_t i = 0; i < crew->n; i++) {
		pthread_join(crew->workers[i].thread, NULL);
		kit_free(crew->workers[i].kit);
	}
	for (size_t i = 0; crew->kind.drop && i < crew->room; i++)
		crew->kind.drop(job_at(crew, i));
	pthread_cond_destroy(&crew->finished);
	pthread_cond_destroy(&crew->submitted);
	pthread_mutex_destroy(&crew->mutex);
	free(crew->done);
	free(crew->jobs);
	free(crew);
}
