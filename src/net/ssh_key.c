/*
 * ssh_key.c - private key files: OpenSSH's format (PROTOCOL.key) and PEM.
 *
 * Only as much is read as choosing a key needs: its public half, whether it is encrypted, and for
 * RSA the numbers to sign with (see crypto.h).  ed25519 and ecdsa files are left to libssh2.
 */
#include "ssh_session.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/mem.h"
#include "devenv/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_LIMIT ((size_t)64 << 10)
#define BLOB_LIMIT ((size_t)16 << 10)
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_END "-----END OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1"

static int check_mode(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_os(err, ERR_TUNNEL, errno, "key file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_TUNNEL, "key file %s is not a file", path);
	if (st.st_uid == getuid() && (st.st_mode & 077))
		return err_set(err, ERR_TUNNEL,
			"key file %s can be read by others (mode %04o): run \"chmod 600 %s\"", path,
			(unsigned)(st.st_mode & 07777), path);
	return 0;
}

/* The text between the markers, decoded. The caller's. */
static char *decode_openssh(const char *text, size_t *len)
{
	const char *begin = strstr(text, OPENSSH_BEGIN);
	const char *end = begin ? strstr(begin, OPENSSH_END) : NULL;
	autobuf struct buf clean = BUF_INIT(KEY_LIMIT);

	if (!end)
		return NULL;
	for (begin += strlen(OPENSSH_BEGIN); begin < end; begin++) {
		if (!strchr(" \t\r\n", *begin))
			buf_addch(&clean, *begin);
	}
	return base64_decode(buf_str(&clean), len);
}

static int read_openssh_rsa(
	struct ssh_key *key, const unsigned char *data, size_t len, struct err *err)
{
	struct ssh_reader in = {data, len, false};
	struct rsa_number n, e, d;
	size_t type_len;

	ssh_read_u32(&in); /* twice the same number: they tell a wrong passphrase */
	ssh_read_u32(&in);
	ssh_read_string(&in, &type_len);
	n.data = ssh_read_string(&in, &n.len);
	e.data = ssh_read_string(&in, &e.len);
	d.data = ssh_read_string(&in, &d.len);
	if (in.bad)
		return err_set(err, ERR_TUNNEL, "key file %s is damaged", key->path);
	key->signer = rsa_key_from_numbers(n, e, d, err);
	return key->signer ? 0 : err_wrap(err, "key file %s", key->path);
}

static int read_openssh(struct ssh_key *key, const char *text, struct err *err)
{
	size_t len = 0, cipher_len, skipped, blob_len, private_len;
	autofree char *raw = decode_openssh(text, &len);
	const unsigned char *cipher, *blob, *private_part;
	autofree char *type = NULL;
	struct ssh_reader in;

	if (!raw || len < sizeof(OPENSSH_MAGIC) ||
		memcmp(raw, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)) != 0)
		return err_set(err, ERR_TUNNEL, "key file %s is damaged", key->path);
	in = (struct ssh_reader){
		(unsigned char *)raw + sizeof(OPENSSH_MAGIC), len - sizeof(OPENSSH_MAGIC), false};
	cipher = ssh_read_string(&in, &cipher_len);
	ssh_read_string(&in, &skipped); /* kdf */
	ssh_read_string(&in, &skipped); /* its options */
	ssh_read_u32(&in);              /* number of keys: always 1 */
	blob = ssh_read_string(&in, &blob_len);
	private_part = ssh_read_string(&in, &private_len);
	if (in.bad)
		return err_set(err, ERR_TUNNEL, "key file %s is damaged", key->path);
	key->openssh = true;
	key->encrypted = cipher_len != 4 || memcmp(cipher, "none", 4) != 0;
	buf_add(&key->blob, blob, blob_len);
	type = ssh_blob_type(blob, blob_len);
	key->rsa = str_eq(type, "ssh-rsa");
	if (key->rsa && !key->encrypted)
		return read_openssh_rsa(key, private_part, private_len, err);
	return 0;
}

