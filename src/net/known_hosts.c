/*
 * known_hosts.c - matching host keys against known_hosts files.
 *
 * The rules are OpenSSH's (sshd(8), and hostfile.c and match.c of 9.2), tried against ssh-keygen
 * -F.
 */
#include "devenv/known_hosts.h"

#include "ssh_config_reader.h"

#include "devenv/crypto.h"
#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)16 << 20)
#define SSH_PORT 22

/* Cut the next field off `*at`: spaces and tabs separate. NULL at the end. */
static char *next_field(char **at)
{
	char *start = *at + strspn(*at, " \t");
	size_t len = strcspn(start, " \t");

	if (!len)
		return NULL;
	*at = start + len;
	if (**at)
		*(*at)++ = '\0';
	return start;
}

static bool read_marker(const char *word, enum known_hosts_marker *marker)
{
	if (!strcmp(word, "@revoked"))
		*marker = KNOWN_REVOKED_KEY;
	else if (!strcmp(word, "@cert-authority"))
		*marker = KNOWN_CA;
	else
		return false;
	return true;
}

static void parse_line(struct known_hosts *known, const char *file, int line, char *text)
{
	struct known_hosts_entry entry = {.marker = KNOWN_PLAIN, .line = line};
	char *at = text, *hosts = next_field(&at), *type, *key;

	if (!hosts || *hosts == '#')
		return;
	if (*hosts == '@') {
		if (!read_marker(hosts, &entry.marker))
			return;
		hosts = next_field(&at);
	}
	type = next_field(&at);
	key = next_field(&at);
	if (!hosts || !type || !key)
		return;
	entry.key = base64_decode(key, &entry.key_len);
	if (!entry.key)
		return;
	entry.hosts = xstrdup(hosts);
	entry.type = xstrdup(type);
	entry.file = xstrdup(file);
	known->list = xgrow(known->list, known->n, sizeof(*known->list));
	known->list[known->n++] = entry;
}

void known_hosts_parse(struct known_hosts *known, const char *file, const char *text)
{
	for (int line = 1; *text; line++) {
		size_t len = strcspn(text, "\r\n");
		autofree char *copy = xstrndup(text, len);

		parse_line(known, file, line, copy);
		text += len;
		if (*text == '\r' && text[1] == '\n')
			text++;
		if (*text)
			text++;
	}
}

int known_hosts_load(struct known_hosts *known, const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(FILE_LIMIT);

	if (!fs_is_file(path))
		return 0;
	if (fs_read(path, &text, ERR_TUNNEL, err) < 0)
		return -1;
	known_hosts_parse(known, path, buf_str(&text));
	return 0;
}

void known_hosts_release(struct known_hosts *known)
{
	for (size_t i = 0; i < known->n; i++) {
		free(known->list[i].hosts);
		free(known->list[i].type);
		free(known->list[i].key);
		free(known->list[i].file);
	}
	free(known->list);
	*known = (struct known_hosts){0};
}

char *known_hosts_name(const char *host, uint16_t port)
{
	char *name = port == SSH_PORT ? xstrdup(host) : xasprintf("[%s]:%u", host, port);

	ssh_lower(name);
	return name;
}

/* "|1|base64 salt|base64 HMAC-SHA1(salt, name)" */
static bool hashed_covers(const char *hosts, const char *name)
{
	const char *bar = strchr(hosts + 3, '|');
	autofree char *salt_text = bar ? xstrndup(hosts + 3, (size_t)(bar - hosts - 3)) : NULL;
	autofree char *salt = NULL, *wanted = NULL;
	size_t salt_len = 0, wanted_len = 0;
	unsigned char got[HMAC_SHA1_SIZE];

	if (!bar)
		return false;
	salt = base64_decode(salt_text, &salt_len);
	wanted = base64_decode(bar + 1, &wanted_len);
	if (!salt || !wanted || wanted_len != sizeof(got))
		return false;
	hmac_sha1(salt, salt_len, name, strlen(name), got);
	return !memcmp(got, wanted, sizeof(got));
}

bool known_hosts_covers(const char *hosts, const char *name)
{
	return str_starts(hosts, "|1|") ? hashed_covers(hosts, name)
					: ssh_pattern_list_matches(hosts, name, true);
}

static bool same_key(const struct known_hosts_entry *entry, const void *key, size_t len)
{
	return entry->key_len == len && !memcmp(entry->key, key, len);
}

/* The worse verdict wins: in this order. */
static int verdict_rank(enum known_hosts_verdict verdict)
{
	static const int ranks[] = {
		[KNOWN_NO] = 0,
		[KNOWN_AUTHORITY] = 1,
		[KNOWN_OTHER] = 2,
		[KNOWN_CHANGED] = 3,
		[KNOWN_YES] = 4,
		[KNOWN_REVOKED] = 5,
	};

	return ranks[verdict];
}

