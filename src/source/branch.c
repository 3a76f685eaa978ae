/* branch.c - which branch of a git repository is checked out. */
#include "devenv/source.h"

#include "devenv/mem.h"
#include "devenv/proc.h"
#include "devenv/str.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LIMIT 4096

/* One line of git's output, the caller's; NULL: it has none to say. */
static int ask_git(const char *dir, const char *const *words, char **line, struct err *err)
{
	/* A hook of another folder's repository must not decide which one we look into. */
	const char *argv[16] = {"env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "git", "-C", dir};
	autobuf struct buf out = BUF_INIT(NAME_LIMIT), said = BUF_INIT(NAME_LIMIT);
	size_t n = 8;
	int status;

	for (; *words; words++)
		argv[n++] = *words;
	status = proc_run(&(struct proc_spec){.argv = argv}, &out, &said, err);
	if (status < 0)
		return -1;
	if (status > 1)
		return err_set(err, ERR_FAILED, "git: %.*s", (int)strcspn(buf_str(&said), "\n"),
			buf_str(&said));
	*line = status == 0 && out.len ? xstrndup(buf_str(&out), strcspn(buf_str(&out), "\n"))
				       : NULL;
	return 0;
}

int source_branch(const char *dir, char **branch, char **previous, struct err *err)
{
	static const char *const head[] = {"symbolic-ref", "--quiet", "--short", "HEAD", NULL};
	static const char *const before[] = {
		"rev-parse", "--quiet", "--verify", "--abbrev-ref", "@{-1}", NULL};
	struct err ignored = ERR_INIT;

	*branch = *previous = NULL;
	if (ask_git(dir, head, branch, err) < 0)
		return err_wrap(err, "ask for the branch of %s", dir);
	ask_git(dir, before, previous, &ignored);
	if (str_empty(*previous)) {
		free(*previous);
		*previous = NULL;
	}
	return 0;
}
