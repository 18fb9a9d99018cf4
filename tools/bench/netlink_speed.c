// SPDX-License-Identifier: GPL-2.0
/*
 * netlink_speed [REQUESTS [TOKENS]]
 *
 * Requests over netlink against the same through files of /dev/llm, on the default
 * model, in turn: tokens a second with so many (1000) in flight, of so many tokens
 * (16) each; then how long one takes from its submission to its first token.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <llmctl_netlink.h>

#define PROMPT "In the beginning"
#define SOCKETS 50
#define ROUNDS 5
#define SINGLES 400

static int requests = 1000;
static __u32 tokens = 16;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "netlink_speed: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static double tokens_made(void)
{
	struct llm_info info = { 0 };
	int fd = open(LLMCTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, LLM_IOC_INFO, &info))
		fail(LLMCTL_DEVICE, strerror(errno));
	close(fd);
	return info.tokens_out;
}

/* A session that makes the likeliest tokens, so many of them. */
static int open_file(__u32 max_tokens)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_RAW, .max_tokens = max_tokens, .raw = 1,
	};
	struct llm_sampling sampling = { .set = LLM_SAMPLING_TEMPERATURE };
	int fd = open(LLMCTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, LLM_IOC_SETUP, &setup) || ioctl(fd, LLM_IOC_SAMPLING, &sampling))
		fail(LLMCTL_DEVICE, strerror(errno));
	return fd;
}

static void begin_file(int fd)
{
	struct llm_start start = { 0 };

	if (write(fd, PROMPT, strlen(PROMPT)) < 0 || ioctl(fd, LLM_IOC_START, &start))
		fail("start", strerror(errno));
}

static void run_files(void)
{
	struct epoll_event event = { .events = EPOLLIN }, events[64];
	int poller = epoll_create1(EPOLL_CLOEXEC), left, count, i;
	char bytes[4096];

	for (left = 0; left < requests; left++) {
		event.data.fd = open_file(tokens);
		epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
		begin_file(event.data.fd);
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

static void note_token(void *data, __u32 id, const void *bytes, size_t length)
{
	double *time = data;

	(void)id;
	(void)bytes;
	if (length && !*time)
		*time = now();
}

static const struct llm_sampling greedy = { .set = LLM_SAMPLING_TEMPERATURE };

static struct llmctl_submission submission(__u32 max_tokens)
{
	return (struct llmctl_submission){
		.text = PROMPT, .length = strlen(PROMPT), .max_tokens = max_tokens, .raw = 1,
		.sampling = &greedy,
	};
}

static void run_netlink(void)
{
	const struct llmctl_bus_handlers handlers = { .done = count_end };
	const struct llmctl_submission what = submission(tokens);
	struct llmctl_bus *buses[SOCKETS];
	struct pollfd pollers[SOCKETS];
	struct llmctl_error error = { 0 };
	int left = requests, i;
	__u32 id;

	for (i = 0; i < SOCKETS; i++) {
		if (llmctl_bus_open(&buses[i], &handlers, &left, &error))
			fail("netlink", error.text);
		pollers[i] = (struct pollfd){ llmctl_bus_fd(buses[i]), POLLIN, 0 };
	}
	for (i = 0; i < requests; i++)
		if (llmctl_bus_submit(buses[i % SOCKETS], &what, &id, NULL, &error))
			fail("submit", error.text);
	/* What came with the answers waits in the bus. */
	for (i = 0; i < SOCKETS; i++)
		pollers[i].revents = POLLIN;
	while (left) {
		for (i = 0; i < SOCKETS; i++)
			if (pollers[i].revents && llmctl_bus_receive(buses[i], &error))
				fail("receive", error.text);
		if (left)
			poll(pollers, SOCKETS, -1);
	}
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

/* Seconds from a submission to the first token. */
static double single_file(void)
{
	int fd = open_file(1);
	double start = now();
	char bytes[64];

	begin_file(fd);
	if (read(fd, bytes, sizeof(bytes)) < 0)
		fail("read", strerror(errno));
	start = now() - start;
	close(fd);
	return start;
}

static double single_netlink(struct llmctl_bus *bus, double *came)
{
	struct pollfd poller = { llmctl_bus_fd(bus), POLLIN, 0 };
	struct llmctl_submission what = submission(1);
	struct llmctl_error error = { 0 };
	double start;
	__u32 id;

	if (llmctl_bus_session(bus, &what, &what.session, &error))
		fail("session", error.text);
	*came = 0;
	start = now();
	if (llmctl_bus_submit(bus, &what, &id, NULL, &error))
		fail("submit", error.text);
	while (!llmctl_bus_receive(bus, &error) && !*came)
		poll(&poller, 1, -1);
	return *came - start;
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static double percentile(double *values, int count, int percent)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(count - 1) * percent / 100];
}

static void measure_load(void)
{
	double files[ROUNDS], netlink[ROUNDS];
	double file, message;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		files[i] = measure(run_files);
		netlink[i] = measure(run_netlink);
	}
	file = percentile(files, ROUNDS, 50);
	message = percentile(netlink, ROUNDS, 50);
	printf("%d in flight, tokens/s: files %.0f, netlink %.0f, ratio %.3f\n", requests, file,
	       message, message / file);
}

static void measure_singles(void)
{
	const struct llmctl_bus_handlers handlers = { .token = note_token };
	static double files[SINGLES], netlink[SINGLES];
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	double came;
	int i = 0;

	while (i < SINGLES) {
		/* A bus of its own for each hundred, whose sessions go with it. */
		if (llmctl_bus_open(&bus, &handlers, &came, &error))
			fail("netlink", error.text);
		do {
			files[i] = single_file() * 1e6;
			netlink[i] = single_netlink(bus, &came) * 1e6;
		} while (++i % 100 && i < SINGLES);
		llmctl_bus_close(bus);
	}
	for (i = 50; i <= 99; i += 49)
		printf("first token, %d %%, us: files %.0f, netlink %.0f, added %.0f\n", i,
		       percentile(files, SINGLES, i), percentile(netlink, SINGLES, i),
		       percentile(netlink, SINGLES, i) - percentile(files, SINGLES, i));
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
	measure_load();
	measure_singles();
	return 0;
}
