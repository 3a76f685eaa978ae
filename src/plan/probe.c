/* probe.c - one look at a server, in its own protocol (probe.h). */
#include "probe.h"

#include "devenv/clock.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A probe's question, and the port and image names that choose it. */
static const struct {
	const char *name;
	const char *question;
	size_t len;
	uint16_t port;
	const char *images[4];
} kinds[] = {
	[PROBE_TCP] = {"TCP", NULL, 0, 0, {0}},
	[PROBE_MYSQL] = {"MySQL", NULL, 0, 3306, {"mysql", "mariadb", "percona"}},
	/* StartupMessage: length 21, protocol 3.0, user "devenv" (PostgreSQL 55.7). */
	[PROBE_POSTGRES] = {"PostgreSQL", "\0\0\0\x15\0\3\0\0user\0devenv\0", 21, 5432,
		{"postgres", "postgis", "timescale"}},
	[PROBE_REDIS] = {"Redis", "PING\r\n", 6, 6379, {"redis", "valkey", "keydb"}},
	[PROBE_MEMCACHED] = {"memcached", "version\r\n", 9, 11211, {"memcached"}},
	[PROBE_HTTP] = {"HTTP", "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", 35, 0, {0}},
};

/* The last part of the image's name, without tag: "shop-mariadb". */
static char *image_word(const char *image)
{
	const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;

	return xstrndup(name, strcspn(name, ":@"));
}

static enum probe_kind by_image(const char *image)
{
	autofree char *word = image_word(image);

	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		for (size_t i = 0; i < 4 && kinds[kind].images[i]; i++)
			if (strstr(word, kinds[kind].images[i]))
				return (enum probe_kind)kind;
	return PROBE_TCP;
}

uint16_t probe_usual_port(const char *image)
{
	/* phpmyadmin, mysqld-exporter, redis-commander ... only speak to databases. */
	autofree char *word = image_word(image);

	if (strstr(word, "exporter") || strstr(word, "admin") || strstr(word, "commander") ||
		strstr(word, "insight"))
		return 0;
	return kinds[by_image(image)].port;
}

enum probe_kind probe_choose(const char *image, uint16_t port)
{
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		if (kinds[kind].port && kinds[kind].port == port)
			return (enum probe_kind)kind;
	return port == 80 || port == 8080 ? PROBE_HTTP : PROBE_TCP;
}

const char *probe_name(enum probe_kind kind)
{
	return kinds[kind].name;
}

/* === talking === */

static int wait_fd(int fd, short events, int64_t deadline)
{
	struct pollfd poller = {.fd = fd, .events = events};
	int64_t left = deadline - clock_ms();

	return poll(&poller, 1, left > 0 ? (int)left : 0);
}

static int connect_within(const char *address, uint16_t port, int64_t deadline)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool v4 = inet_pton(AF_INET, address, &in4.sin_addr) == 1;
	autoclose int fd = -1;
	int failed = 0, done;
	socklen_t len = sizeof(failed);

	if (!v4 && inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
		return -1;
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	done = v4 ? connect(fd, (struct sockaddr *)&in4, sizeof(in4))
		  : connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (done < 0 && errno != EINPROGRESS)
		return -1;
	if (done < 0 && wait_fd(fd, POLLOUT, deadline) <= 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0 || failed)
		return -1;
	return TAKE_FD(fd);
}

/* A few bytes of the answer as a string. */
static size_t read_answer(int fd, int64_t deadline, char answer[128])
{
	size_t have = 0;

	while (have < 127 && wait_fd(fd, POLLIN, deadline) > 0) {
		ssize_t n = read(fd, answer + have, 127 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
		/* Every answer that matters is decided by its first 12 bytes. */
		if (have >= 12)
			break;
	}
	answer[have] = '\0';
	return have;
}

static bool good_answer(enum probe_kind kind, const char *answer, size_t len)
{
	switch (kind) {
	case PROBE_MYSQL:
		return len > 4 && answer[4] == 10;
	case PROBE_POSTGRES:
		/* R: authentication. E: refused, which is an answer unless it is still starting. */
		return len &&
		       (answer[0] == 'R' || (answer[0] == 'E' && !memmem(answer, len, "57P03", 5)));
	case PROBE_REDIS:
		return str_starts(answer, "+PONG") || str_starts(answer, "-NOAUTH") ||
		       str_starts(answer, "-DENIED");
	case PROBE_MEMCACHED:
		return str_starts(answer, "VERSION");
	case PROBE_HTTP:
		return str_starts(answer, "HTTP/") && len >= 12 &&
		       strncmp(answer + 9, "502", 3) != 0 && strncmp(answer + 9, "503", 3) != 0 &&
		       strncmp(answer + 9, "504", 3) != 0;
	case PROBE_TCP:
		return true;
	}
	return false;
}

/*
 * Docker's proxy accepts for a container that does not listen, and hangs up: look a moment longer.
 */
static bool stays_open(int fd)
{
	char byte;

	if (wait_fd(fd, POLLIN, clock_ms() + 30) <= 0)
		return true;
	return recv(fd, &byte, 1, MSG_PEEK) > 0;
}

bool probe_once(enum probe_kind kind, const char *address, uint16_t port, int timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;
	autoclose int fd = connect_within(address, port, deadline);
	char answer[128];
	size_t len;

	if (fd < 0)
		return false;
	if (kind == PROBE_TCP)
		return stays_open(fd);
	if (kinds[kind].question &&
		send(fd, kinds[kind].question, kinds[kind].len, MSG_NOSIGNAL) < 0)
		return false;
	len = read_answer(fd, deadline, answer);
	/* PostgreSQL's error code comes after the severity fields: read a little more. */
	if (kind == PROBE_POSTGRES && len && answer[0] == 'E' && len < 100 &&
		wait_fd(fd, POLLIN, clock_ms() + 20) > 0) {
		ssize_t more = read(fd, answer + len, sizeof(answer) - 1 - len);

		len += more > 0 ? (size_t)more : 0;
	}
	return good_answer(kind, answer, len);
}
