/*
 * ping.c - what the agent stands on: the kernel, the volumes' space, and whether they share blocks.
 */
#include "cache.h"

#include "devenv/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROBE_SIZE 4096

/* Two unnamed files, one a clone of the other: the only way to find out. */
bool agent_can_clone(const char *from_dir, const char *to_dir)
{
	static const char block[PROBE_SIZE] = {1};
	autoclose int from = open(from_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	autoclose int to = open(to_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return from >= 0 && to >= 0 && write(from, block, sizeof(block)) == sizeof(block) &&
	       ioctl(to, FICLONE, from) == 0;
}

/* NULL: nothing is mounted there. */
static json_t *space(const char *dir)
{
	struct statvfs status;

	if (statvfs(dir, &status) < 0)
		return NULL;
	return json_pack("{s:I, s:I, s:b}", "bytes",
		(json_int_t)(status.f_blocks * status.f_frsize), "free",
		(json_int_t)(status.f_bavail * status.f_frsize), "reflink",
		agent_can_clone(dir, dir));
}

int agent_ping(struct agent *agent, const json_t *request, json_t **result, struct err *err)
{
	struct utsname system;
	json_t *target = space(AGENT_TARGET);
	int empty = target ? volume_is_empty(AGENT_TARGET, err) : 0;

	if (empty >= 0 && uname(&system) < 0)
		empty = err_os(err, ERR_FAILED, errno, "ask for the kernel");
	if (empty < 0) {
		json_decref(target);
		return -1;
	}
	if (target)
		json_object_set_new(target, "empty", json_boolean(empty));
	*result = json_pack("{s:s, s:s, s:o*, s:o*}", "version", DEVENV_VERSION, "kernel",
		system.release, "target", target, "cache", space(AGENT_CACHE));
	return 0;
}
