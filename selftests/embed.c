// SPDX-License-Identifier: GPL-2.0
/*
 * LLM_IOC_EMBED: vectors of models that make text, and of models that see texts whole;
 * scores of models that rank.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "embed"
#define WIDTH 64
#define ROOM (256 * WIDTH)

FIXTURE(embed)
{
	struct device_image image;
	int fd;
	__s32 vectors[ROOM];
	__s32 others[ROOM];
};

FIXTURE_VARIANT(embed)
{
	bool whole;
};

FIXTURE_VARIANT_ADD(embed, causal)
{
	.whole = false,
};

FIXTURE_VARIANT_ADD(embed, whole)
{
	.whole = true,
};

FIXTURE_SETUP(embed)
{
	struct tiny_image_options options = {
		.seed = 5, .whole = variant->whole, .pooling = LLM_POOLING_MEAN,
	};

	device_image_build(&self->image, &options);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	self->fd = device_open(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_model(self->fd, MODEL));
}

FIXTURE_TEARDOWN_PARENT(embed)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Returns the numbers there are, or a negative errno. */
static int embed(int fd, const char *text, __u32 pooling, __s32 *vectors, __u32 room)
{
	struct llm_embed embed = {
		.text = (uintptr_t)text,
		.text_length = strlen(text),
		.vectors = (uintptr_t)vectors,
		.vectors_count = room,
		.pooling = pooling,
	};
	int error = device_ioctl(fd, LLM_IOC_EMBED, &embed);

	return error ? error : (int)embed.vectors_count;
}

static double length_of(const __s32 *vector)
{
	double sum = 0;

	for (int i = 0; i < WIDTH; i++)
		sum += (vector[i] / 1073741824.0) * (vector[i] / 1073741824.0);
	return sqrt(sum);
}

TEST_F(embed, vectors_have_length_one)
{
	struct llm_tokenize tokens = {
		.text = (uintptr_t)"the sea", .text_length = 7, .flags = LLM_TOKENIZE_BOS,
	};

	EXPECT_EQ(-ENOSPC, device_ioctl(self->fd, LLM_IOC_TOKENIZE, &tokens));
	for (__u32 kind = LLM_POOLING_MEAN; kind <= LLM_POOLING_LAST; kind++) {
		ASSERT_EQ(WIDTH, embed(self->fd, "the sea", kind, self->vectors, ROOM));
		EXPECT_LT(fabs(length_of(self->vectors) - 1), 1e-7);
	}
	ASSERT_EQ(tokens.tokens_count * WIDTH,
		  embed(self->fd, "the sea", LLM_POOLING_NONE, self->vectors, ROOM));
	for (__u32 i = 0; i < tokens.tokens_count; i++)
		EXPECT_LT(fabs(length_of(self->vectors + i * WIDTH) - 1), 1e-7);
}

TEST_F(embed, pooling_picks_vectors_of_tokens)
{
	int count = embed(self->fd, "a quiet sea", LLM_POOLING_NONE, self->vectors, ROOM);

	ASSERT_LT(2 * WIDTH, count);
	ASSERT_EQ(WIDTH, embed(self->fd, "a quiet sea", LLM_POOLING_CLS, self->others, ROOM));
	EXPECT_EQ(0, memcmp(self->vectors, self->others, WIDTH * sizeof(__s32)));
	ASSERT_EQ(WIDTH, embed(self->fd, "a quiet sea", LLM_POOLING_LAST, self->others, ROOM));
	EXPECT_EQ(0, memcmp(self->vectors + count - WIDTH, self->others, WIDTH * sizeof(__s32)));
	ASSERT_EQ(WIDTH, embed(self->fd, "a quiet sea", 0, self->vectors, ROOM));
	ASSERT_EQ(WIDTH, embed(self->fd, "a quiet sea", LLM_POOLING_MEAN, self->others, ROOM));
	EXPECT_EQ(0, memcmp(self->vectors, self->others, WIDTH * sizeof(__s32)));
}

