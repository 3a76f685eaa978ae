/*
 * blast.c - connections that carry known bytes, and look at each of them.
 *
 * usage: blast serve PORT
 *        blast load PORT CLIENTS BYTES SECONDS down|up|echo
 *        blast until PORT
 *
 * `load` lets each client carry BYTES on one connection after another for SECONDS (0: on one only)
 * and prints "whole N broken N short N wrong N stuck N mib N ms N": connections by how they ended,
 * what whole ones carried, and how long all took.  A broken one was reset or refused, which clients
 * can see; a short one ended in order before its time, a wrong one had other bytes, and a stuck one
 * moved none for a minute: then the status is 1.
 * `until` prints after how many milliseconds a connection first carried a byte and back.
 *
 * What stands at a place of a stream follows from its seed alone, so a byte of another connection,
 * or of another place, is wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define CLIENTS_MAX 1000
#define PATIENCE_MS 60000

enum way { DOWN, UP, ECHO };
enum end { WHOLE, BROKEN, SHORT, WRONG, STUCK, ENDS };

struct head {
	uint64_t seed, bytes, way;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* === the bytes === */

/* The words of splitmix64. */
static uint64_t word_at(uint64_t seed, uint64_t at)
{
	uint64_t z = seed + (at + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* `len` bytes, at most CHUNK, from place `at` on. */
static void make_bytes(char *out, uint64_t seed, uint64_t at, size_t len)
{
	uint64_t words[CHUNK / 8 + 2], first = at / 8;
	size_t n = (at % 8 + len + 7) / 8;

	for (size_t i = 0; i < n; i++)
		words[i] = word_at(seed, first + i);
	memcpy(out, (char *)words + at % 8, len);
}

static bool bytes_are(const char *got, uint64_t seed, uint64_t at, size_t len)
{
	char expected[CHUNK];

	make_bytes(expected, seed, at, len);
	return memcmp(got, expected, len) == 0;
}

/* === the server: a thread a connection === */

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void serve_down(int fd, const struct head *head)
{
	char data[CHUNK];

	for (uint64_t at = 0; at < head->bytes;) {
		size_t len = head->bytes - at < CHUNK ? (size_t)(head->bytes - at) : CHUNK;

		make_bytes(data, head->seed, at, len);
		if (!send_all(fd, data, len))
			return;
		at += len;
	}
}

/* Answer with the number of right bytes. */
static void serve_up(int fd, const struct head *head)
{
	uint64_t right = 0;
	char data[CHUNK];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
		if (!bytes_are(data, head->seed, right, (size_t)n))
			break;
		right += (uint64_t)n;
	}
	send_all(fd, (const char *)&right, sizeof(right));
}

static void serve_echo(int fd)
{
	char data[CHUNK];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		if (!send_all(fd, data, (size_t)n))
			return;
}

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct head head;

	if (recv(fd, &head, sizeof(head), MSG_WAITALL) == (ssize_t)sizeof(head)) {
		if (head.way == DOWN)
			serve_down(fd, &head);
		else if (head.way == UP)
			serve_up(fd, &head);
		else
			serve_echo(fd);
	}
	close(fd);
	return NULL;
}

static struct sockaddr_in address_of(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int serve(const char *port)
{
	struct sockaddr_in address = address_of(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	pthread_attr_t detached;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0) {
		perror("blast: listen");
		return 1;
	}
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (client < 0)
			continue;
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&thread, &detached, serve_one, (void *)(intptr_t)client) != 0)
			close(client);
	}
}

/* === one connection of a client === */

struct client {
	pthread_t thread;
	struct sockaddr_in to;
	uint64_t seed, bytes;
	enum way way;
	int64_t until; /* now_ms() */
	uint64_t ends[ENDS];
};

struct transfer {
	struct head head;
	uint64_t sent, to_send; /* behind the head */
	uint64_t got, to_get;
	uint64_t verdict; /* of the server, on what went up */
};

