/*
 * fuzz.h - what the fuzz targets share: an input cut into files that exist only in memory.
 *
 * A target is one file with LLVMFuzzerTestOneInput() (llvm.org/docs/LibFuzzer.html).  The linker
 * leads every open64(), stat64(), lstat64(), realpath() and glob64() of the program here (--wrap),
 * and only the files of the input are there: whatever path a fuzzer makes up, nothing outside is
 * touched.  Nor does anything leave the machine: getaddrinfo() and proc_run() lead here too, and no
 * target calls what connects.
 *
 *	struct parts parts;
 *	parts_cut(data, size, &parts);
 *	files_show(names, &parts);	... load "/fuzz/compose.yaml" ...
 *	files_hide();
 *	parts_release(&parts);
 */
#ifndef DEVENV_FUZZ_H
#define DEVENV_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_DIR "/fuzz"
#define PARTS_MAX 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, cut at each line that is "%%"; every part is NUL-terminated. */
struct parts {
	char *text[PARTS_MAX];
	size_t len[PARTS_MAX];
	size_t n; /* at least 1 */
};

void parts_cut(const uint8_t *data, size_t size, struct parts *parts);
void parts_release(struct parts *parts);

/*
 * From here on the only files are those of `parts`: the first is names[0], and so on. Absolute
 * paths, at least PARTS_MAX. The environment becomes a fixed one.
 */
void files_show(const char *const *names, const struct parts *parts);
void files_hide(void);

#endif