/* Only where a text is seen whole does its first token know of its last. */
TEST_F(embed, attention_is_as_the_model_says)
{
	ASSERT_EQ(WIDTH, embed(self->fd, "the sea", LLM_POOLING_CLS, self->vectors, ROOM));
	ASSERT_EQ(WIDTH, embed(self->fd, "the sun", LLM_POOLING_CLS, self->others, ROOM));
	EXPECT_EQ(variant->whole, !!memcmp(self->vectors, self->others, WIDTH * sizeof(__s32)));
	ASSERT_EQ(WIDTH, embed(self->fd, "the sun", LLM_POOLING_MEAN, self->others, ROOM));
	EXPECT_NE(0, memcmp(self->vectors, self->others, WIDTH * sizeof(__s32)));
}

TEST_F(embed, errors)
{
	static char long_text[4096];
	struct llm_embed call = { .text = (uintptr_t)"a", .text_length = 1 };
	struct llm_model_info info;

	memset(long_text, 'z', sizeof(long_text) - 1);
	EXPECT_EQ(-ENOSPC, embed(self->fd, long_text, 0, self->vectors, ROOM));
	EXPECT_EQ(-ENOSPC, embed(self->fd, "the sea", 0, self->vectors, WIDTH - 1));
	EXPECT_EQ(-EINVAL, embed(self->fd, "the sea", LLM_POOLING_RANK, self->vectors, ROOM));
	EXPECT_EQ(-EINVAL, embed(self->fd, "the sea", LLM_POOLING_RANK + 1, self->vectors, ROOM));
	EXPECT_EQ(-EFAULT, embed(self->fd, "the sea", 0, NULL, ROOM));
	EXPECT_EQ(-ENOSPC, device_ioctl(self->fd, LLM_IOC_EMBED, &call));
	EXPECT_EQ(WIDTH, call.vectors_count);
	EXPECT_EQ(WIDTH, call.width);
	EXPECT_EQ(LLM_POOLING_MEAN, call.pooling);
	call = (struct llm_embed) { .text = (uintptr_t)"a", .text_length = 1, .second_length = 1 };
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_EMBED, &call));
	call = (struct llm_embed) { .text = (uintptr_t)"a", .text_length = LLM_MAX_TEXT + 1 };
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, LLM_IOC_EMBED, &call));
	call = (struct llm_embed) { .text = 8, .text_length = 1 };
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_EMBED, &call));
	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_EQ(WIDTH, info.embedding_width);
	EXPECT_EQ(LLM_POOLING_MEAN, info.pooling);
	EXPECT_EQ(!variant->whole, !!(info.flags & LLM_MODEL_TEXT));
	EXPECT_EQ(LLM_STATE_IDLE, device_status(self->fd).state);
	EXPECT_EQ(WIDTH, embed(self->fd, "the sea", 0, self->vectors, ROOM));
}

TEST_F(embed, a_pair_is_read_as_one)
{
	struct llm_embed pair = {
		.text = (uintptr_t)"the", .text_length = 3,
		.second = (uintptr_t)"sea", .second_length = 3,
		.vectors = (uintptr_t)self->vectors, .vectors_count = ROOM,
		.pooling = LLM_POOLING_MEAN, .flags = LLM_EMBED_PAIR,
	};

	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &pair));
	ASSERT_EQ(WIDTH, embed(self->fd, "the sea", LLM_POOLING_MEAN, self->others, ROOM));
	EXPECT_EQ(0, memcmp(self->vectors, self->others, WIDTH * sizeof(__s32)));
}

TEST_F(embed, a_model_without_logits_makes_no_text)
{
	struct llm_score_entry entries[64];
	struct llm_score score = {
		.text = (uintptr_t)"abc", .text_length = 3,
		.entries = (uintptr_t)entries, .entries_count = 64,
	};
	char reply[64];

	if (!variant->whole)
		SKIP(return, "this one makes text");
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, LLM_IOC_SCORE, &score));
	ASSERT_EQ(0, device_write(self->fd, "abc"));
	EXPECT_EQ(-EOPNOTSUPP, device_start(self->fd));
	EXPECT_EQ(-EOPNOTSUPP, device_read(self->fd, reply, sizeof(reply), sizeof(reply)));
	EXPECT_EQ(WIDTH, embed(self->fd, "the sea", 0, self->vectors, ROOM));
}

#define THREADS 4

struct worker {
	const __s32 *wanted;
	int failed;
};

