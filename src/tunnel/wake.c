/*
 * wake.c - the machine has slept, its clock was set, or its network is another: probe at once.
 *
 * A session that died meanwhile looks as alive as before, for no time has passed for it.  The
 * kernel tells of each through a descriptor: timerfd_create(2) of its clock's jumps, on resuming
 * too, rtnetlink(7) of links, addresses and routes.
 */
#include "devenv/clock.h"
#include "devenv/mem.h"
#include "loop.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CALM_MS 1000 /* a change of networks is a burst of news */

static void arm(int fd)
{
	/* A time that never comes: only the clock's jumps end the waiting for it. */
	const struct itimerspec never = {.it_value.tv_sec = (time_t)1 << 40};

	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

void wake_open(struct wake *wake)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};

	wake->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (wake->clock >= 0)
		arm(wake->clock);
	wake->network = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (wake->network >= 0 &&
		bind(wake->network, (struct sockaddr *)&address, sizeof(address)) < 0)
		cleanup_close(&wake->network);
}

void wake_close(struct wake *wake)
{
	cleanup_close(&wake->clock);
	cleanup_close(&wake->network);
}

struct pollfd *wake_watch(struct wake *wake, struct pollfd *at)
{
	wake->clock_pfd = loop_watch(&at, wake->clock, POLLIN);
	wake->network_pfd = loop_watch(&at, wake->network, POLLIN);
	return at;
}

void wake_hear(struct loop *loop)
{
	struct wake *wake = &loop->wake;
	int64_t now = clock_ms();

	if (!wake->clock_pfd->revents && !wake->network_pfd->revents)
		return;
	if (wake->clock_pfd->revents)
		arm(wake->clock);
	while (wake->network_pfd->revents &&
		recv(wake->network, loop->chunk, LOOP_READ, MSG_DONTWAIT) > 0)
		;
	if (wake->heard && now < wake->heard + CALM_MS)
		return;
	wake->heard = now;
	for (size_t i = 0; i < loop->n_links; i++)
		link_wake(loop->links[i]);
}
