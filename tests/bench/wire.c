/*
 * wire.c - a line that is far away, or bad: relays TCP connections on 127.0.0.1.
 *
 * usage: wire PORT TO_PORT [DELAY_MS [PIECE]]
 *
 * Each byte arrives DELAY_MS after it was sent, each way; the line is as wide as one wants.  With a
 * PIECE no more than a random number of bytes up to it goes on at once.  SIGUSR1 cuts every
 * connection with a reset; SIGSTOP makes a black hole of the line, until SIGCONT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIPES_MAX 512
#define CHUNK ((size_t)64 << 10)
#define HELD_MAX ((size_t)64 << 20) /* bytes on their way in one direction */

struct chunk {
	struct chunk *next;
	int64_t due;
	size_t start, len;
	char data[];
};

/* One direction of a connection. */
struct way {
	int from, to;
	struct chunk *first, **last;
	size_t held;
	bool end;  /* nothing more comes */
	bool shut; /* and that was passed on */
};

struct line {
	bool used;
	struct way ways[2];
};

static struct line lines[PIPES_MAX];
static int64_t delay_us;
static size_t piece;
static volatile sig_atomic_t cut_wanted;

static void on_cut(int number)
{
	(void)number;
	cut_wanted = 1;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct sockaddr_in address_of(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void line_close(struct line *line, bool reset)
{
	struct linger linger = {.l_onoff = reset};

	for (int i = 0; i < 2; i++) {
		struct way *way = &line->ways[i];

		while (way->first) {
			struct chunk *next = way->first->next;

			free(way->first);
			way->first = next;
		}
		if (reset)
			setsockopt(way->from, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(way->from);
	}
	line->used = false;
}

static void line_open(int client, const struct sockaddr_in *to)
{
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct line *line = lines;

	while (line < lines + PIPES_MAX && line->used)
		line++;
	if (line == lines + PIPES_MAX ||
		connect(server, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(server);
		close(client);
		return;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*line = (struct line){.used = true,
		.ways = {{.from = client, .to = server}, {.from = server, .to = client}}};
	line->ways[0].last = &line->ways[0].first;
	line->ways[1].last = &line->ways[1].first;
}

/* false: the connection is broken. */
static bool take_in(struct way *way)
{
	struct chunk *chunk = malloc(sizeof(*chunk) + CHUNK);
	ssize_t n;

	if (!chunk)
		abort();
	n = recv(way->from, chunk->data, CHUNK, MSG_DONTWAIT);
	if (n <= 0)
		free(chunk);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) {
		way->end = true;
		return true;
	}
	chunk->next = NULL;
	chunk->due = now_us() + delay_us;
	chunk->start = 0;
	chunk->len = (size_t)n;
	*way->last = chunk;
	way->last = &chunk->next;
	way->held += chunk->len;
	return true;
}

static bool give_out(struct way *way)
{
	struct chunk *chunk = way->first;
	size_t len = chunk->len - chunk->start;
	ssize_t n;

	if (piece && len > piece)
		len = 1 + (size_t)rand() % piece;
	n = send(way->to, chunk->data + chunk->start, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	chunk->start += (size_t)n;
	if (chunk->start < chunk->len)
		return true;
	way->held -= chunk->len;
	way->first = chunk->next;
	if (!way->first)
		way->last = &way->first;
	free(chunk);
	return true;
}

static bool is_due(const struct way *way, int64_t now)
{
	return way->first && way->first->due <= now;
}

static short wishes(const struct line *line, int side, int64_t now)
{
	const struct way *in = &line->ways[side], *out = &line->ways[!side];

	return (short)((!in->end && in->held < HELD_MAX ? POLLIN : 0) |
		       (is_due(out, now) ? POLLOUT : 0));
}

/* Move what can be moved. */
static void line_serve(struct line *line, const struct pollfd *pfds, int64_t now)
{
	for (int side = 0; side < 2; side++) {
		struct way *in = &line->ways[side], *out = &line->ways[!side];
		short got = pfds[side].revents;

		if (((got & ~POLLOUT) && !in->end && !take_in(in)) ||
			((got & POLLOUT) && is_due(out, now) && !give_out(out))) {
			line_close(line, true);
			return;
		}
		if (in->end && !in->first && !in->shut) {
			in->shut = true;
			shutdown(in->to, SHUT_WR);
		}
	}
	if (line->ways[0].shut && line->ways[1].shut)
		line_close(line, false);
}

/* Until the next byte is due, or for ever. */
static void sleep_of(struct timespec *timeout, int64_t now)
{
	int64_t soonest = now + 1000000;

	for (int i = 0; i < PIPES_MAX; i++) {
		for (int side = 0; lines[i].used && side < 2; side++) {
			const struct chunk *first = lines[i].ways[side].first;

			if (first && first->due > now && first->due < soonest)
				soonest = first->due;
		}
	}
	timeout->tv_sec = (soonest - now) / 1000000;
	timeout->tv_nsec = (soonest - now) % 1000000 * 1000;
}

static void one_round(int listener, const struct sockaddr_in *to)
{
	struct pollfd pfds[1 + 2 * PIPES_MAX];
	struct timespec timeout;
	int64_t now = now_us();

	pfds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (int i = 0; i < PIPES_MAX; i++) {
		for (int side = 0; side < 2; side++) {
			short events = lines[i].used ? wishes(&lines[i], side, now) : 0;

			pfds[1 + 2 * i + side] = (struct pollfd){
				.fd = events ? lines[i].ways[side].from : -1, .events = events};
		}
	}
	sleep_of(&timeout, now);
	if (ppoll(pfds, 1 + 2 * PIPES_MAX, &timeout, NULL) < 0)
		return;
	for (int i = 0; i < PIPES_MAX; i++) {
		if (lines[i].used)
			line_serve(&lines[i], pfds + 1 + 2 * i, now_us());
	}
	if (pfds[0].revents) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0)
			line_open(client, to);
	}
}

int main(int argc, char **argv)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in from, to;

	if (argc < 3) {
		fputs("usage: wire PORT TO_PORT [DELAY_MS [PIECE]]\n", stderr);
		return 2;
	}
	from = address_of(argv[1]);
	to = address_of(argv[2]);
	delay_us = argc > 3 ? strtoll(argv[3], NULL, 10) * 1000 : 0;
	piece = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	signal(SIGUSR1, on_cut);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&from, sizeof(from)) < 0 ||
		listen(listener, 128) < 0) {
		perror("wire: listen");
		return 1;
	}
	for (;;) {
		one_round(listener, &to);
		for (int i = 0; cut_wanted && i < PIPES_MAX; i++) {
			if (lines[i].used)
				line_close(&lines[i], true);
		}
		cut_wanted = 0;
	}
}