static void put_number(struct buf *blob, const struct buf *number)
{
	bool high = number->len && ((unsigned char)number->data[0] & 0x80);

	ssh_put_u32(blob, (uint32_t)(number->len + high));
	if (high)
		buf_addch(blob, '\0');
	buf_add(blob, number->data, number->len);
}

/* The ssh-rsa blob of a PEM key: string type, mpint e, mpint n. */
static void make_rsa_blob(struct ssh_key *key)
{
	autobuf struct buf n = BUF_INIT(BLOB_LIMIT), e = BUF_INIT(BLOB_LIMIT);

	rsa_key_modulus(key->signer, &n);
	rsa_key_exponent(key->signer, &e);
	buf_reset(&key->blob);
	ssh_put_string(&key->blob, "ssh-rsa", strlen("ssh-rsa"));
	put_number(&key->blob, &e);
	put_number(&key->blob, &n);
}

static int read_pem(
	struct ssh_key *key, const char *text, size_t len, const char *passphrase, struct err *err)
{
	key->signer = rsa_key_from_pem(text, len, passphrase, err);
	if (!key->signer)
		return err_wrap(err, "key file %s", key->path);
	key->rsa = true;
	make_rsa_blob(key);
	return 0;
}

static int open_pem(struct ssh_key *key, const char *text, size_t len)
{
	struct err ignored = ERR_INIT;

	key->encrypted = strstr(text, "ENCRYPTED") != NULL;
	key->rsa = strstr(text, "BEGIN RSA ") || strstr(text, "BEGIN ENCRYPTED PRIVATE KEY");
	if (!key->encrypted)
		read_pem(key, text, len, NULL, &ignored); /* no RSA key: libssh2 reads it */
	return 0;
}

/* A public half beside the key, PATH.pub: lets an agent's key be found without the passphrase. */
static void read_public(struct ssh_key *key)
{
	autofree char *path = xasprintf("%s.pub", key->path);
	autobuf struct buf text = BUF_INIT(KEY_LIMIT);
	autostrv struct strv fields = STRV_INIT;
	autofree char *blob = NULL;
	struct err ignored = ERR_INIT;
	size_t len = 0;

	if (key->blob.len || !fs_is_file(path) || fs_read(path, &text, ERR_TUNNEL, &ignored) < 0)
		return;
	strv_split(&fields, buf_str(&text), ' ');
	if (fields.n < 2)
		return;
	blob = base64_decode(str_trim(fields.v[1]), &len);
	if (blob)
		buf_add(&key->blob, blob, len);
}

int ssh_key_open(struct ssh_key *key, const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(KEY_LIMIT);
	int rc;

	*key = (struct ssh_key){.path = xstrdup(path), .blob = BUF_INIT(BLOB_LIMIT)};
	if (check_mode(path, err) < 0 || fs_read(path, &text, ERR_TUNNEL, err) < 0) {
		rc = -1;
	} else if (strstr(buf_str(&text), OPENSSH_BEGIN)) {
		rc = read_openssh(key, buf_str(&text), err);
	} else if (strstr(buf_str(&text), "PRIVATE KEY-----")) {
		rc = open_pem(key, buf_str(&text), text.len);
	} else {
		rc = err_set(err, ERR_TUNNEL, "%s is no private key", path);
	}
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (rc < 0) {
		ssh_key_release(key);
		return -1;
	}
	read_public(key);
	return 0;
}

int ssh_key_unlock(struct ssh_key *key, const char *passphrase, struct err *err)
{
	autobuf struct buf text = BUF_INIT(KEY_LIMIT);
	int rc;

	if (key->signer)
		return 0;
	if (key->openssh)
		return err_set(err, ERR_TUNNEL,
			"the encrypted RSA key %s needs the agent here: run \"ssh-add %s\"",
			key->path, key->path);
	if (fs_read(key->path, &text, ERR_TUNNEL, err) < 0)
		return -1;
	rc = read_pem(key, text.data, text.len, passphrase, err);
	explicit_bzero(text.data, text.len);
	return rc;
}

void ssh_key_release(struct ssh_key *key)
{
	free(key->path);
	buf_release(&key->blob);
	rsa_key_free(key->signer);
	*key = (struct ssh_key){0};
}
