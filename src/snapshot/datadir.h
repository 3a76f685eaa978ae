/* datadir.h - between the files of datadir: reading small files of a hostile folder, checksums. */
#ifndef SNAPSHOT_DATADIR_H
#define SNAPSHOT_DATADIR_H

#include "devenv/datadir.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Open a regular file below `dir`: no link in its last part, never blocking.  -1 with errno; `size`
 * may be NULL.
 */
int datadir_open(int dir, const char *path, uint64_t *size);

/* Open a folder below `dir`, -1 with errno. */
int datadir_open_folder(int dir, const char *path);

/* Read up to `len` bytes at `offset`: how many there were; -1 with errno. */
ssize_t datadir_read_at(int fd, void *data, size_t len, uint64_t offset);

/* Read up to `len` bytes of a file below `dir`: how many; -1 when there is no such file. */
ssize_t datadir_read(int dir, const char *path, void *data, size_t len);

bool datadir_has(int dir, const char *path);

/*
 * Call `each` for the names in the folder, until it is not 0; its value. -1 when it is no folder.
 */
typedef int datadir_name_fn(void *ctx, int dir, const char *name);
int datadir_names(int dir, const char *path, datadir_name_fn *each, void *ctx);

/* Set the state and its reason. */
void datadir_judge(struct datadir *out, enum datadir_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* CRC-32 (zlib's) and CRC-32C (Castagnoli, RFC 3720), continued from `crc` (0 at first). */
uint32_t datadir_crc32(uint32_t crc, const void *data, size_t len);
uint32_t datadir_crc32c(uint32_t crc, const void *data, size_t len);

uint32_t datadir_le32(const unsigned char *p);
uint64_t datadir_le64(const unsigned char *p);
uint32_t datadir_be32(const unsigned char *p);
uint64_t datadir_be64(const unsigned char *p);

/* `dir` is the data directory. Both fill what they know, and the state. */
void datadir_examine_postgres(int dir, struct datadir *out);
void datadir_examine_mysql(int dir, struct datadir *out);

/*
 * What the redo log in `dir` says, judged into `out`: DATADIR_CLEAN when nothing follows the last
 * checkpoint.  `creator` (at least 33 bytes) gets the program that made the log, or "".
 */
void innodb_judge_log(int dir, struct datadir *out, char *creator);

/* Page size and checksums from ibdata1. */
void innodb_read_pages(int dir, struct datadir *out);

/* As innodb_judge_log() for Aria's log; out->state stays when there is no such log. */
void aria_judge_log(int dir, struct datadir *out);

#endif
