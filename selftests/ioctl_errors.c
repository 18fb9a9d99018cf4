// SPDX-License-Identifier: GPL-2.0
/* Values out of range and calls at the wrong time: every errno linux/llm.h names. */
#include <fcntl.h>
#include <sys/resource.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "ioctl-errors"
#define OTHER "ioctl-errors-other"
#define ROOM 16384

FIXTURE(errors)
{
	struct device_image image;
	int fd;
	char reply[ROOM];
};

FIXTURE_SETUP(errors)
{
	device_image_make(&self->image, 3);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	self->fd = device_session(MODEL, &self->image, 16);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(errors)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

static int create(const char *name, size_t name_length, __u64 size)
{
	struct llm_model_create create = { .size = size };
	int fd = device_open(O_RDWR);
	int error;

	memcpy(create.name, name, name_length);
	error = device_ioctl(fd, LLM_IOC_MODEL_CREATE, &create);
	close(fd);
	if (!error)
		close(create.fd);
	return error;
}

TEST_F(errors, create_names)
{
	char name[LLM_NAME_SIZE];

	EXPECT_EQ(-EINVAL, create("", 0, 4096));
	EXPECT_EQ(-EINVAL, create("a b", 3, 4096));
	EXPECT_EQ(-EINVAL, create("a/b", 3, 4096));
	EXPECT_EQ(-EINVAL, create("a\nb", 3, 4096));
	EXPECT_EQ(-EINVAL, create("\xc3\xa9", 2, 4096));
	EXPECT_EQ(-EINVAL, create("a\0b", 3, 4096)) TH_LOG("padded with something else than NULs");
	memset(name, 'a', sizeof(name));
	EXPECT_EQ(-EINVAL, create(name, sizeof(name), 4096)) TH_LOG("64 bytes, no NUL");
	EXPECT_EQ(0, create(name, sizeof(name) - 1, 4096)) TH_LOG("63 bytes");
	EXPECT_EQ(0, create("A-z_0.9:b", 9, 4096));
	EXPECT_EQ(-EEXIST, create(MODEL, strlen(MODEL), 4096));
}

TEST_F(errors, create_sizes)
{
	EXPECT_EQ(-EINVAL, create(OTHER, strlen(OTHER), 0));
	EXPECT_EQ(-EFBIG, create(OTHER, strlen(OTHER), ~0ULL));
	EXPECT_EQ(-EFBIG, create(OTHER, strlen(OTHER), 1ULL << 63));
	EXPECT_EQ(-EFBIG, create(OTHER, strlen(OTHER), 1ULL << 52));
	EXPECT_EQ(0, create(OTHER, strlen(OTHER), 1));
}

TEST_F(errors, create_without_descriptors)
{
	struct rlimit limit = { .rlim_cur = 8, .rlim_max = 8 };
	int fd = device_open(O_RDWR);
	struct llm_model_create create = { .name = OTHER, .size = 4096 };

	ASSERT_LE(0, fd);
	while (dup(fd) < 7)
		ASSERT_GT(8, fd);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, device_ioctl(fd, LLM_IOC_MODEL_CREATE, &create));
}

TEST_F(errors, seal)
{
	char reason[512];
	int first = device_create(OTHER, self->image.size);
	int second = device_create(OTHER, self->image.size);

	ASSERT_LE(0, first) TH_LOG("a name that is only being created is not taken");
	ASSERT_LE(0, second);
	EXPECT_EQ(-EINVAL, device_seal(first, 0, reason, sizeof(reason)));
	EXPECT_LT(0, strlen(reason)) TH_LOG("no reason for refusing an empty image");
	ASSERT_EQ(0, device_fill(first, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_fill(second, self->image.bytes, self->image.size));
	EXPECT_EQ(-EINVAL, device_seal(first, 0, reason, 4097));
	ASSERT_EQ(0, device_seal(first, 0, reason, 512));
	EXPECT_STREQ("", reason);
	EXPECT_EQ(-EPERM, device_seal(first, 0, reason, 512));
	EXPECT_EQ(-EEXIST, device_seal(second, 0, reason, 512));
	EXPECT_EQ(0, device_unload(OTHER));
	EXPECT_EQ(0, device_seal(second, 0, reason, 512));
	EXPECT_EQ(0, device_unload(OTHER));
}

TEST_F(errors, seal_reason_is_cut)
{
	char reason[512];
	char cut[512];
	int buffer = device_create(OTHER, self->image.size);
	struct llm_model_seal seal = { .reason_size = 512, .reason = 8 };

	ASSERT_LE(0, buffer);
	EXPECT_EQ(-EINVAL, device_seal(buffer, 0, reason, sizeof(reason)));
	memset(cut, 'x', sizeof(cut));
	EXPECT_EQ(-EINVAL, device_seal(buffer, 0, cut, 10));
	EXPECT_EQ('\0', cut[9]);
	EXPECT_EQ('x', cut[10]);
	EXPECT_EQ(0, strncmp(reason, cut, 9));
	EXPECT_EQ(-EFAULT, device_ioctl(buffer, LLM_IOC_MODEL_SEAL, &seal));
}

TEST_F(errors, unload)
{
	struct llm_model_unload unload = { 0 };

	EXPECT_EQ(-ENOENT, device_unload("ioctl-errors-none"));
	memset(unload.name, 'a', sizeof(unload.name));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_MODEL_UNLOAD, &unload));
	EXPECT_EQ(-EBUSY, device_unload(MODEL));
}

