/*
 * ssh_agent.c - the two questions that are asked of an ssh-agent (draft-miller-ssh-agent).
 *
 * Own code because libssh2 1.10 asks the agent for SHA-1 signatures only.  Each question is a
 * connection of its own; the wait for an answer is long, since the agent may ask its user.
 */
#include "ssh_session.h"

#include "devenv/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define AGENT_LIMIT ((size_t)256 << 10)
#define AGENT_TIMEOUT_S 60
#define AGENT_KEYS_MAX 64

enum {
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
};

static int agent_connect(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = AGENT_TIMEOUT_S};
	autoclose int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_TUNNEL, "ssh-agent: the path %s is too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_os(err, ERR_TUNNEL, errno, "ssh-agent: connect to %s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, data, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Send `request` and collect the answer without its length. */
static int agent_ask(
	const char *path, const struct buf *request, struct buf *answer, struct err *err)
{
	autoclose int fd = agent_connect(path, err);
	uint32_t len = htonl((uint32_t)request->len);
	char *to;

	if (fd < 0)
		return -1;
	if (send_all(fd, (const char *)&len, sizeof(len)) < 0 ||
		send_all(fd, request->data, request->len) < 0 ||
		receive_all(fd, (char *)&len, sizeof(len)) < 0)
		return err_set(err, ERR_TUNNEL, "ssh-agent at %s does not answer", path);
	to = buf_reserve(answer, ntohl(len));
	if (!to || receive_all(fd, to, ntohl(len)) < 0)
		return err_set(err, ERR_TUNNEL, "ssh-agent at %s: broken answer", path);
	answer->len = ntohl(len);
	return 0;
}

int ssh_agent_list(const char *socket, struct ssh_identities *identities, struct err *err)
{
	autobuf struct buf request = BUF_INIT(16), answer = BUF_INIT(AGENT_LIMIT);
	struct ssh_reader in;
	uint32_t n;

	buf_addch(&request, AGENT_REQUEST_IDENTITIES);
	if (agent_ask(socket, &request, &answer, err) < 0)
		return -1;
	in = (struct ssh_reader){(const unsigned char *)answer.data, answer.len, false};
	if (ssh_read_u8(&in) != AGENT_IDENTITIES_ANSWER)
		return err_set(err, ERR_TUNNEL, "ssh-agent at %s does not list its keys", socket);
	n = ssh_read_u32(&in);
	for (uint32_t i = 0; i < n && i < AGENT_KEYS_MAX; i++) {
		size_t blob_len, comment_len;
		const unsigned char *blob = ssh_read_string(&in, &blob_len);
		const unsigned char *comment = ssh_read_string(&in, &comment_len);
		struct ssh_identity identity = {.blob = BUF_INIT(AGENT_LIMIT)};

		if (in.bad)
			break;
		buf_add(&identity.blob, blob, blob_len);
		identity.comment = xstrndup((const char *)comment, comment_len);
		identities->list = xgrow(
			identities->list, identities->n, sizeof(*identities->list));
		identities->list[identities->n++] = identity;
	}
	return 0;
}

int ssh_agent_sign(const char *socket, const struct buf *blob, const void *data, size_t len,
	uint32_t flags, struct buf *signature, struct err *err)
{
	autobuf struct buf request = BUF_INIT(AGENT_LIMIT), answer = BUF_INIT(AGENT_LIMIT);
	struct ssh_reader in;
	const unsigned char *both, *raw;
	size_t both_len, raw_len, type_len;

	buf_addch(&request, AGENT_SIGN_REQUEST);
	ssh_put_string(&request, blob->data, blob->len);
	ssh_put_string(&request, data, len);
	ssh_put_u32(&request, flags);
	if (agent_ask(socket, &request, &answer, err) < 0)
		return -1;
	in = (struct ssh_reader){(const unsigned char *)answer.data, answer.len, false};
	if (ssh_read_u8(&in) != AGENT_SIGN_RESPONSE)
		return err_set(err, ERR_TUNNEL, "ssh-agent refused to sign");
	both = ssh_read_string(&in, &both_len);
	in = (struct ssh_reader){both, both_len, in.bad};
	ssh_read_string(&in, &type_len);
	raw = ssh_read_string(&in, &raw_len);
	if (in.bad)
		return err_set(err, ERR_TUNNEL, "ssh-agent: broken signature");
	return buf_add(signature, raw, raw_len);
}

void ssh_identities_release(struct ssh_identities *identities)
{
	for (size_t i = 0; i < identities->n; i++) {
		buf_release(&identities->list[i].blob);
		free(identities->list[i].comment);
	}
	free(identities->list);
	*identities = (struct ssh_identities){0};
}
