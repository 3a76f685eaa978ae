/*
 * date.h - plain scalars that are dates for docker compose (go-yaml 3, resolve.go); private to this
 * module.
 *
 * 2024-1-2, 2024-01-02 03:04:05.6 and 2024-01-02T03:04:05+02:00 are no strings there unless they
 * are in quotes, and a date is nothing that a key of a manifest can have; below an x- key it is
 * printed as RFC 3339 has it.
 */
#ifndef DEVENV_MANIFEST_DATE_H
#define DEVENV_MANIFEST_DATE_H

#include <stdbool.h>
#include <stddef.h>

#define DATE_SIZE 64

/* true when `text` is a date; `out`, unless it is NULL, is then "2024-01-02T00:00:00Z". */
bool date_parse(const char *text, char out[DATE_SIZE]);

#endif