static int list(unsigned long request, void *entries, __u32 entry_size, __u32 capacity,
		__u32 *count)
{
	struct llm_list list = {
		.entries = (uintptr_t)entries,
		.entry_size = entry_size,
		.capacity = capacity,
	};
	int fd = device_open(O_RDWR);
	int error = device_ioctl(fd, request, &list);

	close(fd);
	*count = list.count;
	return error;
}

TEST_F(errors, lists)
{
	static const unsigned long requests[] = { LLM_IOC_MODEL_LIST, LLM_IOC_SESSION_LIST };
	__u8 room[1024];
	__u32 count;

	ASSERT_EQ(0, device_load(OTHER, &self->image, 0));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, list(requests[i], room, 0, 1, &count));
		EXPECT_EQ(-EFAULT, list(requests[i], (void *)8, 64, 1, &count));
		EXPECT_EQ(0, list(requests[i], NULL, 64, 0, &count));
		EXPECT_LE(2, count);

		/* Room for one, cut to 8 bytes. */
		memset(room, 0xa5, sizeof(room));
		EXPECT_EQ(0, list(requests[i], room, 8, 1, &count));
		EXPECT_LE(2, count);
		EXPECT_EQ(0xa5, room[8]);
		EXPECT_EQ(0xa5, room[9]);

		/* Longer entries than the kernel knows. */
		memset(room, 0xa5, sizeof(room));
		EXPECT_EQ(0, list(requests[i], room, 512, 1, &count));
		EXPECT_EQ(0, room[511]);
		EXPECT_EQ(0xa5, room[512]);

		/* More room than the kernel needs to know of. */
		EXPECT_EQ(0, list(requests[i], room, 8, 100, &count));
		EXPECT_EQ(0, list(requests[i], NULL, LLM_MAX_ENTRY, 0, &count));
		EXPECT_EQ(-E2BIG, list(requests[i], NULL, LLM_MAX_ENTRY + 1, 0, &count));
		EXPECT_EQ(-E2BIG, list(requests[i], room, 0xffffffff, 0xffffffff, &count));
	}
	EXPECT_EQ(0, device_unload(OTHER));
}

TEST_F(errors, setup_values)
{
	const struct llm_session_setup wrong[] = {
		{ .set = LLM_SETUP_CONTEXT, .context = 0 },
		{ .set = LLM_SETUP_CONTEXT, .context = self->image.context_length + 1 },
		{ .set = LLM_SETUP_CONTEXT, .context = 0xffffffff },
		{ .set = LLM_SETUP_SPECIAL, .special = 2 },
		{ .set = LLM_SETUP_STOPS, .stops = 8, .stops_count = LLM_MAX_STOPS + 1 },
		{ .set = LLM_SETUP_STOPS, .stops = 8, .stops_count = 0xffffffff },
	};
	const struct llm_session_setup right[] = {
		{ .set = LLM_SETUP_CONTEXT, .context = 1 },
		{ .set = LLM_SETUP_CONTEXT, .context = self->image.context_length },
		{ .set = LLM_SETUP_SPECIAL, .special = 1 },
		{ .set = LLM_SETUP_MAX_TOKENS, .max_tokens = 0xffffffff },
		{ .set = LLM_SETUP_STOPS },
		{ .set = 0 },
	};
	struct llm_session_setup setup;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		setup = wrong[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_SETUP, &setup))
			TH_LOG("setup %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		setup = right[i];
		EXPECT_EQ(0, device_ioctl(self->fd, LLM_IOC_SETUP, &setup))
			TH_LOG("setup %zu", i);
	}
	EXPECT_EQ(self->image.context_length, device_status(self->fd).context);
}

TEST_F(errors, setup_models)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_MODEL };

	EXPECT_EQ(-ENOENT, device_model(self->fd, "ioctl-errors-none"));
	memset(setup.model, 'a', sizeof(setup.model));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_SETUP, &setup));
	EXPECT_STREQ(MODEL, (char *)device_status(self->fd).model);
}

static int set_stops(int fd, const struct llm_text *stops, __u32 count)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_STOPS,
		.stops = (uintptr_t)stops,
		.stops_count = count,
	};

	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

