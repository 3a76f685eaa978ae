/*
 * embedded_conf.c - the files that make podman private, and work on machines that are not a plain
 * systemd host.
 *
 * Facts that were met and are answered here: crun refuses hybrid cgroups (v1 with a v2 mount), runc
 * does not; without systemd the cgroup manager must be cgroupfs and the events logger a file; a
 * hard limit of open files or processes below podman's own defaults makes every start fail;
 * distributions keep the helper binaries in different folders; rootless needs slirp4netns named
 * where pasta is not known.
 */
#include "embedded.h"

#include "devenv/buf.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPEN_FILES 20000
#define RUNROOT_MAX 50

static const char *const helper_dirs[] = {"/usr/local/libexec/podman", "/usr/local/lib/podman",
	"/usr/libexec/podman", "/usr/lib/podman", NULL};

char *embedded_short_socket(const char *path)
{
	char hash[SHA256_HEX];

	sha256_hex(path, strlen(path), hash);
	return xasprintf("/tmp/devenv-%u-%.12s/engine.sock", (unsigned)getuid(), hash);
}

/*
 * Podman refuses a runroot of more than 50 characters, which a home folder reaches soon: then it is
 * beside the short socket.  The caller's.
 */
static char *choose_runroot(const char *root)
{
	autofree char *path = path_join(root, "run");
	autofree char *socket = NULL, *dir = NULL;

	if (strlen(path) <= RUNROOT_MAX)
		return TAKE(path);
	socket = embedded_short_socket(path);
	dir = path_dirname(socket);
	return path_join(dir, "run");
}

/* /tmp is everybody's: a folder there that somebody else made in our name is refused. */
static int make_runroot(const char *root, struct err *err)
{
	autofree char *runroot = choose_runroot(root);
	autofree char *dir = path_dirname(runroot);
	struct stat st;

	if (fs_mkdirs(runroot, 0700, err) < 0)
		return -1;
	if (lstat(dir, &st) < 0)
		return err_os(err, ERR_ENGINE, errno, "%s", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid())
		return err_set(err, ERR_ENGINE, "%s belongs to somebody else", dir);
	return 0;
}

/* v1 hierarchies mounted (hybrid or legacy): crun wants pure v2. */
static bool cgroups_are_pure(void)
{
	return fs_exists("/sys/fs/cgroup/cgroup.controllers");
}

/* "" lets podman choose. */
static const char *choose_runtime(void)
{
	autofree char *runc = proc_find("runc");
	autofree char *crun = proc_find("crun");

	if (runc && (!crun || !cgroups_are_pure()))
		return "runc";
	return crun ? "crun" : "";
}

/* The hard limit of `resource`, but not over `most`. */
static unsigned long long hard_limit(int resource, unsigned long long most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_max > most)
		return most;
	return limit.rlim_max;
}

/*
 * Podman's service lowers its own limit of processes to pid_max, and cannot raise it for a
 * container.
 */
static unsigned long long pid_max(void)
{
	autobuf struct buf text = BUF_INIT(64);
	struct err ignored = ERR_INIT;
	uint64_t most = 32768;

	if (fs_read("/proc/sys/kernel/pid_max", &text, ERR_FAILED, &ignored) == 0 && text.len)
		parse_u64(str_trim(text.data), 1, 1 << 22, &most);
	return most;
}

static void add_limits(struct buf *out)
{
	unsigned long long files = hard_limit(RLIMIT_NOFILE, OPEN_FILES);
	unsigned long long processes = hard_limit(RLIMIT_NPROC, pid_max());

	buf_addf(out, "default_ulimits = [\"nofile=%llu:%llu\", \"nproc=%llu:%llu\"]\n", files,
		files, processes, processes);
}

