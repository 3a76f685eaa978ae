/* masking.c - what a snapshot's config says of production data and its masking. */
#include "devenv/masking.h"

#include "devenv/fs.h"
#include "devenv/hash.h"
#include "devenv/str.h"

#include <string.h>

#define RULES_MAX ((size_t)16 << 20)

bool masking_lacks(const json_t *config)
{
	const json_t *masking = json_object_get(config, "masking");
	const char *sha256 = json_str(masking, "sha256");
	unsigned char digest[SHA256_SIZE];

	return json_bool(config, "production") &&
	       (str_empty(json_str(masking, "rules")) || !sha256 ||
		       !hex_decode(sha256, digest, sizeof(digest)));
}

json_t *masking_of_file(const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RULES_MAX);
	char hex[SHA256_HEX];
	json_t *masking;

	if (fs_read(path, &text, ERR_SNAPSHOT, err) < 0) {
		err_wrap(err, "masking rules");
		return NULL;
	}
	if (strspn(buf_str(&text), " \t\r\n") == text.len) {
		err_set(err, ERR_SNAPSHOT, "the masking rules %s are empty", path);
		return NULL;
	}
	sha256_hex(buf_str(&text), text.len, hex);
	masking = json_pack("{s:s}", "sha256", hex);
	json_setf(masking, "rules", "%s", path_basename(path));
	return masking;
}