TEST_F(errors, setup_stops)
{
	static const char text[LLM_MAX_STOP_LENGTH + 1] = "stop";
	struct llm_text stops[LLM_MAX_STOPS];

	for (int i = 0; i < LLM_MAX_STOPS; i++) {
		stops[i].address = (uintptr_t)text;
		stops[i].length = 4;
	}
	EXPECT_EQ(0, set_stops(self->fd, stops, LLM_MAX_STOPS));
	stops[0].length = LLM_MAX_STOP_LENGTH;
	EXPECT_EQ(0, set_stops(self->fd, stops, 1));
	stops[1].length = LLM_MAX_STOP_LENGTH + 1;
	EXPECT_EQ(-EINVAL, set_stops(self->fd, stops, 2));
	stops[1].length = 0;
	EXPECT_EQ(-EINVAL, set_stops(self->fd, stops, 2));
	stops[1].length = ~0ULL;
	EXPECT_EQ(-EINVAL, set_stops(self->fd, stops, 2));
	stops[1].length = 4;
	stops[1].address = 8;
	EXPECT_EQ(-EFAULT, set_stops(self->fd, stops, 2));
	EXPECT_EQ(-EFAULT, set_stops(self->fd, (void *)8, 2));
}

/* A call that fails changes nothing, not even what came before the mistake. */
TEST_F(errors, setup_all_or_nothing)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_CONTEXT | LLM_SETUP_MAX_TOKENS | LLM_SETUP_SPECIAL,
		.context = 7,
		.max_tokens = 1,
		.special = 2,
	};
	__u32 before = device_status(self->fd).context;

	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(before, device_status(self->fd).context);
	ASSERT_LT(0, device_ask(self->fd, "hello", self->reply, ROOM));
	EXPECT_EQ(16, device_status(self->fd).tokens_out);
}

#define FIXED(x) ((__s32)((x) * LLM_FIXED_ONE))

TEST_F(errors, sampling_values)
{
	static const struct llm_sampling wrong[] = {
		{ .set = LLM_SAMPLING_TEMPERATURE, .temperature = -1 },
		{ .set = LLM_SAMPLING_TEMPERATURE, .temperature = FIXED(100) + 1 },
		{ .set = LLM_SAMPLING_TOP_P, .top_p = -1 },
		{ .set = LLM_SAMPLING_TOP_P, .top_p = FIXED(1) + 1 },
		{ .set = LLM_SAMPLING_MIN_P, .min_p = -1 },
		{ .set = LLM_SAMPLING_MIN_P, .min_p = FIXED(1) + 1 },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = 0 },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = FIXED(0.01) - 1 },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = FIXED(10) + 1 },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = -FIXED(1) },
		{ .set = LLM_SAMPLING_PRESENCE, .presence = -FIXED(10) - 1 },
		{ .set = LLM_SAMPLING_PRESENCE, .presence = FIXED(10) + 1 },
		{ .set = LLM_SAMPLING_FREQUENCY, .frequency = -FIXED(10) - 1 },
		{ .set = LLM_SAMPLING_FREQUENCY, .frequency = FIXED(10) + 1 },
		{ .set = LLM_SAMPLING_LAST_N, .last_n = 4097 },
		{ .set = LLM_SAMPLING_BIASES, .biases = 8, .biases_count = LLM_MAX_BIASES + 1 },
		{ .set = LLM_SAMPLING_BIASES, .biases = 8, .biases_count = 0xffffffff },
	};
	static const struct llm_sampling right[] = {
		{ .set = LLM_SAMPLING_TEMPERATURE, .temperature = FIXED(100) },
		{ .set = LLM_SAMPLING_TOP_K, .top_k = 0xffffffff },
		{ .set = LLM_SAMPLING_TOP_P, .top_p = 0 },
		{ .set = LLM_SAMPLING_TOP_P, .top_p = FIXED(1) },
		{ .set = LLM_SAMPLING_MIN_P, .min_p = FIXED(1) },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = FIXED(0.01) + 1 },
		{ .set = LLM_SAMPLING_REPEAT, .repeat = FIXED(10) },
		{ .set = LLM_SAMPLING_PRESENCE, .presence = -FIXED(10) },
		{ .set = LLM_SAMPLING_PRESENCE, .presence = FIXED(10) },
		{ .set = LLM_SAMPLING_FREQUENCY, .frequency = -FIXED(10) },
		{ .set = LLM_SAMPLING_FREQUENCY, .frequency = FIXED(10) },
		{ .set = LLM_SAMPLING_LAST_N, .last_n = 4096 },
		{ .set = LLM_SAMPLING_SEED, .seed = ~0ULL },
		{ .set = LLM_SAMPLING_BIASES },
		{ .set = 0 },
	};
	struct llm_sampling sampling;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		sampling = wrong[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_SAMPLING, &sampling))
			TH_LOG("sampling %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		sampling = right[i];
		EXPECT_EQ(0, device_ioctl(self->fd, LLM_IOC_SAMPLING, &sampling))
			TH_LOG("sampling %zu", i);
	}
	EXPECT_LE(0, device_ask(self->fd, "hello", self->reply, ROOM))
		TH_LOG("no reply with all parameters at their limits");
}

