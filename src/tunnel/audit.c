/*
 * audit.c - one JSON line a connection: who, where to, how long, how much and why it ended.
 *
 * Never what was said.  Several processes write to the file, so each line is written whole, under
 * the file's lock, to whatever file has the name at that moment; the one that finds it full moves
 * it on.
 */
#include "audit.h"

#include "devenv/buf.h"
#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FULL ((off_t)4 << 20)
#define KEPT 3 /* older files: .1 is the youngest */
#define READ_MAX ((size_t)64 << 20)

char *tunnel_audit_path(void)
{
	autofree char *dir = fs_state_dir();

	return path_join(dir, "tunnels.jsonl");
}

char *audit_address(const struct sockaddr_in *address)
{
	char text[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
	return xasprintf("%s:%u", text, ntohs(address->sin_port));
}

/* === writing === */

static void move_on(const char *path)
{
	for (int i = KEPT; i > 0; i--) {
		autofree char *to = xasprintf("%s.%d", path, i);
		autofree char *from = i > 1 ? xasprintf("%s.%d", path, i - 1) : xstrdup(path);

		rename(from, to);
	}
}

/* The file, locked; *moved when it is no longer the one of that name, or was full. */
static int open_locked(const char *path, bool *moved)
{
	autoclose int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat ours, named;

	*moved = false;
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &ours) < 0)
		return -1;
	if (stat(path, &named) < 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev) {
		*moved = true;
	} else if (ours.st_size >= FULL) {
		move_on(path);
		*moved = true;
	}
	return TAKE_FD(fd);
}

static int append(const char *path, const char *line, size_t len)
{
	for (int i = 0; i < 10; i++) {
		bool moved;
		autoclose int fd = open_locked(path, &moved);

		if (fd < 0)
			return -1;
		if (!moved)
			return write(fd, line, len) == (ssize_t)len ? 0 : -1;
	}
	errno = EAGAIN;
	return -1;
}

static void set_user(json_t *line)
{
	char room[4096];
	struct passwd entry, *found = NULL;

	getpwuid_r(geteuid(), &entry, room, sizeof(room), &found);
	if (found)
		json_set_str(line, "user", found->pw_name);
	else
		json_setf(line, "user", "%u", (unsigned)geteuid());
}

static json_t *as_json(const struct audit_line *audit)
{
	const struct tunnel_spec *spec = audit->spec;
	json_t *line = json_object();
	char when[32];

	json_set_str(line, "begin", clock_rfc3339(audit->began, when));
	json_set_str(line, "end", clock_rfc3339(clock_wall(), when));
	json_object_set_new(line, "ms", json_integer(audit->ms));
	set_user(line);
	json_set_str(line, "tunnel", spec->name);
	json_set_str(line, "id", spec->id);
	json_set_str(line, "via", spec->via);
	json_setf(line, "to", "%s:%u", spec->to_host, spec->to_port);
	json_set_str(line, "client", audit->client);
	json_object_set_new(line, "bytes_up", json_integer((json_int_t)audit->up));
	json_object_set_new(line, "bytes_down", json_integer((json_int_t)audit->down));
	json_set_str(line, "check", audit->check);
	json_set_str(line, "why", audit->why);
	return line;
}

int audit_write(const char *path, const struct audit_line *audit, struct err *err)
{
	autojson json_t *line = as_json(audit);
	autofree char *text = json_print(line), *whole = xasprintf("%s\n", text);
	autofree char *dir = path_dirname(path);

	if (fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	if (append(path, whole, strlen(whole)) < 0)
		return err_os(err, ERR_TUNNEL, errno, "write to %s", path);
	return 0;
}

/* === reading === */

static int read_file(
	const char *path, void (*each)(void *ctx, const json_t *line), void *ctx, struct err *err)
{
	autobuf struct buf text = BUF_INIT(READ_MAX);
	struct err ignored = ERR_INIT;

	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, ERR_TUNNEL, err) < 0)
		return -1;
	for (const char *at = buf_str(&text), *end; (end = strchr(at, '\n')); at = end + 1) {
		autojson json_t *line = json_parse(at, (size_t)(end - at), path, &ignored);

		if (json_is_object(line))
			each(ctx, line);
	}
	return 0;
}

int tunnel_audit_read(
	const char *path, void (*each)(void *ctx, const json_t *line), void *ctx, struct err *err)
{
	for (int i = KEPT; i > 0; i--) {
		autofree char *older = xasprintf("%s.%d", path, i);

		if (read_file(older, each, ctx, err) < 0)
			return -1;
	}
	return read_file(path, each, ctx, err);
}
