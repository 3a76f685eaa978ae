/* ustar.h - the header block of tar (POSIX.1-2017 pax, "ustar Interchange Format").  Private. */
#ifndef BASE_USTAR_H
#define BASE_USTAR_H

#include "devenv/tar.h"

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

/* What an extended header calls an attribute: this and its name. */
#define XATTR_KEY "SCHILY.xattr."

#endif