static enum known_hosts_verdict judge_entry(
	const struct known_hosts_entry *entry, const char *type, const void *key, size_t len)
{
	bool same = same_key(entry, key, len);

	switch (entry->marker) {
	case KNOWN_REVOKED_KEY:
		return same ? KNOWN_REVOKED : KNOWN_NO;
	case KNOWN_CA:
		return KNOWN_AUTHORITY;
	case KNOWN_PLAIN:
		break;
	}
	if (same)
		return KNOWN_YES;
	return str_eq(entry->type, type) ? KNOWN_CHANGED : KNOWN_OTHER;
}

static enum known_hosts_verdict check_name(const struct known_hosts *known, const char *name,
	const void *key, size_t len, const struct known_hosts_entry **match)
{
	autofree char *type = ssh_blob_type(key, len);
	enum known_hosts_verdict worst = KNOWN_NO;

	for (size_t i = 0; i < known->n; i++) {
		const struct known_hosts_entry *entry = &known->list[i];
		enum known_hosts_verdict verdict;

		if (!known_hosts_covers(entry->hosts, name))
			continue;
		verdict = judge_entry(entry, type, key, len);
		if (verdict_rank(verdict) > verdict_rank(worst)) {
			worst = verdict;
			*match = entry;
		}
	}
	return worst;
}

enum known_hosts_verdict known_hosts_check(const struct known_hosts *known, const char *host,
	uint16_t port, const void *key, size_t len, const struct known_hosts_entry **match)
{
	const struct known_hosts_entry *found = NULL, *bare_found = NULL;
	autofree char *name = known_hosts_name(host, port);
	autofree char *bare = known_hosts_name(host, SSH_PORT);
	enum known_hosts_verdict verdict = check_name(known, name, key, len, &found);

	if (port != SSH_PORT && verdict != KNOWN_REVOKED) {
		enum known_hosts_verdict other = check_name(known, bare, key, len, &bare_found);

		if (other == KNOWN_REVOKED || (other == KNOWN_YES && verdict == KNOWN_NO)) {
			verdict = other;
			found = bare_found;
		}
	}
	if (match)
		*match = found;
	return verdict;
}

void known_hosts_types(
	const struct known_hosts *known, const char *host, uint16_t port, struct strv *types)
{
	autofree char *name = known_hosts_name(host, port);
	autofree char *bare = known_hosts_name(host, SSH_PORT);

	for (int pass = 0; pass < 2 && !types->n; pass++) {
		for (size_t i = 0; i < known->n; i++) {
			const struct known_hosts_entry *entry = &known->list[i];

			if (entry->marker == KNOWN_PLAIN && !strv_has(types, entry->type) &&
				known_hosts_covers(entry->hosts, pass ? bare : name))
				strv_push(types, entry->type);
		}
	}
}

static char *hash_name(const char *name)
{
	char salt[2 * HMAC_SHA1_SIZE + 1];
	unsigned char hash[HMAC_SHA1_SIZE];
	autofree char *salt64 = NULL, *hash64 = NULL;

	/* The salt need only be unpredictable: the first 20 of 40 random digits carry 80 bits. */
	random_hex(salt, HMAC_SHA1_SIZE);
	hmac_sha1(salt, HMAC_SHA1_SIZE, name, strlen(name), hash);
	salt64 = base64_encode(salt, HMAC_SHA1_SIZE, 0);
	hash64 = base64_encode(hash, sizeof(hash), 0);
	return xasprintf("|1|%s|%s", salt64, hash64);
}

char *known_hosts_line(const char *host, uint16_t port, bool hashed, const void *key, size_t len)
{
	autofree char *name = known_hosts_name(host, port);
	autofree char *shown = hashed ? hash_name(name) : xstrdup(name);
	autofree char *type = ssh_blob_type(key, len);
	autofree char *key64 = base64_encode(key, len, 0);

	return xasprintf("%s %s %s\n", shown, type ? type : "unknown", key64);
}

/* Does the file end in the middle of a line? Then ours must start with a newline. */
static bool ends_open(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int known_hosts_append(const char *path, const char *line, struct err *err)
{
	autofree char *dir = path_dirname(path);
	autofree char *text = NULL;
	autoclose int fd = -1;
	size_t len;

	if (!fs_is_dir(dir) && fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_os(err, ERR_TUNNEL, errno, "open %s", path);
	text = xasprintf("%s%s", ends_open(fd) ? "\n" : "", line);
	len = strlen(text);
	if (write(fd, text, len) != (ssize_t)len)
		return err_os(err, ERR_TUNNEL, errno, "write %s", path);
	return 0;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

char *ssh_fingerprint(const void *key, size_t len)
{
	char hex[SHA256_HEX];
	unsigned char raw[32];
	autofree char *text = NULL;

	sha256_hex(key, len, hex);
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	text = base64_encode(raw, sizeof(raw), 0);
	text[strcspn(text, "=")] = '\0';
	return xasprintf("SHA256:%s", text);
}

char *ssh_blob_type(const void *key, size_t len)
{
	uint32_t size;

	if (len < sizeof(size))
		return NULL;
	memcpy(&size, key, sizeof(size));
	size = ntohl(size);
	if (!size || size > 64 || size > len - sizeof(size))
		return NULL;
	return xstrndup((const char *)key + sizeof(size), size);
}
