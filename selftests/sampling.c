// SPDX-License-Identifier: GPL-2.0
/* How tokens are chosen and why a reply ends. */
#include <fcntl.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "sampling"
#define PROMPT "the ships go north"
#define ROOM 16384
#define FIXED(x) ((__s32)((x) * LLM_FIXED_ONE))

FIXTURE(sampling)
{
	struct device_image image;
	char first[ROOM];
	char second[ROOM];
};

FIXTURE_SETUP(sampling)
{
	device_image_make(&self->image, 7);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
}

FIXTURE_TEARDOWN_PARENT(sampling)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* A reply with these parameters, on a session of its own. */
static ssize_t ask(const struct device_image *image, const struct llm_sampling *sampling,
		   __u32 max_tokens, char *reply, struct llm_session_info *info)
{
	struct llm_sampling copy = *sampling;
	int fd = device_session(MODEL, image, max_tokens);
	ssize_t got = fd;

	if (fd >= 0)
		got = device_ioctl(fd, LLM_IOC_SAMPLING, &copy);
	if (got >= 0)
		got = device_ask(fd, PROMPT, reply, ROOM);
	if (got >= 0 && info)
		*info = device_status(fd);
	if (fd >= 0)
		close(fd);
	return got;
}

static struct llm_sampling seeded(__u64 seed)
{
	return (struct llm_sampling) {
		.set = LLM_SAMPLING_TEMPERATURE | LLM_SAMPLING_SEED,
		.temperature = FIXED(1),
		.seed = seed,
	};
}

TEST_F(sampling, same_seed_same_reply)
{
	const struct llm_sampling sampling = seeded(42);
	struct llm_session_info info;

	ASSERT_LT(0, ask(&self->image, &sampling, 60, self->first, &info));
	ASSERT_LT(0, ask(&self->image, &sampling, 60, self->second, NULL));
	EXPECT_STREQ(self->first, self->second);
	EXPECT_EQ(42, info.seed);
}

TEST_F(sampling, other_seed_other_reply)
{
	const struct llm_sampling one = seeded(42);
	const struct llm_sampling two = seeded(43);

	ASSERT_LT(0, ask(&self->image, &one, 60, self->first, NULL));
	ASSERT_LT(0, ask(&self->image, &two, 60, self->second, NULL));
	EXPECT_STRNE(self->first, self->second);
}

TEST_F(sampling, reported_seed_repeats_an_unseeded_reply)
{
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_TEMPERATURE,
		.temperature = FIXED(1),
	};
	int fd = device_open(O_RDWR);
	struct llm_session_info info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_model(fd, MODEL));
	ASSERT_EQ(0, device_max_tokens(fd, 60));
	ASSERT_EQ(0, device_endless(fd, &self->image));
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	ASSERT_LT(0, device_ask(fd, PROMPT, self->first, ROOM));
	info = device_status(fd);
	sampling = seeded(info.seed);
	ASSERT_LT(0, ask(&self->image, &sampling, 60, self->second, NULL));
	EXPECT_STREQ(self->first, self->second);
}

TEST_F(sampling, temperature_0_needs_no_seed)
{
	struct llm_sampling sampling = seeded(1);

	sampling.temperature = 0;
	ASSERT_LT(0, ask(&self->image, &sampling, 60, self->first, NULL));
	sampling.seed = 2;
	ASSERT_LT(0, ask(&self->image, &sampling, 60, self->second, NULL));
	EXPECT_STREQ(self->first, self->second);
}