static int connect_to(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static ssize_t send_some(int fd, struct transfer *t)
{
	uint64_t left = t->to_send - t->sent;
	size_t len = left < CHUNK ? (size_t)left : CHUNK;
	char data[CHUNK];
	ssize_t n;

	make_bytes(data, t->head.seed, t->sent, len);
	n = send(fd, data, len, MSG_NOSIGNAL);
	if (n > 0)
		t->sent += (uint64_t)n;
	if (n > 0 && t->sent == t->to_send)
		shutdown(fd, SHUT_WR);
	return n;
}

/* WHOLE: go on. */
static enum end take(struct transfer *t, const char *data, size_t len)
{
	if (len > t->to_get - t->got)
		return WRONG;
	if (t->head.way == UP)
		memcpy((char *)&t->verdict + t->got, data, len);
	else if (!bytes_are(data, t->head.seed, t->got, len))
		return WRONG;
	t->got += len;
	return WHOLE;
}

static enum end ended(const struct transfer *t)
{
	if (t->got < t->to_get)
		return SHORT;
	return t->head.way == UP && t->verdict != t->head.bytes ? WRONG : WHOLE;
}

static enum end carry(int fd, struct transfer *t)
{
	char data[CHUNK];

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		enum end end = WHOLE;
		ssize_t n;

		if (t->sent < t->to_send)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, PATIENCE_MS) == 0)
			return STUCK;
		if ((pfd.revents & POLLOUT) && send_some(fd, t) < 0 && errno != EAGAIN)
			return BROKEN;
		if (!(pfd.revents & ~POLLOUT))
			continue;
		n = recv(fd, data, sizeof(data), 0);
		if (n == 0)
			return ended(t);
		if (n < 0 && errno != EAGAIN)
			return BROKEN;
		if (n > 0)
			end = take(t, data, (size_t)n);
		if (end != WHOLE)
			return end;
	}
}

static enum end connection(const struct sockaddr_in *to, const struct head *head)
{
	struct transfer t = {.head = *head};
	int fd = connect_to(to);
	enum end end;

	if (fd < 0)
		return BROKEN;
	t.to_send = head->way == DOWN ? 0 : head->bytes;
	t.to_get = head->way == UP ? sizeof(t.verdict) : head->bytes;
	end = send_all(fd, (const char *)head, sizeof(*head)) ? carry(fd, &t) : BROKEN;
	close(fd);
	return end;
}

/* === load === */

static void *run_client(void *arg)
{
	struct client *client = arg;
	struct head head = {.seed = client->seed, .bytes = client->bytes, .way = client->way};

	do {
		enum end end = connection(&client->to, &head);

		client->ends[end]++;
		head.seed += CLIENTS_MAX;
		if (end == BROKEN && now_ms() < client->until)
			poll(NULL, 0, 20);
	} while (now_ms() < client->until);
	return NULL;
}

static int load(char **argv)
{
	static struct client clients[CLIENTS_MAX];
	static const char *const names[ENDS] = {"whole", "broken", "short", "wrong", "stuck"};
	uint64_t ends[ENDS] = {0}, bytes = strtoull(argv[2], NULL, 10);
	size_t n = strtoul(argv[1], NULL, 10);
	int64_t began = now_ms(), ms;

	if (n > CLIENTS_MAX)
		n = CLIENTS_MAX;
	for (size_t i = 0; i < n; i++) {
		clients[i] = (struct client){.to = address_of(argv[0]),
			.seed = (uint64_t)time(NULL) * 1000000 + i,
			.bytes = bytes,
			.way = *argv[4] == 'd'   ? DOWN
			       : *argv[4] == 'u' ? UP
						 : ECHO,
			.until = began + strtol(argv[3], NULL, 10) * 1000};
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(clients[i].thread, NULL);
		for (int end = 0; end < ENDS; end++)
			ends[end] += clients[i].ends[end];
	}
	ms = now_ms() - began;
	for (int end = 0; end < ENDS; end++)
		printf("%s %llu ", names[end], (unsigned long long)ends[end]);
	printf("mib %.1f ms %lld\n", (double)(ends[WHOLE] * bytes) / (1 << 20), (long long)ms);
	return ends[SHORT] || ends[WRONG] || ends[STUCK];
}

static int until(const char *port)
{
	struct sockaddr_in to = address_of(port);
	struct head head = {.seed = (uint64_t)getpid(), .bytes = 1, .way = ECHO};
	int64_t began = now_ms();

	while (connection(&to, &head) != WHOLE)
		poll(NULL, 0, 2);
	printf("%lld\n", (long long)(now_ms() - began));
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 7 && strcmp(argv[1], "load") == 0)
		return load(argv + 2);
	if (argc == 3 && strcmp(argv[1], "until") == 0)
		return until(argv[2]);
	fputs("usage: blast serve PORT\n"
	      "       blast load PORT CLIENTS BYTES SECONDS down|up|echo\n"
	      "       blast until PORT\n",
		stderr);
	return 2;
}
