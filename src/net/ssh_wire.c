/* ssh_wire.c - strings and numbers as SSH writes them (RFC 4251 section 5). */
#include "ssh_session.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char *take(struct ssh_reader *in, size_t len)
{
	const unsigned char *at = in->at;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	in->at += len;
	in->left -= len;
	return at;
}

uint32_t ssh_read_u32(struct ssh_reader *in)
{
	const unsigned char *at = take(in, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, 4);
	return ntohl(value);
}

uint8_t ssh_read_u8(struct ssh_reader *in)
{
	const unsigned char *at = take(in, 1);

	return at ? *at : 0;
}

const unsigned char *ssh_read_string(struct ssh_reader *in, size_t *len)
{
	uint32_t size = ssh_read_u32(in);
	const unsigned char *at = take(in, size);

	*len = at ? size : 0;
	return at;
}

int ssh_blob_rsa_bits(const void *blob, size_t len)
{
	struct ssh_reader in = {blob, len, false};
	size_t type_len, number_len;
	const unsigned char *type = ssh_read_string(&in, &type_len), *number;
	int bits;

	if (!type || type_len != strlen("ssh-rsa") || memcmp(type, "ssh-rsa", type_len) != 0)
		return 0;
	ssh_read_string(&in, &number_len); /* the exponent */
	number = ssh_read_string(&in, &number_len);
	while (number_len && !*number) {
		number++;
		number_len--;
	}
	bits = (int)number_len * 8;
	for (int high = number_len ? *number : 0x80; !(high & 0x80); high <<= 1)
		bits--;
	return bits;
}

void ssh_put_u32(struct buf *out, uint32_t value)
{
	uint32_t wire = htonl(value);

	buf_add(out, &wire, sizeof(wire));
}

void ssh_put_string(struct buf *out, const void *data, size_t len)
{
	ssh_put_u32(out, (uint32_t)len);
	buf_add(out, data, len);
}