static void containers_conf(struct buf *out)
{
	const char *runtime = choose_runtime();

	buf_addstr(out, "[containers]\n");
	add_limits(out);
	buf_addstr(out, "log_driver = \"k8s-file\"\n");
	buf_addstr(out, "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n");
	/*
	 * Each exec keeps two conmon processes for so long: 300 s and a few probes make hundreds.
	 */
	buf_addstr(out, "exit_command_delay = 10\n");
	if (*runtime)
		buf_addf(out, "runtime = \"%s\"\n", runtime);
	buf_addstr(out, "helper_binaries_dir = [");
	for (int i = 0; helper_dirs[i]; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : "", helper_dirs[i]);
	buf_addstr(out, "]\n[network]\nnetwork_backend = \"netavark\"\n");
	if (geteuid() != 0)
		buf_addstr(out, "default_rootless_network_cmd = \"slirp4netns\"\n");
}

static void storage_conf(const char *root, struct buf *out)
{
	autofree char *runroot = choose_runroot(root);

	buf_addf(out,
		"[storage]\ndriver = \"overlay\"\ngraphroot = \"%s/root\"\nrunroot = \"%s\"\n"
		"rootless_storage_path = \"%s/root\"\n",
		root, runroot, root);
}

static void registries_conf(struct buf *out)
{
	static const char *const local[] = {"127.0.0.1", "localhost", NULL};

	/*
	 * Docker looks for short names on Docker Hub, and takes a registry on this machine without
	 * TLS.
	 */
	buf_addstr(out, "unqualified-search-registries = [\"docker.io\"]\n"
			"short-name-mode = \"disabled\"\n");
	for (int i = 0; local[i]; i++)
		buf_addf(out, "[[registry]]\nprefix = \"%s\"\nlocation = \"%s\"\ninsecure = true\n",
			local[i], local[i]);
}

static int write_conf(const char *dir, const char *name, const struct buf *text, struct err *err)
{
	autofree char *path = path_join(dir, name);

	return fs_write_atomic(path, buf_str(text), text->len, 0600, err);
}

int embedded_configure(const char *root, struct strv *env, struct err *err)
{
	autobuf struct buf containers = BUF_INIT(65536), storage = BUF_INIT(65536),
			   registries = BUF_INIT(65536), policy = BUF_INIT(4096);
	autofree char *home = path_join(root, "config");
	autofree char *dir = path_join(home, "containers");
	autofree char *tmp = path_join(root, "tmp");

	if (fs_mkdirs(dir, 0700, err) < 0 || fs_mkdirs(tmp, 0700, err) < 0 ||
		make_runroot(root, err) < 0)
		return -1;
	containers_conf(&containers);
	storage_conf(root, &storage);
	registries_conf(&registries);
	buf_addstr(&policy, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}\n");
	if (write_conf(dir, "containers.conf", &containers, err) < 0 ||
		write_conf(dir, "storage.conf", &storage, err) < 0 ||
		write_conf(dir, "registries.conf", &registries, err) < 0 ||
		write_conf(dir, "policy.json", &policy, err) < 0)
		return -1;
	strv_pushf(env, "CONTAINERS_CONF=%s/containers.conf", dir);
	strv_pushf(env, "CONTAINERS_STORAGE_CONF=%s/storage.conf", dir);
	strv_pushf(env, "CONTAINERS_REGISTRIES_CONF=%s/registries.conf", dir);
	strv_pushf(env, "XDG_CONFIG_HOME=%s", home);
	strv_pushf(env, "TMPDIR=%s", tmp);
	/*
	 * devenv runs the healthchecks itself; without systemd its timers would fail every start.
	 */
	strv_push(env, "DISABLE_HC_SYSTEMD=true");
	return 0;
}

void embedded_command(const char *root, const char *socket, struct strv *argv)
{
	autofree char *runroot = choose_runroot(root);

	strv_push(argv, "podman");
	strv_pushf(argv, "--root=%s/root", root);
	strv_pushf(argv, "--runroot=%s", runroot);
	strv_pushf(argv, "--tmpdir=%s/libpod", root);
	strv_pushf(argv, "--network-config-dir=%s/networks", root);
	strv_push(argv, "--log-level=warn");
	strv_push(argv, "system");
	strv_push(argv, "service");
	strv_push(argv, "--time=0");
	strv_pushf(argv, "unix://%s", socket);
}

bool embedded_ended(pid_t pid)
{
	if (waitpid(pid, NULL, WNOHANG) == pid)
		return true;
	return kill(pid, 0) < 0 && errno == ESRCH;
}
