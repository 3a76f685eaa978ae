/*
 * measure.c - run a command several times: its median wall time and median resident memory.
 *
 * usage: measure RUNS COMMAND...      prints "MILLISECONDS KILOBYTES"
 *
 * Output of the command goes to /dev/null; a run that fails ends the measurement with its status.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 100

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void child(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
	if (!getenv("MEASURE_ERRORS"))
		dup2(null, 2);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	double times[RUNS_MAX], memory[RUNS_MAX];
	int runs = 0, wanted = argc > 2 ? (argv[1][0] - '0') : 0;

	if (wanted > 0 && argv[1][1])
		wanted = wanted * 10 + argv[1][1] - '0';
	if (wanted < 1 || wanted > RUNS_MAX) {
		fputs("usage: measure RUNS COMMAND...\n", stderr);
		return 2;
	}
	while (runs < wanted) {
		double began = now_ms();
		pid_t pid = fork();
		struct rusage usage;
		int status;

		if (pid == 0)
			child(argv + 2);
		if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
			return 1;
		memory[runs] = (double)usage.ru_maxrss;
		times[runs++] = now_ms() - began;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "%s failed\n", argv[2]);
			return 1;
		}
	}
	qsort(times, (size_t)runs, sizeof(*times), compare);
	qsort(memory, (size_t)runs, sizeof(*memory), compare);
	printf("%.2f %.0f\n", times[runs / 2], memory[runs / 2]);
	return 0;
}
