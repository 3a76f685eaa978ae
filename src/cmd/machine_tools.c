/*
 * machine_tools.c - is this machine fit for devenv: disk, memory, programs, keys, ports, libraries.
 */
#include "machine.h"

#include "devenv/fs.h"
#include "devenv/lazy.h"
#include "devenv/mem.h"
#include "devenv/port.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_LOW ((uint64_t)10 << 30)
#define DISK_NONE ((uint64_t)1 << 30)
#define MEMORY_LOW ((uint64_t)2 << 30)

void check_disk(struct checks *checks, const char *name, const char *path)
{
	autofree char *real = path_real(path);
	struct statvfs disk;
	uint64_t free_bytes;
	char size[16];
	enum check_state state = CHECK_OK;
	char *fix = NULL;

	if (statvfs(path, &disk) < 0)
		return;
	free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (free_bytes < DISK_LOW) {
		state = free_bytes < DISK_NONE ? CHECK_BROKEN : CHECK_WARNING;
		fix = xstrdup(
			"make room: images and database volumes take gigabytes (`docker system "
			"df` shows what is used)");
	}
	check_add(checks, name, state,
		xasprintf("%s free at %s", format_bytes(size, free_bytes), real), fix);
}

void check_memory(struct checks *checks)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
	bool low = bytes && bytes < MEMORY_LOW;
	char size[16];

	check_add(checks, "memory", low ? CHECK_WARNING : CHECK_OK,
		xasprintf("%s in all", format_bytes(size, bytes)),
		low ? xstrdup("bring up single manifests: `devenv up NAME`") : NULL);
}

/* === the embedded engine's parts === */

static bool has_program(const char *names, const char *dirs)
{
	autostrv struct strv wanted = STRV_INIT, where = STRV_INIT;

	strv_split(&wanted, names, ' ');
	strv_split(&where, dirs, ' ');
	for (size_t i = 0; i < wanted.n; i++) {
		autofree char *found = proc_find(wanted.v[i]);

		if (found)
			return true;
		for (size_t d = 0; d < where.n; d++) {
			autofree char *path = path_join(where.v[d], wanted.v[i]);

			if (access(path, X_OK) == 0)
				return true;
		}
	}
	return false;
}

void check_podman_parts(struct checks *checks, bool needed)
{
	static const char dirs[] = "/usr/lib/podman /usr/libexec/podman /usr/local/lib/podman "
				   "/usr/sbin /sbin /usr/local/sbin";
	static const char *const parts[] = {
		"podman", "runc crun", "conmon", "netavark", "aardvark-dns", "iptables nft"};
	static const char *const packages[] = {
		"podman", "runc", "conmon", "netavark", "aardvark-dns", "iptables"};
	autostrv struct strv missing = STRV_INIT;
	autofree char *list = NULL;

	if (!needed)
		return;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!has_program(parts[i], dirs))
			strv_push(&missing, packages[i]);
	if (!missing.n) {
		check_add(checks, "podman", CHECK_OK,
			xstrdup("all parts of the embedded engine are installed"), NULL);
		return;
	}
	list = strv_join(&missing, " ");
	/* Without podman at all there is no embedded engine: "engine" has said so. */
	check_add(checks, "podman", strv_has(&missing, "podman") ? CHECK_WARNING : CHECK_BROKEN,
		xasprintf("the embedded engine lacks %s", list),
		xasprintf("apt install %s (Fedora: dnf install, the same names)", list));
}

/* === programs and keys === */

void check_git(struct checks *checks)
{
	static const char *const argv[] = {"git", "--version", NULL};
	autobuf struct buf text = BUF_INIT(4096);
	struct err ignored = ERR_INIT;

	if (proc_run(&(struct proc_spec){.argv = argv, .timeout_ms = 5000}, &text, NULL,
		    &ignored) == 0 &&
		text.len)
		check_add(checks, "git", CHECK_OK, xstrdup(str_trim(text.data)), NULL);
	else
		check_add(checks, "git", CHECK_WARNING,
			xstrdup("not installed; devenv clones without it, but you will want it"),
			xstrdup("apt install git"));
}

static char *find_key(void)
{
	static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_ed25519_sk", "id_rsa"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *path = xasprintf("~/.ssh/%s", names[i]);
		autofree char *file = path_expand_home(path);

		if (fs_is_file(file))
			return TAKE(file);
	}
	return NULL;
}

/* "2 keys in the agent", or NULL when there is none. */
static char *agent_keys(void)
{
	static const char *const argv[] = {"ssh-add", "-l", NULL};
	autobuf struct buf text = BUF_INIT(65536);
	struct err ignored = ERR_INIT;
	size_t keys = 0;

	if (str_empty(getenv("SSH_AUTH_SOCK")) ||
		proc_run(&(struct proc_spec){.argv = argv, .timeout_ms = 5000}, &text, NULL,
			&ignored) != 0)
		return NULL;
	for (size_t i = 0; i < text.len; i++)
		keys += text.data[i] == '\n';
	return xasprintf("%zu key%s in the agent", keys, keys == 1 ? "" : "s");
}

void check_ssh(struct checks *checks)
{
	autofree char *key = find_key();
	autofree char *agent = agent_keys();

	if (key || agent)
		check_add(checks, "ssh key", CHECK_OK,
			xasprintf("%s%s%s", agent ? agent : "", agent && key ? ", " : "",
				key ? key : ""),
			NULL);
	else
		check_add(checks, "ssh key", CHECK_WARNING,
			xstrdup("no key file and none in an agent: private repositories and "
				"tunnels "
				"will refuse you"),
			xstrdup("ssh-keygen -t ed25519, then give ~/.ssh/id_ed25519.pub to your "
				"git server and your administrators"));
}

/* === ports === */

static bool accepts(uint16_t port)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void check_port(struct checks *checks, const char *name, uint16_t port)
{
	autofree char *holder = port_holder(port);

	if (!holder && !accepts(port)) {
		check_add(checks, name, CHECK_OK, xstrdup("free"), NULL);
		return;
	}
	check_add(checks, name, holder && strstr(holder, "docker-proxy") ? CHECK_OK : CHECK_WARNING,
		xasprintf("held by %s", holder ? holder : "somebody (another user's process)"),
		xasprintf("manifests that publish port %u need it: stop the other, or publish "
			  "another port",
			port));
}

void check_ports(struct checks *checks)
{
	check_port(checks, "port 80", 80);
	check_port(checks, "port 443", 443);
}

/* === libraries that are loaded late: better said now than in the middle of something === */

void check_libraries(struct checks *checks)
{
	bool all = true;

	for (enum lazy_library library = 0; library < LAZY_LIBRARIES; library++) {
		char *missing, *fix;

		if (lazy_is_installed(library, &missing, &fix))
			continue;
		all = false;
		check_add(checks, "library", CHECK_WARNING, missing, fix);
	}
	if (all)
		check_add(checks, "libraries", CHECK_OK, xstrdup("all are installed"), NULL);
}