/* Each of these leaves the likeliest token alone, whatever the temperature. */
TEST_F(sampling, one_candidate_is_the_likeliest)
{
	const struct llm_sampling greedy = {
		.set = LLM_SAMPLING_TEMPERATURE,
	};
	const struct llm_sampling narrow[] = {
		{ .set = LLM_SAMPLING_TOP_K, .top_k = 1 },
		{ .set = LLM_SAMPLING_TOP_P, .top_p = 0 },
		{ .set = LLM_SAMPLING_MIN_P, .min_p = FIXED(1) },
	};

	ASSERT_LT(0, ask(&self->image, &greedy, 60, self->first, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++) {
		struct llm_sampling sampling = narrow[i];

		sampling.set |= LLM_SAMPLING_TEMPERATURE | LLM_SAMPLING_SEED;
		sampling.temperature = FIXED(50);
		sampling.seed = 5;
		ASSERT_LT(0, ask(&self->image, &sampling, 60, self->second, NULL));
		EXPECT_STREQ(self->first, self->second) TH_LOG("parameter %zu", i);
	}
}

TEST_F(sampling, penalties_change_the_reply)
{
	const struct llm_sampling greedy = { .set = LLM_SAMPLING_TEMPERATURE };
	const struct llm_sampling penalised[] = {
		{ .set = LLM_SAMPLING_REPEAT, .repeat = FIXED(10) },
		{ .set = LLM_SAMPLING_PRESENCE, .presence = FIXED(10) },
		{ .set = LLM_SAMPLING_FREQUENCY, .frequency = FIXED(10) },
	};

	ASSERT_LT(0, ask(&self->image, &greedy, 200, self->first, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(penalised); i++) {
		struct llm_sampling sampling = penalised[i];

		ASSERT_LT(0, ask(&self->image, &sampling, 200, self->second, NULL));
		EXPECT_STRNE(self->first, self->second) TH_LOG("penalty %zu", i);
		sampling.set |= LLM_SAMPLING_LAST_N;
		ASSERT_LT(0, ask(&self->image, &sampling, 200, self->second, NULL));
		EXPECT_STREQ(self->first, self->second)
			TH_LOG("penalty %zu does something with last_n 0", i);
	}
}

static struct llm_sampling biased(const struct llm_bias *biases, __u32 count)
{
	return (struct llm_sampling) {
		.set = LLM_SAMPLING_BIASES,
		.biases = (uintptr_t)biases,
		.biases_count = count,
	};
}

TEST_F(sampling, bias_forces_a_token)
{
	static const struct llm_bias bias = { TINY_TOKEN_BYTES + 'q', FIXED(100) };
	const struct llm_sampling sampling = biased(&bias, 1);

	ASSERT_EQ(20, ask(&self->image, &sampling, 20, self->first, NULL));
	EXPECT_STREQ("qqqqqqqqqqqqqqqqqqqq", self->first);
}

TEST_F(sampling, bias_forbids_tokens)
{
	static struct llm_bias biases[TINY_IMAGE_VOCAB];
	struct llm_sampling sampling = biased(biases, TINY_IMAGE_VOCAB - 1);

	/* All but the last, and hot. */
	for (__u32 i = 0; i < TINY_IMAGE_VOCAB - 1; i++)
		biases[i] = (struct llm_bias) { i, -FIXED(100) };
	sampling.set |= LLM_SAMPLING_TEMPERATURE;
	sampling.temperature = FIXED(100);
	ASSERT_LT(0, ask(&self->image, &sampling, 5, self->first, NULL));
	EXPECT_STREQ("inginginginging", self->first);
}

TEST_F(sampling, all_tokens_forbidden)
{
	static struct llm_bias biases[TINY_IMAGE_VOCAB];
	const struct llm_sampling sampling = biased(biases, TINY_IMAGE_VOCAB);

	for (__u32 i = 0; i < TINY_IMAGE_VOCAB; i++)
		biases[i] = (struct llm_bias) { i, -FIXED(100) };
	EXPECT_LE(0, ask(&self->image, &sampling, 5, self->first, NULL));
}

TEST_F(sampling, biases_can_be_taken_back)
{
	static const struct llm_bias bias = { TINY_TOKEN_BYTES + 'q', FIXED(100) };
	struct llm_sampling sampling = biased(&bias, 1);
	int fd = device_session(MODEL, &self->image, 20);
	int other = device_session(MODEL, &self->image, 20);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	ASSERT_EQ(0, device_endless(fd, &self->image));
	ASSERT_LT(0, device_ask(fd, PROMPT, self->first, ROOM));
	ASSERT_LT(0, device_ask(other, PROMPT, self->second, ROOM));
	EXPECT_STREQ(self->second, self->first);
}

TEST_F(sampling, ends_with_the_model)
{
	static const struct llm_bias bias = { TINY_TOKEN_EOS, FIXED(100) };
	const struct llm_sampling sampling = biased(&bias, 1);
	struct llm_session_info info;

	EXPECT_EQ(0, ask(&self->image, &sampling, 0, self->first, &info));
	EXPECT_EQ(LLM_REASON_END, info.reason);
	EXPECT_EQ(1, info.tokens_out);
}

TEST_F(sampling, ends_with_max_tokens)
{
	static const __u32 lengths[] = { 1, 2, 17 };
	const struct llm_sampling sampling = { 0 };
	struct llm_session_info info;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_LE(0, ask(&self->image, &sampling, lengths[i], self->first, &info));
		EXPECT_EQ(LLM_REASON_LENGTH, info.reason);
		EXPECT_EQ(lengths[i], info.tokens_out);
	}
}

TEST_F(sampling, ends_with_the_context)
{
	const struct llm_sampling sampling = { 0 };
	struct llm_session_info info;

	ASSERT_LT(0, ask(&self->image, &sampling, 0, self->first, &info));
	EXPECT_EQ(LLM_REASON_CONTEXT, info.reason);
	EXPECT_EQ(self->image.context_length, info.context);
	EXPECT_GE(info.context, info.used);
	EXPECT_LE(info.context - 1, info.used);
}

TEST_F(sampling, context_of_one)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 1 };
	int fd = device_session(MODEL, &self->image, 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(-ENOSPC, device_ask(fd, PROMPT, self->first, ROOM));
	EXPECT_EQ(0, device_status(fd).used);
}

