/* db_greeting.c - what a database says before any login (db_greeting.h). */
#include "db_greeting.h"

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

#define WAIT_MS 10000
#define ERROR_PACKET 0xff
#define PROTOCOL_10 10

static int dial(uint16_t port, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_os(err, ERR_TUNNEL, errno, "connect to the tunnel");
	return TAKE_FD(fd);
}

/* At least `least` bytes, unless it hangs up. */
static int hear(int fd, size_t least, char *data, size_t size, size_t *len, struct err *err)
{
	int64_t deadline = clock_ms() + WAIT_MS;

	*len = 0;
	while (*len < least) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
			return err_set(err, ERR_TUNNEL, "it takes the connection and says nothing");
		n = read(fd, data + *len, size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	if (!*len)
		return err_set(err, ERR_TUNNEL, "it hangs up without a word");
	return 0;
}

/* Protocol::Handshake: a header of 4 bytes, 10, the version and a NUL. */
static int mysql(int fd, char **text, struct err *err)
{
	char data[512];
	size_t len;
	int version;

	if (hear(fd, 16, data, sizeof(data) - 1, &len, err) < 0)
		return -1;
	data[len] = '\0';
	if (len > 13 && (unsigned char)data[4] == ERROR_PACKET)
		return err_set(err, ERR_TUNNEL, "it refuses: %s", data + 7);
	if (len < 16 || data[4] != PROTOCOL_10 || !memchr(data + 5, '\0', len - 5))
		return err_set(err, ERR_TUNNEL, "what answers is no MySQL or MariaDB server");
	version = str_starts(data + 5, "5.5.5-") ? 11 : 5; /* as MariaDB says it to old replicas */
	*text = xasprintf("%s %s", strstr(data, "MariaDB") || version == 11 ? "MariaDB" : "MySQL",
		data + version);
	return 0;
}

/* SSLRequest (55.7): S, N, or E for a server that is too old or too busy. */
static int postgres(int fd, char **text, struct err *err)
{
	static const char question[] = {0, 0, 0, 8, 4, (char)0xd2, 0x16, 0x2f};
	char answer;
	size_t len;

	if (send(fd, question, sizeof(question), MSG_NOSIGNAL) < 0)
		return err_os(err, ERR_TUNNEL, errno, "write to the database");
	if (hear(fd, 1, &answer, 1, &len, err) < 0)
		return -1;
	if (answer != 'S' && answer != 'N')
		return err_set(err, ERR_TUNNEL, "what answers is no PostgreSQL server");
	*text = xasprintf("PostgreSQL, %s TLS", answer == 'S' ? "with" : "without");
	return 0;
}

int db_greeting(const char *engine, uint16_t port, char **text, struct err *err)
{
	autoclose int fd = dial(port, err);

	if (fd < 0)
		return -1;
	return str_eq(engine, "mysql") ? mysql(fd, text, err) : postgres(fd, text, err);
}
