/* tar.h - the header block of tar, shared by the writer and the reader.  Private to src/base. */
#ifndef BASE_TAR_H
#define BASE_TAR_H

#define TAR_BLOCK 512

/* POSIX.1-2017 pax, "ustar Interchange Format". */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

#endif