static int set_bias(int fd, __u32 token, __s32 bias)
{
	struct llm_bias value = { .token = token, .bias = bias };
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_BIASES,
		.biases = (uintptr_t)&value,
		.biases_count = 1,
	};

	return device_ioctl(fd, LLM_IOC_SAMPLING, &sampling);
}

TEST_F(errors, sampling_biases)
{
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_BIASES,
		.biases = 8,
		.biases_count = 1,
	};

	EXPECT_EQ(0, set_bias(self->fd, self->image.vocab_size - 1, FIXED(100)));
	EXPECT_EQ(0, set_bias(self->fd, 0, -FIXED(100)));
	EXPECT_EQ(-EINVAL, set_bias(self->fd, self->image.vocab_size, 0));
	EXPECT_EQ(-EINVAL, set_bias(self->fd, LLM_TOKEN_NONE, 0));
	EXPECT_EQ(-EINVAL, set_bias(self->fd, 0, FIXED(100) + 1));
	EXPECT_EQ(-EINVAL, set_bias(self->fd, 0, -FIXED(100) - 1));
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_SAMPLING, &sampling));
}

/*
 * A session whose reply does not end by itself: it has more bytes than can wait
 * for their reader, and nobody reads.
 */
static int endless_session(void)
{
	const struct tiny_image_options options = { .context = 8192 };
	struct device_image image;
	int error;
	int fd;

	device_image_build(&image, &options);
	error = device_load(OTHER, &image, 0);
	fd = error ? error : device_session(OTHER, &image, 0);
	device_image_free(&image);
	if (fd < 0)
		return fd;
	error = device_only(fd, TINY_TOKEN_THE);
	if (!error)
		error = device_write(fd, "hello");
	if (!error)
		error = device_start(fd);
	if (!error)
		return fd;
	close(fd);
	return error;
}

TEST_F(errors, busy_while_a_reply_is_under_way)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_MAX_TOKENS, .max_tokens = 4 };
	struct llm_sampling sampling = { .set = LLM_SAMPLING_TOP_K, .top_k = 4 };
	struct llm_score_entry entries[16];
	struct llm_score score = {
		.text = (uintptr_t)"hello",
		.text_length = 5,
		.entries = (uintptr_t)entries,
		.entries_count = 16,
	};
	__s32 vector[256];
	struct llm_embed embed = {
		.text = (uintptr_t)"hello",
		.text_length = 5,
		.vectors = (uintptr_t)vector,
		.vectors_count = ARRAY_SIZE(vector),
	};
	int fd = endless_session();

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, device_start(fd));
	EXPECT_EQ(-EBUSY, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(-EBUSY, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	EXPECT_EQ(-EBUSY, device_ioctl(fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(-EBUSY, device_ioctl(fd, LLM_IOC_EMBED, &embed));
	EXPECT_EQ(0, device_cancel(fd));
	EXPECT_LE(0, device_read(fd, self->reply, ROOM, ROOM));
	EXPECT_EQ(0, device_ioctl(fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(0, device_ioctl(fd, LLM_IOC_EMBED, &embed));
	EXPECT_EQ(0, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	EXPECT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	close(fd);
	EXPECT_EQ(0, device_unload_soon(OTHER));
}

TEST_F(errors, busy_once_the_session_holds_tokens)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 100 };

	ASSERT_LT(0, device_ask(self->fd, "hello", self->reply, ROOM));
	EXPECT_EQ(-EBUSY, device_model(self->fd, MODEL));
	EXPECT_EQ(-EBUSY, device_ioctl(self->fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(0, device_max_tokens(self->fd, 3));
}

TEST_F(errors, other_model_before_the_first_token)
{
	ASSERT_EQ(0, device_load(OTHER, &self->image, 0));
	EXPECT_EQ(0, device_model(self->fd, OTHER));
	EXPECT_EQ(-EBUSY, device_unload(OTHER));
	EXPECT_EQ(0, device_model(self->fd, MODEL));
	EXPECT_EQ(0, device_unload(OTHER));
}

TEST_F(errors, start_without_text)
{
	EXPECT_EQ(-ENODATA, device_start(self->fd));
	ASSERT_LT(0, device_ask(self->fd, "hello", self->reply, ROOM));
	EXPECT_EQ(-ENODATA, device_start(self->fd));
}

TEST_HARNESS_MAIN
