/*
 * replay.c - main() of a fuzz target without libFuzzer: run it on every file that is named.
 *
 * usage: TARGET FILE...      prints "FILE" before each, and at the end "N inputs"
 */
#include "fuzz.h"

#include "devenv/buf.h"
#include "devenv/fs.h"

#include <stdio.h>

#define INPUT_MAX ((size_t)1 << 20)

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf input = BUF_INIT(INPUT_MAX);
		struct err err = ERR_INIT;

		puts(argv[i]);
		fflush(stdout);
		if (fs_read(argv[i], &input, ERR_FAILED, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&input), input.len);
		buf_release(&input);
	}
	printf("%d inputs\n", argc - 1);
	return argc < 2;
}
