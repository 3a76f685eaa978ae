/* clock.c - time. */
#include "devenv/clock.h"

#include "devenv/signals.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t clock_wall(void)
{
	return (int64_t)time(NULL);
}

const char *clock_rfc3339(int64_t wall, char out[32])
{
	time_t at = (time_t)wall;
	struct tm parts;

	gmtime_r(&at, &parts);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return out;
}

int64_t clock_parse_rfc3339(const char *text)
{
	struct tm parts = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
	int64_t zone = 0;

	if (!rest)
		return -1;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if ((*rest == '+' || *rest == '-') && strlen(rest) == 6 && rest[3] == ':') {
		zone = ((rest[1] - '0') * 10 + rest[2] - '0') * 3600 +
		       ((rest[4] - '0') * 10 + rest[5] - '0') * 60;
		if (*rest == '-')
			zone = -zone;
	} else if (strcmp(rest, "Z") != 0 && *rest) {
		return -1;
	}
	return (int64_t)timegm(&parts) - zone;
}

void clock_sleep_ms(int ms)
{
	struct pollfd interrupt = {.fd = signals_fd(), .events = POLLIN};

	poll(&interrupt, 1, ms);
}
