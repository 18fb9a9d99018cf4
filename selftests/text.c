// SPDX-License-Identifier: GPL-2.0
/* LLM_IOC_TOKENIZE, LLM_IOC_DETOKENIZE, LLM_IOC_SCORE. */
#include <math.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "text"
#define ROOM 16384

FIXTURE(text)
{
	struct device_image image;
	int fd;
	__u32 tokens[4096];
	char text[ROOM];
	struct llm_score_entry entries[4096];
};

FIXTURE_SETUP(text)
{
	device_image_make(&self->image, 6);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	self->fd = device_session(MODEL, &self->image, 16);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(text)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Returns the tokens there are, or a negative errno. */
static int tokenize(int fd, const void *text, __u32 length, __u32 flags, __u32 *tokens, __u32 room)
{
	struct llm_tokenize tokenize = {
		.text = (uintptr_t)text,
		.text_length = length,
		.tokens = (uintptr_t)tokens,
		.tokens_count = room,
		.flags = flags,
	};
	int error = device_ioctl(fd, LLM_IOC_TOKENIZE, &tokenize);

	return error ? error : (int)tokenize.tokens_count;
}

/* Returns the bytes there are, or a negative errno. */
static int detokenize(int fd, const __u32 *tokens, __u32 count, __u32 flags, char *text,
		      __u32 room)
{
	struct llm_tokenize detokenize = {
		.text = (uintptr_t)text,
		.text_length = room,
		.tokens = (uintptr_t)tokens,
		.tokens_count = count,
		.flags = flags,
	};
	int error = device_ioctl(fd, LLM_IOC_DETOKENIZE, &detokenize);

	return error ? error : (int)detokenize.text_length;
}

TEST_F(text, tokenize)
{
	int count = tokenize(self->fd, "the and", 7, 0, self->tokens, 4096);
	int with_bos;

	ASSERT_LT(0, count);
	with_bos = tokenize(self->fd, "the and", 7, LLM_TOKENIZE_BOS, self->tokens, 4096);
	EXPECT_LT(count, with_bos);
	EXPECT_EQ(TINY_TOKEN_BOS, self->tokens[0]);
	EXPECT_EQ(0, tokenize(self->fd, "", 0, 0, self->tokens, 4096));
	EXPECT_EQ(1, tokenize(self->fd, "", 0, LLM_TOKENIZE_BOS, self->tokens, 4096));
}

TEST_F(text, tokenize_special)
{
	int plain = tokenize(self->fd, "</s>", 4, 0, self->tokens, 4096);

	ASSERT_LT(1, plain);
	for (int i = 0; i < plain; i++)
		ASSERT_NE(TINY_TOKEN_EOS, self->tokens[i]);
	ASSERT_EQ(1, tokenize(self->fd, "</s>", 4, LLM_TOKENIZE_SPECIAL, self->tokens, 4096));
	EXPECT_EQ(TINY_TOKEN_EOS, self->tokens[0]);
	EXPECT_EQ(0, detokenize(self->fd, self->tokens, 1, 0, self->text, ROOM));
	ASSERT_EQ(4, detokenize(self->fd, self->tokens, 1, LLM_TOKENIZE_SPECIAL, self->text, ROOM));
	EXPECT_EQ(0, memcmp("</s>", self->text, 4));
}

TEST_F(text, round_trip)
{
	/* Broken characters with no space behind them, of which they would take bytes. */
	static const char * const texts[] = {
		"hello", "the sun and the sea", "  two  spaces  ", "caf\xc3\xa9 \xf0\x9f\x98\x80",
		"\xff\xfe\xfd_broken \xc3", "line\nline\ttab", "<s>", "0123456789",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		__u32 length = strlen(texts[i]);
		int count = tokenize(self->fd, texts[i], length, 0, self->tokens, 4096);
		int bytes;

		ASSERT_LT(0, count) TH_LOG("'%s'", texts[i]);
		bytes = detokenize(self->fd, self->tokens, count, 0, self->text, ROOM);
		EXPECT_EQ(length, bytes) TH_LOG("'%s'", texts[i]);
		EXPECT_EQ(0, memcmp(texts[i], self->text, length)) TH_LOG("'%s'", texts[i]);
	}
}

TEST_F(text, every_byte_round_trips)
{
	unsigned char bytes[256];
	int count;

	for (int i = 0; i < 256; i++)
		bytes[i] = i;
	count = tokenize(self->fd, bytes, 256, 0, self->tokens, 4096);
	ASSERT_LT(0, count);
	ASSERT_EQ(256, detokenize(self->fd, self->tokens, count, 0, self->text, ROOM));
	EXPECT_EQ(0, memcmp(bytes, self->text, 256));
}

TEST_F(text, ends_of_tokens)
{
	static const char text[] = "the sun caf\xc3\xa9 \xff";
	__u32 ends[64], from = 0;
	int count = tokenize(self->fd, text, strlen(text), 0, self->tokens, ARRAY_SIZE(ends));
	char one[ROOM];
	struct llm_tokenize detokenize_all = {
		.text = (uintptr_t)self->text, .text_length = ROOM,
		.tokens = (uintptr_t)self->tokens, .tokens_count = count,
		.ends = (uintptr_t)ends,
	};

	ASSERT_LT(4, count);
	ASSERT_EQ(0, device_ioctl(self->fd, LLM_IOC_DETOKENIZE, &detokenize_all));
	for (int i = 0; i < count; i++) {
		int length = detokenize(self->fd, &self->tokens[i], 1, 0, one, ROOM);

		ASSERT_EQ(from + length, ends[i]) TH_LOG("token %d", i);
		EXPECT_EQ(0, memcmp(self->text + from, one, length)) TH_LOG("token %d", i);
		from = ends[i];
	}
	EXPECT_EQ(detokenize_all.text_length, from);

	detokenize_all.ends = 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_DETOKENIZE, &detokenize_all));
	detokenize_all.ends = (uintptr_t)ends;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, LLM_IOC_TOKENIZE, &detokenize_all))
		TH_LOG("tokenizing takes no ends");
}

