// SPDX-License-Identifier: GPL-2.0
/*
 * How long a token takes to its reader: the first one of a reply from when that was
 * asked for, each from when the kernel made it, which a tracepoint tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ways.h"

#define TRACING "/sys/kernel/tracing/"
/* Of a stream, which must fit the context. */
#define TOKENS 200
#define STREAMS 40

/**
 * struct stream - one reply as its reader saw it; seconds
 * @session: number of its session
 * @asked: when it was asked for
 * @reads: when bytes came
 * @bytes: how many had come then
 * @count: how often they did
 * @made: when each token was made
 */
struct stream {
	__u64 session;
	double asked;
	double reads[TOKENS];
	size_t bytes[TOKENS];
	size_t count;
	double made[TOKENS];
};

/**
 * struct figures - of all streams of one way; microseconds
 * @first: from asking to the first token
 * @later: from making to reading, of the others
 * @first_count: how many
 * @later_count: how many
 */
struct figures {
	double first[STREAMS];
	double later[STREAMS * TOKENS];
	int first_count;
	int later_count;
};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path, strerror(errno));
	close(fd);
}

/* A choice of tokens that is always the same one, so that bytes tell how many came. */
static struct llm_sampling one_token(struct llm_bias *bias)
{
	struct llm_sampling how = sampling();
	__u32 tokens[16];
	struct llm_tokenize args = {
		.text = (uintptr_t)"the the", .text_length = 7,
		.tokens = (uintptr_t)tokens, .tokens_count = 16,
	};
	int fd = file_open(1);

	if (ioctl(fd, LLM_IOC_TOKENIZE, &args) || !args.tokens_count)
		fail("tokenize", strerror(errno));
	close(fd);
	*bias = (struct llm_bias){
		.token = tokens[args.tokens_count - 1], .bias = 100 * LLM_FIXED_ONE,
	};
	how.set |= LLM_SAMPLING_BIASES;
	how.biases = (uintptr_t)bias;
	how.biases_count = 1;
	return how;
}

static void note(struct stream *stream, size_t length)
{
	size_t i = stream->count++;

	if (i == TOKENS)
		fail("stream", "more tokens came than were asked for");
	stream->reads[i] = now();
	stream->bytes[i] = length + (i ? stream->bytes[i - 1] : 0);
}

static void stream_file(const struct llm_sampling *how, struct stream *stream)
{
	struct llm_session_info info = { 0 };
	struct llm_sampling same = *how;
	int fd = file_open(TOKENS);
	char bytes[4096];
	ssize_t length;

	if (ioctl(fd, LLM_IOC_SAMPLING, &same) || ioctl(fd, LLM_IOC_STATUS, &info))
		fail("session", strerror(errno));
	stream->session = info.id;
	stream->asked = now();
	file_begin(fd);
	while ((length = read(fd, bytes, sizeof(bytes))) > 0)
		note(stream, length);
	close(fd);
}

/**
 * struct listener - what a bus tells
 * @stream: to whom
 * @over: whether it has ended
 */
struct listener {
	struct stream *stream;
	int over;
};

static void on_token(void *data, __u32 id, const void *bytes, size_t length)
{
	(void)id;
	(void)bytes;
	note(((struct listener *)data)->stream, length);
}

static void on_done(void *data, const struct llmctl_done *done)
{
	(void)done;
	((struct listener *)data)->over = 1;
}

static void stream_netlink(const struct llm_sampling *how, struct stream *stream)
{
	const struct llmctl_bus_handlers handlers = { .token = on_token, .done = on_done };
	struct llmctl_submission what = submission(how, TOKENS);
	struct listener listener = { .stream = stream };
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	__u32 id;

	if (llmctl_bus_open(&bus, &handlers, &listener, &error) ||
	    llmctl_bus_session(bus, &what, &stream->session, &error))
		fail("netlink", error.text);
	what.session = stream->session;
	stream->asked = now();
	if (llmctl_bus_submit(bus, &what, &id, NULL, &error))
		fail("submit", error.text);
	while (!llmctl_bus_receive(bus, &error) && !listener.over)
		poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN, 0 }, 1, -1);
	if (error.code)
		fail("receive", error.text);
	llmctl_bus_close(bus);
}

/* When the tokens of a stream were made. */
static void read_trace(struct stream *stream)
{
	FILE *file = fopen(TRACING "trace", "re");
	unsigned long long session;
	unsigned int number;
	char line[512];
	double time;

	if (!file)
		fail(TRACING "trace", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char *event = strstr(line, ": llm_token:");

		if (!event)
			continue;
		*event = '\0';
		time = atof(strrchr(line, ' ') + 1);
		if (sscanf(event + 13, "session=%llu number=%u", &session, &number) == 2 &&
		    session == stream->session && number && number <= TOKENS)
			stream->made[number - 1] = time;
	}
	fclose(file);
}

/* All tokens have equally many bytes. */
static void add(const struct stream *stream, struct figures *figures)
{
	size_t piece = stream->bytes[stream->count - 1] / TOKENS;
	size_t i, read = 0;

	figures->first[figures->first_count++] = (stream->reads[0] - stream->asked) * 1e6;
	for (i = 1; i < TOKENS; i++) {
		while (stream->bytes[read] < (i + 1) * piece)
			read++;
		if (stream->made[i] > 0)
			figures->later[figures->later_count++] =
				(stream->reads[read] - stream->made[i]) * 1e6;
	}
}

static void measure(void (*run)(const struct llm_sampling *how, struct stream *stream),
		    const struct llm_sampling *how, struct figures *figures)
{
	static struct stream stream;

	memset(&stream, 0, sizeof(stream));
	put(TRACING "trace", "");
	run(how, &stream);
	read_trace(&stream);
	add(&stream, figures);
}

static void print(const char *what, double *files, int file_count, double *netlink,
		  int netlink_count)
{
	static const int percents[] = { 50, 99 };
	size_t i;

	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		double file = percentile(files, file_count, percents[i]);
		double message = percentile(netlink, netlink_count, percents[i]);

		printf("%s, %d %%, us: files %.0f, netlink %.0f, added %.0f\n", what, percents[i],
		       file, message, message - file);
	}
}

void compare_latency(void)
{
	static struct figures files, netlink;
	struct llm_bias bias;
	struct llm_sampling how = one_token(&bias);
	int i;

	put(TRACING "trace_clock", "mono");
	put(TRACING "events/llm/llm_token/enable", "1");
	for (i = 0; i < STREAMS; i++) {
		measure(stream_file, &how, &files);
		measure(stream_netlink, &how, &netlink);
	}
	put(TRACING "events/llm/llm_token/enable", "0");
	print("first token, from asking", files.first, files.first_count, netlink.first,
	      netlink.first_count);
	print("later tokens, from making", files.later, files.later_count, netlink.later,
	      netlink.later_count);
}
