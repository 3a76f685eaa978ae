/*
 * ssh_openssh.c - running the installed ssh (ssh_openssh.h), and hearing from it how far it is.
 *
 * Its log has a level of ours, as the configuration's may hide errors; what that adds has a mark
 * and goes no further.  (With -v the ssh of a ProxyJump would talk in the same way.)  The control
 * socket is in a folder of its own and is gone once we are connected: nothing is left behind, and
 * nobody else comes in.
 */
#include "ssh_openssh.h"

#include "devenv/clock.h"
#include "devenv/fs.h"
#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

#define PERSON_TIMEOUT_MS 600000 /* ssh itself asks, and gives up on a server that is silent */
#define ALIVE_INTERVAL_S 4       /* with ALIVE_COUNT: a silent server is lost after 12 s */
#define ALIVE_COUNT 2
#define LINE_LIMIT ((size_t)64 << 10)
#define SAID_LIMIT ((size_t)4 << 10)
#define EVENTS_MAX 64
#define SOCKET_SUFFIX 18 /* what ssh adds to the path while it begins to listen */

/* === its words === */

static char *between(const char *text, char open, char close)
{
	const char *from = strchr(text, open), *to = from ? strchr(from + 1, close) : NULL;

	return to ? xstrndup(from + 1, (size_t)(to - from - 1)) : NULL;
}

static void past(struct ssh *ssh, enum ssh_stage stage, char *detail)
{
	if (ssh->stage > stage || ssh->state == SSH_UP) {
		free(detail);
		return;
	}
	ssh_passed(ssh, stage, detail);
	buf_reset(&ssh->master->said);
}

static void on_connected(struct ssh *ssh, char *detail)
{
	past(ssh, SSH_STAGE_TCP, detail);
	ssh->deadline = clock_ms() +
			(ssh->master->batch ? SSH_LOGIN_TIMEOUT_MS : PERSON_TIMEOUT_MS);
}

static void on_proxy(struct ssh *ssh)
{
	past(ssh, SSH_STAGE_NAME, xstrdup("left to the proxy"));
	on_connected(ssh, xasprintf("through %s", ssh->config.proxy_jump ? ssh->config.proxy_jump
									 : "ProxyCommand"));
}

static void on_key(struct ssh *ssh, const char *text)
{
	size_t len = strcspn(text, " ");
	autofree char *type = xstrndup(text, len), *words = ssh_key_words(type);

	free(ssh->master->key);
	ssh->master->key = xasprintf("%s%s", words, text + len);
}

static void on_login(struct ssh *ssh, const char *text)
{
	const char *with = strstr(text, " using ");
	autofree char *method = with ? between(with, '"', '"') : NULL;

	ssh->by_person = str_eq(method, "password") || str_eq(method, "keyboard-interactive");
	past(ssh, SSH_STAGE_LOGIN,
		xasprintf("%s, with %s", ssh->config.user, method ? method : "ssh"));
}

/* What LogLevel DEBUG1 says, without its mark. */
static void on_debug(struct ssh *ssh, const char *text)
{
	if (str_starts(text, "Connecting to "))
		past(ssh, SSH_STAGE_NAME, between(text, '[', ']'));
	else if (str_starts(text, "Connection established"))
		on_connected(ssh, xasprintf("port %u", ssh->config.port));
	else if (str_starts(text, "Executing proxy "))
		on_proxy(ssh);
	else if (str_starts(text, "Server host key: "))
		on_key(ssh, text + strlen("Server host key: "));
	else if (str_starts(text, "SSH2_MSG_NEWKEYS sent") && ssh->master->key)
		past(ssh, SSH_STAGE_HOST_KEY, xstrdup(ssh->master->key));
	else if (str_starts(text, "Entering interactive session"))
		ssh->master->listening = true;
}

static void on_line(struct ssh *ssh, const char *line)
{
	struct buf *said = &ssh->master->said;

	if (str_starts(line, "debug1: ")) {
		on_debug(ssh, line + strlen("debug1: "));
	} else if (str_starts(line, "Authenticated to ")) {
		on_login(ssh, line);
	} else if (*line && !str_starts(line, "OpenSSH_")) {
		if (said->len > SAID_LIMIT / 2) /* the last words count */
			buf_reset(said);
		buf_addf(said, "%s\n", line);
	}
}

