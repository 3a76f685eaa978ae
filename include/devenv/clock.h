/* clock.h - time: monotonic for deadlines, wall clock for people and logs. */
#ifndef DEVENV_CLOCK_H
#define DEVENV_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);   /* CLOCK_MONOTONIC */
int64_t clock_us(void);   /* CLOCK_MONOTONIC */
int64_t clock_wall(void); /* seconds since 1970 */

/* "2026-11-21T09:12:36Z" into `out`. */
const char *clock_rfc3339(int64_t wall, char out[32]);

/* Seconds since 1970 of an RFC 3339 time with optional fraction and zone; -1 when it is none. */
int64_t clock_parse_rfc3339(const char *text);

/* Sleep that an interrupt (signals.h) ends early. Not for waiting on things that can be polled. */
void clock_sleep_ms(int ms);

#endif
