/*
 * ssh_flow.c - how large a channel's window must be for its line.
 *
 * A server that has used up its window has sent the last byte of what was granted up to some time,
 * and nothing of what was granted since: when just those bytes are here and no more come, it waits
 * for a grant that is under way to it.  How much of the time goes by so says how far away it is.
 * Time in which we are the slow ones, or the sender has nothing to say, does not count: a window
 * beyond what the line needs only makes queues, and memory that is cold when its turn comes.
 */
#include "ssh_session.h"

#include "devenv/mem.h"

#include <string.h>

void ssh_flow_granted(struct ssh_flow *flow, size_t n)
{
	flow->granted += n;
	if (flow->n_marks < ARRAY_LEN(flow->marks))
		flow->marks[flow->n_marks++] = flow->granted;
}

/* A window's worth of bytes is here: what would have let them come without a pause? */
static void judge(struct ssh_flow *flow, int64_t now)
{
	int64_t all = now - flow->since, busy = all - flow->waited;

	if (flow->since && flow->waited > all / 4)
		flow->wish = flow->size / 8 * 9 * (size_t)all / (size_t)(busy > 0 ? busy : 1);
	flow->since = now;
	flow->waited = 0;
	flow->judged = flow->taken;
}

void ssh_flow_took(struct ssh_flow *flow, size_t n, int64_t now)
{
	size_t passed = 0;

	flow->taken += n;
	while (passed < flow->n_marks && flow->marks[passed] < flow->taken)
		passed++;
	if (passed) {
		flow->n_marks -= passed;
		memmove(flow->marks, flow->marks + passed, flow->n_marks * sizeof(*flow->marks));
	}
	if (flow->dry_at) {
		flow->waited += now - flow->dry_at;
		flow->dry_at = 0;
	}
	if (!flow->since || flow->taken - flow->judged >= flow->size)
		judge(flow, now);
}

void ssh_flow_dry(struct ssh_flow *flow, int64_t now)
{
	if (!flow->dry_at && flow->n_marks && flow->marks[0] == flow->taken)
		flow->dry_at = now;
}
