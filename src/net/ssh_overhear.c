/*
 * ssh_overhear.c - what a server says that libssh2 takes in and does not pass on.
 *
 * A refused login names the methods that may continue it, and says whether it was accepted in part
 * (RFC 4252 section 5.1); a refused channel has a reason in words (RFC 4254 section 5.1), which
 * tell an unknown name from a dead database.  No libssh2 has a function for either.  But each
 * packet, decrypted, goes back to the allocator that the application names, and there it is read.
 */
#include "ssh_session.h"

#include "devenv/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 4 /* RFC 4254 section 5.1 */
#define WORDS_MAX ((size_t)4 << 10)

static char *words(const unsigned char *text, size_t len)
{
	return text && len < WORDS_MAX ? xstrndup((const char *)text, len) : NULL;
}

static void on_login_refused(struct ssh_overheard *heard, struct ssh_reader *in)
{
	size_t len = 0;
	const unsigned char *methods = ssh_read_string(in, &len);
	bool partial = ssh_read_u8(in) != 0;

	if (in->bad)
		return;
	free(heard->words);
	heard->words = words(methods, len);
	heard->partial = partial;
}

static void on_channel_refused(struct ssh_overheard *heard, struct ssh_reader *in)
{
	size_t len = 0;
	const unsigned char *why;
	uint32_t reason;

	ssh_read_u32(in); /* the channel */
	reason = ssh_read_u32(in);
	why = ssh_read_string(in, &len);
	if (in->bad || !reason || reason > REASON_MAX)
		return;
	free(heard->words);
	heard->words = words(why, len);
}

void ssh_overhear(struct ssh *ssh, uint8_t message)
{
	free(ssh->overheard.words);
	ssh->overheard = (struct ssh_overheard){.wanted = message};
}

/* === the allocator === */

void *ssh_overhear_alloc(size_t size, void **abstract)
{
	return malloc(size);
}

void *ssh_overhear_realloc(void *block, size_t size, void **abstract)
{
	return realloc(block, size);
}

void ssh_overhear_free(void *block, void **abstract)
{
	struct ssh *ssh = *abstract;
	/*
	 * At least as long as the packet; what follows it is bounded by the packet's own lengths.
	 */
	struct ssh_reader in = {block, malloc_usable_size(block), false};

	if (block && ssh && ssh->overheard.wanted && ssh_read_u8(&in) == ssh->overheard.wanted) {
		if (ssh->overheard.wanted == SSH_MSG_USERAUTH_FAILURE)
			on_login_refused(&ssh->overheard, &in);
		else
			on_channel_refused(&ssh->overheard, &in);
	}
	/* Passwords among them. */
	if (block && ssh && ssh->state == SSH_LOGIN)
		explicit_bzero(block, malloc_usable_size(block));
	free(block);
}
