/*
 * main.c - devenv.  Everything is in src/cli/main.c, so that tests can link it.
 */
#include "devenv/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