TEST_F(sampling, ends_with_cancel)
{
	int fd = device_session(MODEL, &self->image, 0);
	struct llm_session_info info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_write(fd, PROMPT));
	ASSERT_EQ(0, device_start(fd));
	ASSERT_EQ(0, device_cancel(fd));
	ASSERT_LE(0, device_read(fd, self->first, ROOM, ROOM));
	info = device_status(fd);
	EXPECT_TRUE(info.reason == LLM_REASON_CANCELLED || info.reason == LLM_REASON_CONTEXT)
		TH_LOG("reason %u", info.reason);
	EXPECT_EQ(LLM_STATE_IDLE, info.state);
}

/* The reply up to a stop string is the reply without it. */
static int stop_at(int fd, const char *const *stops, __u32 count)
{
	struct llm_text texts[LLM_MAX_STOPS];
	struct llm_session_setup setup = {
		.set = LLM_SETUP_STOPS,
		.stops = (uintptr_t)texts,
		.stops_count = count,
	};

	for (__u32 i = 0; i < count; i++) {
		texts[i].address = (uintptr_t)stops[i];
		texts[i].length = strlen(stops[i]);
	}
	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

TEST_F(sampling, ends_with_a_stop_string)
{
	const struct llm_sampling sampling = { 0 };
	char stop[8] = "";
	const char *const stops[] = { "never, ever", stop };
	const char *found;
	int fd = device_session(MODEL, &self->image, 60);

	ASSERT_LE(0, fd);
	ASSERT_LT(40, ask(&self->image, &sampling, 60, self->first, NULL));
	memcpy(stop, self->first + 20, 5);
	ASSERT_EQ(5, strlen(stop));
	found = strstr(self->first, stop);
	ASSERT_EQ(0, stop_at(fd, stops, 2));
	ASSERT_LE(0, device_ask(fd, PROMPT, self->second, ROOM));
	EXPECT_EQ(LLM_REASON_STOP, device_status(fd).reason);
	EXPECT_EQ(found - self->first, strlen(self->second));
	EXPECT_EQ(0, strncmp(self->first, self->second, strlen(self->second)));
}

/* What might have become a stop string and did not is shown after all. */
TEST_F(sampling, half_a_stop_string_is_shown)
{
	const struct llm_sampling sampling = { 0 };
	char stop[16];
	const char *const stops[] = { stop };
	size_t length;
	int fd = device_session(MODEL, &self->image, 60);

	ASSERT_LE(0, fd);
	ASSERT_LT(40, ask(&self->image, &sampling, 60, self->first, NULL));
	length = strlen(self->first);
	memcpy(stop, self->first + length - 6, 6);
	memcpy(stop + 6, "\x01never", 7);
	ASSERT_EQ(0, stop_at(fd, stops, 1));
	ASSERT_LT(0, device_ask(fd, PROMPT, self->second, ROOM));
	EXPECT_STREQ(self->first, self->second);
	EXPECT_EQ(LLM_REASON_LENGTH, device_status(fd).reason);
}

TEST_F(sampling, special_tokens_are_shown_on_demand)
{
	static const struct llm_bias bias = { TINY_TOKEN_BOS, FIXED(100) };
	struct llm_session_setup setup = { .set = LLM_SETUP_SPECIAL, .special = 1 };
	struct llm_sampling sampling = biased(&bias, 1);
	int fd = device_session(MODEL, &self->image, 2);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ask(&self->image, &sampling, 2, self->first, NULL));
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	ASSERT_EQ(6, device_ask(fd, PROMPT, self->first, ROOM));
	EXPECT_STREQ("<s><s>", self->first);
}

TEST_F(sampling, special_tokens_in_the_prompt)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_SPECIAL, .special = 1 };
	int plain = device_session(MODEL, &self->image, 1);
	int special = device_session(MODEL, &self->image, 1);

	ASSERT_LE(0, plain);
	ASSERT_LE(0, special);
	ASSERT_EQ(0, device_ioctl(special, LLM_IOC_SETUP, &setup));
	ASSERT_LE(0, device_ask(plain, "a<end>b", self->first, ROOM));
	ASSERT_LE(0, device_ask(special, "a<end>b", self->second, ROOM));
	EXPECT_GT(device_status(plain).tokens_in, device_status(special).tokens_in);
}

TEST_HARNESS_MAIN