/* All that it has said by now. */
static void hear(struct ssh *ssh)
{
	struct ssh_master *master = ssh->master;
	char data[4096], *end;
	ssize_t n;

	while (master->errs >= 0 && (n = read(master->errs, data, sizeof(data))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		if (buf_add(&master->line, data, (size_t)n) < 0)
			buf_reset(&master->line);
		while (master->line.len &&
			(end = memchr(master->line.data, '\n', master->line.len))) {
			*end = '\0';
			on_line(ssh, str_trim(master->line.data));
			buf_consume(&master->line, (size_t)(end + 1 - master->line.data));
		}
	}
	cleanup_close(&master->errs);
}

/* === starting it === */

/* "NAME=VALUE" for -o, with VALUE in quotes and its tokens disarmed. */
static void push_file(struct strv *argv, const char *name, const char *path)
{
	autobuf struct buf text = BUF_INIT(LINE_LIMIT);

	buf_addf(&text, "%s=\"", name);
	for (; *path; path++)
		buf_addf(&text, *path == '%' ? "%%%%" : "%c", *path);
	buf_addch(&text, '"');
	strv_push(argv, "-o");
	strv_push(argv, buf_str(&text));
}

static void push_option(struct strv *argv, const char *option)
{
	strv_push(argv, "-o");
	strv_push(argv, option);
}

static void push_host_keys(const struct ssh *ssh, struct strv *argv)
{
	static const char *const strict[] = {
		[SSH_STRICT_ASK] = "StrictHostKeyChecking=ask",
		[SSH_STRICT_YES] = "StrictHostKeyChecking=yes",
		[SSH_STRICT_ACCEPT_NEW] = "StrictHostKeyChecking=accept-new",
	};

	if (ssh->options.host_key) {
		push_option(argv, "UserKnownHostsFile=none");
		push_option(argv, "GlobalKnownHostsFile=none");
		push_option(argv, "StrictHostKeyChecking=yes");
		push_option(argv, "VerifyHostKeyDNS=no"); /* nothing else is believed */
		push_option(argv, "NoHostAuthenticationForLocalhost=no");
		strv_push(argv, "-o");
		strv_pushf(argv,
			"KnownHostsCommand=/bin/sh -c 'test \"$1\" = \"$2\" && echo \"$3 $4 $5\"; "
			":' sh %s %%f %%H %%t %%K",
			ssh->options.host_key);
		return;
	}
	if (ssh->options.known_hosts) {
		push_file(argv, "UserKnownHostsFile", ssh->options.known_hosts);
		push_option(argv, "GlobalKnownHostsFile=none");
	}
	push_option(argv, strict[ssh->config.strict]);
}

/* Does the processor have instructions for AES? Without them ChaCha20 is faster. */
static bool has_aes(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
	return getauxval(AT_HWCAP) & HWCAP_AES;
#else
	return false;
#endif
}

/* What ssh has by default, the quickest first; who configured a list of ciphers has that one. */
static void push_ciphers(const struct ssh *ssh, struct strv *argv)
{
	if (!ssh->config.algorithms[SSH_CIPHERS] && has_aes())
		push_option(argv, "Ciphers=aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
				  "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr");
}

static void push_keys(const struct ssh *ssh, struct strv *argv)
{
	if (!ssh->options.identity)
		return;
	push_file(argv, "IdentityFile", ssh->options.identity);
	push_option(argv, "IdentitiesOnly=yes");
}

static void make_argv(const struct ssh *ssh, struct strv *argv)
{
	static const char *const options[] = {"LogLevel=DEBUG1", "ControlMaster=yes",
		"ControlPersist=no", "ClearAllForwardings=yes", "PermitLocalCommand=no",
		"RemoteCommand=none", "RequestTTY=no", "ForwardAgent=no", "ForwardX11=no",
		"Tunnel=no", NULL};
	const char *file = getenv("DEVENV_SSH_CONFIG");

	strv_push(argv, "ssh");
	strv_push(argv, "-N");
	if (!str_empty(file)) {
		strv_push(argv, "-F");
		strv_push(argv, file);
	}
	for (size_t i = 0; options[i]; i++)
		push_option(argv, options[i]);
	push_file(argv, "ControlPath", ssh->master->socket);
	push_host_keys(ssh, argv);
	push_keys(ssh, argv);
	push_ciphers(ssh, argv);
	if (ssh->master->batch)
		push_option(argv, "BatchMode=yes");
	strv_push(argv, "-o");
	strv_pushf(argv, "ConnectTimeout=%d", ssh_connect_timeout(ssh));
	if (!ssh->config.alive_interval) {
		strv_push(argv, "-o");
		strv_pushf(argv, "ServerAliveInterval=%d", ALIVE_INTERVAL_S);
		strv_push(argv, "-o");
		strv_pushf(argv, "ServerAliveCountMax=%d", ALIVE_COUNT);
	}
	strv_push(argv, "-l");
	strv_push(argv, ssh->config.user);
	strv_push(argv, "-p");
	strv_pushf(argv, "%u", ssh->config.port);
	strv_push(argv, "--");
	strv_push(argv, ssh->config.typed);
}

/* Ours, with the agent that we were told of; the first of two equal names counts. */
static void make_environment(const struct ssh *ssh, struct strv *env)
{
	if (ssh->agent)
		strv_pushf(env, "SSH_AUTH_SOCK=%s", ssh->agent);
	for (char **at = environ; *at; at++)
		strv_push(env, *at);
}

/* In the child, where only what is safe after a fork with threads may be called. */
static _Noreturn void become(
	const char *program, char *const *argv, char *const *env, int null, int errs, pid_t parent)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	/* Ctrl-C is for us, or for a database client; without us it must not stay. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigaction(SIGPIPE, &usual, NULL);
	sigaction(SIGCHLD, &usual, NULL);
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() == parent && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(errs, 2) >= 0)
		execve(program, argv, env);
	_exit(127);
}

static int run(struct ssh *ssh, struct err *err)
{
	autofree char *program = proc_find("ssh");
	autostrv struct strv argv = STRV_INIT, env = STRV_INIT;
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC), theirs = -1;
	pid_t parent = getpid();
	int pipe[2];

	if (!program)
		return err_set(err, ERR_TUNNEL,
			"\"ssh_engine: openssh\" needs the program ssh: apt install "
			"openssh-client");
	if (null < 0 || pipe2(pipe, O_CLOEXEC) < 0)
		return err_os(err, ERR_TUNNEL, errno, "start ssh");
	ssh->master->errs = pipe[0];
	theirs = pipe[1];
	fcntl(pipe[0], F_SETFL, O_NONBLOCK);
	make_argv(ssh, &argv);
	make_environment(ssh, &env);
	ssh->master->pid = fork();
	if (ssh->master->pid == 0)
		become(program, argv.v, env.v, null, theirs, parent);
	if (ssh->master->pid < 0)
		return err_os(err, ERR_TUNNEL, errno, "start ssh");
	return 0;
}

/* A folder for the control socket, whose path has to be short. */
static int make_folder(struct ssh_master *master, struct err *err)
{
	autofree char *usual = fs_runtime_dir();
	autofree char *dir = path_join(usual, "ssh.XXXXXX");
	struct sockaddr_un address;

	if (fs_mkdirs(usual, 0700, err) < 0)
		return -1;
	if (strlen(dir) + strlen("/s") + SOCKET_SUFFIX > sizeof(address.sun_path)) {
		free(dir);
		dir = xstrdup("/tmp/devenv-ssh.XXXXXX");
	}
	if (!mkdtemp(dir))
		return err_os(err, ERR_TUNNEL, errno, "make the folder %s", dir);
	master->socket = path_join(dir, "s");
	master->dir = TAKE(dir);
	return 0;
}

/* ssh asks on the terminal by itself, but only before the first session. */
static bool nobody_to_ask(const struct ssh *ssh)
{
	autoclose int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd < 0 || ssh->been_up || !ssh->options.ask;
}

static int openssh_start(struct ssh *ssh, struct err *err)
{
	struct ssh_master *master = xcalloc(1, sizeof(*master));
	struct epoll_event wish = {.events = EPOLLIN, .data.ptr = NULL};

	ssh->master = master;
	master->errs = master->door = -1;
	master->line.limit = LINE_LIMIT;
	master->said.limit = SAID_LIMIT;
	master->batch = nobody_to_ask(ssh);
	master->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (master->epoll < 0)
		return err_os(err, ERR_TUNNEL, errno, "start ssh");
	if (make_folder(master, err) < 0 || run(ssh, err) < 0)
		return -1;
	if (epoll_ctl(master->epoll, EPOLL_CTL_ADD, master->errs, &wish) < 0)
		return err_os(err, ERR_TUNNEL, errno, "listen to ssh");
	return 0;
}

static void remove_folder(struct ssh_master *master)
{
	struct err ignored = ERR_INIT;

	if (master->dir)
		fs_remove_tree(master->dir, &ignored);
	free(TAKE(master->dir));
}

static void openssh_stop(struct ssh *ssh)
{
	struct ssh_master *master = ssh->master;

	if (!master)
		return;
	ssh_proxy_stop(master->pid);
	remove_folder(master);
	mux_stdio_release_all(master);
	cleanup_close(&master->door);
	cleanup_close(&master->errs);
	cleanup_close(&master->epoll);
	ssh_mux_release(&master->mux);
	buf_release(&master->line);
	buf_release(&master->said);
	free(master->socket);
	free(master->key);
	free(TAKE(ssh->master));
}

/* === the way to a session === */

/* The first key file with a passphrase. The caller's, or NULL. */
static char *locked_key(const struct ssh *ssh)
{
	autostrv struct strv paths = STRV_INIT;

	if (ssh->options.identity)
		strv_push(&paths, ssh->options.identity);
	else
		strv_extend(&paths, &ssh->config.identities);
	for (size_t i = 0; i < paths.n; i++) {
		struct err ignored = ERR_INIT;
		struct ssh_key key;
		bool locked;

		if (ssh_key_open(&key, paths.v[i], &ignored) < 0)
			continue;
		locked = key.encrypted;
		ssh_key_release(&key);
		if (locked)
			return xstrdup(paths.v[i]);
	}
	return NULL;
}

static int failed(const struct ssh *ssh, struct err *err)
{
	const struct strv *files = &ssh->config.known_hosts;
	autofree char *locked = locked_key(ssh);
	struct ssh_words words = {
		.name = ssh->name,
		.host = ssh->config.host,
		.user = ssh->config.user,
		.port = ssh->config.port,
		.key = ssh->master->key,
		.pinned = ssh->options.host_key,
		.known_hosts = ssh->options.known_hosts ? ssh->options.known_hosts
			       : files->n               ? files->v[0]
							: "~/.ssh/known_hosts",
		.locked = locked,
		.batch = ssh->master->batch,
		.person = ssh->master->batch && ssh->by_person,
		.text = buf_str(&ssh->master->said),
	};

	return ssh_words_failed(&words, err);
}

static int openssh_step(struct ssh *ssh, struct err *err)
{
	struct ssh_master *master = ssh->master;

	if (master->errs < 0)
		return failed(ssh, err);
	if (ssh->state == SSH_DIALING) {
		if (!master->listening)
			return 0;
		if (ssh_mux_connect(ssh, master->socket, err) < 0)
			return -1;
		master->door = open(master->socket, O_PATH | O_CLOEXEC);
		remove_folder(master);
		ssh->state = SSH_SETUP;
		return 1;
	}
	if (!ssh_mux_receive(ssh))
		return 0;
	ssh->state = SSH_UP;
	buf_reset(&master->said);
	return 1;
}

/* === for the poll loop === */

static int openssh_fd(const struct ssh *ssh)
{
	return ssh->master ? ssh->master->epoll : -1;
}

static short openssh_events(const struct ssh *ssh)
{
	return POLLIN;
}

static void openssh_io(struct ssh *ssh, short revents)
{
	struct epoll_event events[EVENTS_MAX];
	int n = revents ? epoll_wait(ssh->master->epoll, events, EVENTS_MAX, 0) : 0;

	for (int i = 0; i < n; i++) {
		struct mux_stdio *stdio = events[i].data.ptr;

		if (!stdio)
			hear(ssh);
		else if (events[i].data.ptr == ssh)
			ssh->readable = true;
		else
			stdio->told = stdio->pipes.readable = stdio->pipes.writable = true;
	}
	ssh_flush(ssh);
	ssh_fill(ssh);
}

static char *openssh_lost(struct ssh *ssh)
{
	hear(ssh);
	return ssh_words_lost(buf_str(&ssh->master->said));
}

static int openssh_load(struct err *err)
{
	return 0;
}

/* ssh asks the server itself (ServerAliveInterval). */
static void openssh_patience(const struct ssh *ssh, int *probe, int *dead)
{
	*probe = *dead = 0;
}

const struct ssh_engine ssh_openssh = {
	.load = openssh_load,
	.start = openssh_start,
	.step = openssh_step,
	.stop = openssh_stop,
	.fd = openssh_fd,
	.events = openssh_events,
	.io = openssh_io,
	.lost = openssh_lost,
	.patience = openssh_patience,
	.channels = &ssh_mux_channels,
};