TEST_F(text, room_too_small)
{
	struct llm_tokenize tokenize = {
		.text = (uintptr_t)"hello there",
		.text_length = 11,
		.tokens = (uintptr_t)self->tokens,
		.tokens_count = 2,
	};
	__u32 needed;

	self->tokens[2] = 12345;
	EXPECT_EQ(-ENOSPC, device_ioctl(self->fd, LLM_IOC_TOKENIZE, &tokenize));
	needed = tokenize.tokens_count;
	EXPECT_LT(2, needed);
	EXPECT_EQ(12345, self->tokens[2]) TH_LOG("written past the room there was");
	EXPECT_EQ(0, device_ioctl(self->fd, LLM_IOC_TOKENIZE, &tokenize));
	EXPECT_EQ(needed, tokenize.tokens_count);

	tokenize.text = (uintptr_t)self->text;
	tokenize.text_length = 3;
	self->text[3] = 'x';
	EXPECT_EQ(-ENOSPC, device_ioctl(self->fd, LLM_IOC_DETOKENIZE, &tokenize));
	EXPECT_EQ(11, tokenize.text_length);
	EXPECT_EQ('x', self->text[3]);
	EXPECT_EQ(0, device_ioctl(self->fd, LLM_IOC_DETOKENIZE, &tokenize));
}

TEST_F(text, bad_tokens)
{
	__u32 token = self->image.vocab_size;

	EXPECT_EQ(-EINVAL, detokenize(self->fd, &token, 1, 0, self->text, ROOM));
	token = LLM_TOKEN_NONE;
	EXPECT_EQ(-EINVAL, detokenize(self->fd, &token, 1, 0, self->text, ROOM));
	token = self->image.vocab_size - 1;
	EXPECT_LT(0, detokenize(self->fd, &token, 1, 0, self->text, ROOM));
}