static void *embed_often(void *argument)
{
	struct worker *worker = argument;
	int fd = device_open(O_RDWR);
	__s32 vector[WIDTH];

	worker->failed = fd < 0 || device_model(fd, MODEL);
	for (int i = 0; i < 20 && !worker->failed; i++) {
		char text[200];

		/* Texts of other lengths beside the one that is looked at. */
		device_prompt(text, 1 + i * 8, i);
		worker->failed |= embed(fd, text, 0, vector, WIDTH) != WIDTH;
		worker->failed |= embed(fd, "a quiet sea", 0, vector, WIDTH) != WIDTH;
		worker->failed |= !!memcmp(vector, worker->wanted, sizeof(vector));
	}
	close(fd);
	return NULL;
}

TEST_F(embed, the_same_bits_among_others)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	ASSERT_EQ(WIDTH, embed(self->fd, "a quiet sea", 0, self->vectors, ROOM));
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { .wanted = self->vectors };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, embed_often, &workers[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, workers[i].failed);
	}
}

FIXTURE(ranking)
{
	struct device_image image;
	int fd;
	__s32 scores[TINY_IMAGE_LABELS];
	struct llm_embed pair;
};

FIXTURE_SETUP(ranking)
{
	struct tiny_image_options options = { .seed = 6, .ranks = true };

	device_image_build(&self->image, &options);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	self->fd = device_open(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_model(self->fd, MODEL));
	self->pair = (struct llm_embed) {
		.text = (uintptr_t)"the", .text_length = 3,
		.second = (uintptr_t)"sea<end>", .second_length = 3,
		.vectors = (uintptr_t)self->scores, .vectors_count = TINY_IMAGE_LABELS,
		.flags = LLM_EMBED_PAIR,
	};
}

FIXTURE_TEARDOWN_PARENT(ranking)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

TEST_F(ranking, scores_are_shares)
{
	__s32 sum = 0;

	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &self->pair));
	EXPECT_EQ(LLM_POOLING_RANK, self->pair.pooling);
	ASSERT_EQ(TINY_IMAGE_LABELS, self->pair.vectors_count);
	for (int i = 0; i < TINY_IMAGE_LABELS; i++) {
		EXPECT_LE(0, self->scores[i]);
		sum += self->scores[i];
	}
	EXPECT_LE(65536 - TINY_IMAGE_LABELS, sum);
	EXPECT_GE(65536 + TINY_IMAGE_LABELS, sum);
}

/* A text by itself begins with a BOS. */
TEST_F(ranking, the_models_words_go_around_a_pair)
{
	struct llm_embed whole = {
		.text = (uintptr_t)"q:the<end>d:sea<end>", .text_length = 20,
		.vectors = self->pair.vectors, .vectors_count = TINY_IMAGE_LABELS,
		.flags = LLM_TOKENIZE_SPECIAL,
	};

	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &self->pair));
	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &whole));
	EXPECT_EQ(self->pair.tokens + 1, whole.tokens);
}

TEST_F(ranking, control_tokens_count_where_asked_for)
{
	struct llm_embed special;
	__u32 plain;

	self->pair.second_length = 8;
	special = self->pair;
	special.flags |= LLM_TOKENIZE_SPECIAL;
	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &self->pair));
	plain = self->pair.tokens;
	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &special));
	EXPECT_GT(plain, special.tokens);
}

TEST_F(ranking, bad_texts_are_refused)
{
	struct llm_embed bad = self->pair;

	bad.text = 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_EMBED, &bad));
	bad = self->pair;
	bad.second = 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_EMBED, &bad));
	bad = self->pair;
	bad.text_length = LLM_MAX_TEXT + 1;
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, LLM_IOC_EMBED, &bad));
	bad = self->pair;
	bad.second_length = LLM_MAX_TEXT + 1;
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, LLM_IOC_EMBED, &bad));
	bad = self->pair;
	bad.pooling = LLM_POOLING_MEAN;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_EMBED, &bad));
	/* Nothing is left out of two empty texts but these. */
	self->pair.text_length = 0;
	self->pair.second_length = 0;
	EXPECT_EQ(0, device_ioctl(self->fd, LLM_IOC_EMBED, &self->pair));
}

TEST_HARNESS_MAIN
