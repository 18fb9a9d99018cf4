// SPDX-License-Identifier: GPL-2.0
/*
 * netlink_speed [REQUESTS [TOKENS]]
 *
 * Requests over netlink against the same through files of /dev/llm, on the default
 * model, in turn: tokens a second with so many (1000) in flight, of so many tokens
 * (16) each; then how long tokens take to their reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ways.h"

#define SOCKETS 50
/* A round takes half a second: one alone tells little. */
#define ROUNDS 21

static int requests = 1000;
static __u32 tokens = 16;

static double tokens_made(void)
{
	struct llm_info info = { 0 };
	int fd = open(LLMCTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, LLM_IOC_INFO, &info))
		fail(LLMCTL_DEVICE, strerror(errno));
	close(fd);
	return info.tokens_out;
}

static void run_files(void)
{
	struct epoll_event event = { .events = EPOLLIN }, events[64];
	int poller = epoll_create1(EPOLL_CLOEXEC), left, count, i;
	char bytes[4096];

	for (left = 0; left < requests; left++) {
		event.data.fd = file_open(tokens);
		epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
		file_begin(event.data.fd);
	}
	while (left) {
		count = epoll_wait(poller, events, 64, -1);
		for (i = 0; i < count; i++) {
			if (read(events[i].data.fd, bytes, sizeof(bytes)) > 0)
				continue;
			close(events[i].data.fd);
			left--;
		}
	}
	close(poller);
}

static void count_end(void *data, const struct llmctl_done *done)
{
	(void)done;
	--*(int *)data;
}

static void run_netlink(void)
{
	const struct llmctl_bus_handlers handlers = { .done = count_end };
	const struct llm_sampling greedy = sampling();
	const struct llmctl_submission what = submission(&greedy, tokens);
	struct epoll_event event = { .events = EPOLLIN }, events[SOCKETS];
	int poller = epoll_create1(EPOLL_CLOEXEC), left = requests, count, i;
	struct llmctl_bus *buses[SOCKETS];
	struct llmctl_error error = { 0 };
	__u32 id;

	for (i = 0; i < SOCKETS; i++) {
		if (llmctl_bus_open(&buses[i], &handlers, &left, &error))
			fail("netlink", error.text);
		event.data.ptr = buses[i];
		epoll_ctl(poller, EPOLL_CTL_ADD, llmctl_bus_fd(buses[i]), &event);
	}
	for (i = 0; i < requests; i++)
		if (llmctl_bus_submit(buses[i % SOCKETS], &what, &id, NULL, &error))
			fail("submit", error.text);
	/* What came with the answers waits in the bus. */
	for (i = 0; i < SOCKETS; i++)
		if (llmctl_bus_receive(buses[i], &error))
			fail("receive", error.text);
	while (left) {
		count = epoll_wait(poller, events, SOCKETS, -1);
		for (i = 0; i < count; i++)
			if (llmctl_bus_receive(events[i].data.ptr, &error))
				fail("receive", error.text);
	}
	close(poller);
	for (i = 0; i < SOCKETS; i++)
		llmctl_bus_close(buses[i]);
}

/* Tokens a second. */
static double measure(void (*run)(void))
{
	double made = tokens_made(), start = now();

	run();
	return (tokens_made() - made) / (now() - start);
}

static void compare_load(void)
{
	double files[ROUNDS], netlink[ROUNDS], ratios[ROUNDS];
	int i;

	/* The first of each kind makes what the others find: memory, mostly. */
	measure(run_files);
	measure(run_netlink);
	for (i = 0; i < ROUNDS; i++) {
		files[i] = measure(run_files);
		netlink[i] = measure(run_netlink);
		ratios[i] = netlink[i] / files[i];
	}
	printf("%d in flight, tokens/s, medians of %d: files %.0f, netlink %.0f\n", requests,
	       ROUNDS, percentile(files, ROUNDS, 50), percentile(netlink, ROUNDS, 50));
	printf("netlink / files, of each round: median %.3f, least %.3f, most %.3f\n",
	       percentile(ratios, ROUNDS, 50), percentile(ratios, ROUNDS, 0),
	       percentile(ratios, ROUNDS, 100));
}

int main(int argc, char **argv)
{
	struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };

	if (argc > 1)
		requests = atoi(argv[1]);
	if (argc > 2)
		tokens = atoi(argv[2]);
	if (requests < 1 || requests > 1000 || !tokens)
		fail("usage", "netlink_speed [REQUESTS [TOKENS]], at most 1000");
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("setrlimit", strerror(errno));
	compare_load();
	compare_latency();
	return 0;
}