TEST_F(text, too_much)
{
	char *large = mmap(NULL, LLM_MAX_TEXT + 1, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct llm_score score = {
		.text = (uintptr_t)large,
		.text_length = LLM_MAX_TEXT + 1,
		.entries = (uintptr_t)self->entries,
		.entries_count = 4096,
	};

	ASSERT_NE(MAP_FAILED, large);
	EXPECT_EQ(-E2BIG, tokenize(self->fd, large, LLM_MAX_TEXT + 1, 0, self->tokens, 4096));
	EXPECT_EQ(-E2BIG, tokenize(self->fd, large, 0xffffffff, 0, self->tokens, 4096));
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(-E2BIG, detokenize(self->fd, (void *)large, LLM_MAX_TEXT + 1, 0, self->text,
				     ROOM));
	EXPECT_EQ(-E2BIG, detokenize(self->fd, (void *)large, 0xffffffff, 0, self->text, ROOM));
	score.text_length = 2000;
	memset(large, 'a', 2000);
	EXPECT_EQ(-ENOSPC, device_ioctl(self->fd, LLM_IOC_SCORE, &score))
		TH_LOG("a text longer than the context was scored");
}

TEST_F(text, bad_addresses)
{
	struct llm_score score = {
		.text = 8,
		.text_length = 5,
		.entries = (uintptr_t)self->entries,
		.entries_count = 64,
	};

	EXPECT_EQ(-EFAULT, tokenize(self->fd, (void *)8, 5, 0, self->tokens, 4096));
	EXPECT_EQ(-EFAULT, tokenize(self->fd, "hello", 5, 0, (void *)8, 4096));
	EXPECT_EQ(-EFAULT, detokenize(self->fd, (void *)8, 5, 0, self->text, ROOM));
	self->tokens[0] = TINY_TOKEN_WORDS;
	EXPECT_EQ(-EFAULT, detokenize(self->fd, self->tokens, 1, 0, (void *)8, ROOM));
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_SCORE, &score));
	score.text = (uintptr_t)"hello";
	score.entries = 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(LLM_STATE_IDLE, device_status(self->fd).state);
}

/* Returns the entries there are, or a negative errno. */
static int score(int fd, const char *text, __u32 alternatives, struct llm_score_entry *entries,
		 __u32 room)
{
	struct llm_score score = {
		.text = (uintptr_t)text,
		.text_length = strlen(text),
		.entries = (uintptr_t)entries,
		.entries_count = room,
		.alternatives = alternatives,
		.flags = LLM_TOKENIZE_BOS,
	};
	int error = device_ioctl(fd, LLM_IOC_SCORE, &score);

	return error ? error : (int)score.entries_count;
}

TEST_F(text, score)
{
	static const char text[] = "the sun rises over the sea";
	const __u32 best = LLM_MAX_ALTERNATIVES;
	int found = 0;
	int count = tokenize(self->fd, text, strlen(text), LLM_TOKENIZE_BOS, self->tokens, 4096);

	ASSERT_LT(0, count);
	ASSERT_EQ(count * (1 + best), score(self->fd, text, best, self->entries, 4096));
	for (int i = 0; i < count; i++) {
		const struct llm_score_entry *entry = &self->entries[i * (1 + best)];
		__u32 at = 0;

		EXPECT_EQ(self->tokens[i], entry[0].token);
		EXPECT_GE(0, entry[0].logprob);
		for (__u32 j = 1; i && j <= best; j++) {
			EXPECT_GT(self->image.vocab_size, entry[j].token);
			EXPECT_GE(0, entry[j].logprob);
			EXPECT_LE(entry[0].logprob, entry[1].logprob);
			EXPECT_TRUE(j == 1 || entry[j].logprob <= entry[j - 1].logprob);
			if (entry[j].token != entry[0].token)
				continue;
			/* The token itself. */
			EXPECT_EQ(entry[j].logprob, entry[0].logprob);
			at = j;
		}
		EXPECT_TRUE(!i || at || entry[0].logprob <= entry[best].logprob)
			TH_LOG("token %d is likely enough for the list", i);
		found += at > 0;
	}
	EXPECT_LT(0, found) TH_LOG("not one token of the text is likely");
	EXPECT_EQ(0, self->entries[0].logprob);
	EXPECT_EQ(LLM_TOKEN_NONE, self->entries[1].token);
}

TEST_F(text, probabilities_sum_to_one)
{
	const __u32 best = LLM_MAX_ALTERNATIVES;
	int count = score(self->fd, "sun and sea", best, self->entries, 4096);

	ASSERT_LT(0, count);
	for (int i = 1; i < count / (1 + (int)best); i++) {
		const struct llm_score_entry *entry = &self->entries[i * (1 + best)];
		double sum = 0;

		for (__u32 j = 1; j <= best; j++) {
			sum += exp(entry[j].logprob / 65536.0);
			for (__u32 k = 1; k < j; k++)
				EXPECT_NE(entry[k].token, entry[j].token);
		}
		/* Of 300 tokens the 64 likeliest have most of the probability. */
		EXPECT_GT(1.01, sum);
		EXPECT_LT(0.3, sum);
	}
}

TEST_F(text, score_of_a_reply_at_temperature_0_is_the_best)
{
	char reply[ROOM];
	const struct llm_score_entry *last;
	int count;
	int other;

	/* The likeliest token after the text is the first token of the reply. */
	ASSERT_EQ(0, device_max_tokens(self->fd, 1));
	ASSERT_LE(0, device_ask(self->fd, "the sun", reply, ROOM));
	other = device_session(MODEL, &self->image, 1);
	ASSERT_LE(0, other);
	count = score(other, "the sun", 1, self->entries, 4096);
	ASSERT_LT(2, count);
	snprintf(self->text, sizeof(self->text), "the sun%s", "x");
	count = score(other, self->text, 1, self->entries, 4096);
	ASSERT_LT(2, count);
	last = &self->entries[count - 2];
	count = detokenize(other, &last[1].token, 1, 0, self->text, ROOM);
	ASSERT_LE(0, count);
	self->text[count] = '\0';
	EXPECT_STREQ(reply, self->text);
}

TEST_F(text, score_is_repeatable_and_leaves_the_conversation_alone)
{
	static struct llm_score_entry again[4096];
	char first[ROOM];
	char second[ROOM];
	int other = device_session(MODEL, &self->image, 16);
	int count;

	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(self->fd, "hello", first, ROOM));
	ASSERT_LT(0, device_ask(other, "hello", second, ROOM));
	count = score(self->fd, "a quiet sea", 3, self->entries, 4096);
	ASSERT_LT(0, count);
	EXPECT_EQ(device_status(other).used, device_status(self->fd).used);
	EXPECT_EQ(count, score(other, "a quiet sea", 3, again, 4096));
	EXPECT_EQ(0, memcmp(self->entries, again, count * sizeof(again[0])));
	ASSERT_LT(0, device_ask(self->fd, " again", first, ROOM));
	ASSERT_LT(0, device_ask(other, " again", second, ROOM));
	EXPECT_STREQ(first, second);
}

TEST_F(text, score_errors)
{
	int count = score(self->fd, "hello", 0, self->entries, 4096);

	ASSERT_LT(0, count);
	EXPECT_EQ(-EINVAL, score(self->fd, "hello", LLM_MAX_ALTERNATIVES + 1, self->entries, 4096));
	EXPECT_EQ(-ENOSPC, score(self->fd, "hello", 0, self->entries, count - 1));
	EXPECT_EQ(count, score(self->fd, "hello", 0, self->entries, count));
}

TEST_HARNESS_MAIN
