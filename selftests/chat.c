// SPDX-License-Identifier: GPL-2.0
/*
 * Conversations: what is written to a model with a chat template is a message of the
 * user. Whether the pieces around it are right shows in the reply: it is that to the
 * whole text, written raw.
 */
#include <fcntl.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL	"chat"
#define PLAIN	"chat-plain"
#define ROOM	16384
#define TOKENS	40
#define LETTER_B (TINY_TOKEN_WORDS + 2)

FIXTURE(chat)
{
	struct device_image image;
	struct device_image plain;
	char first[ROOM];
	char second[ROOM];
};

FIXTURE_SETUP(chat)
{
	struct tiny_image_options options = { .seed = 11, .chat = true };

	device_image_build(&self->image, &options);
	options.chat = false;
	device_image_build(&self->plain, &options);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	ASSERT_EQ(0, device_load(PLAIN, &self->plain, 0));
}

FIXTURE_TEARDOWN_PARENT(chat)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(0, device_unload_soon(PLAIN));
}

static int set_raw(int fd, __u32 raw)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_RAW, .raw = raw };

	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

static int set_system(int fd, const char *text)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_SYSTEM,
		.system = (uintptr_t)text,
		.system_length = strlen(text),
	};

	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

static int set_chat(int fd, const struct llm_image_chat *chat)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CHAT, .chat = (uintptr_t)chat };

	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

/* A session that replies with the likeliest tokens. */
static int open_session(const struct device_image *image, const char *model)
{
	return device_session(model, image, TOKENS);
}

/* The reply to a text as it is, control tokens recognised. */
static ssize_t ask_raw(const struct device_image *image, const char *text, char *reply,
		       struct llm_session_info *info)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_RAW | LLM_SETUP_SPECIAL, .raw = 1, .special = 1,
	};
	int fd = open_session(image, MODEL);
	ssize_t got = fd;

	if (fd >= 0)
		got = device_ioctl(fd, LLM_IOC_SETUP, &setup);
	if (got >= 0)
		got = device_ask(fd, text, reply, ROOM);
	*info = device_status(fd);
	close(fd);
	return got;
}

TEST_F(chat, message_is_put_into_the_template)
{
	int fd = open_session(&self->image, MODEL);
	struct llm_session_info one, other;

	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_ask(fd, "the sand", self->first, ROOM));
	one = device_status(fd);
	ASSERT_LT(0, ask_raw(&self->image, "u:the sand<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
	EXPECT_EQ(other.used, one.used);
	EXPECT_EQ(other.tokens_in, one.tokens_in);
}

TEST_F(chat, newline_that_echo_writes_is_left_out)
{
	int fd = open_session(&self->image, MODEL);
	struct llm_session_info other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_write(fd, "the "));
	ASSERT_LT(0, device_ask(fd, "sand\n", self->first, ROOM));
	ASSERT_LT(0, ask_raw(&self->image, "u:the sand<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
}

/* Replies that end by themselves, and by the number of tokens, and then an empty message. */
TEST_F(chat, turns_are_one_text)
{
	int fd = open_session(&self->image, MODEL);
	struct llm_session_info one, other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_only(fd, TINY_TOKEN_TURN_END));
	ASSERT_EQ(0, device_ask(fd, "the sand", self->first, ROOM));
	EXPECT_EQ(LLM_REASON_END, device_status(fd).reason);

	ASSERT_EQ(0, device_only(fd, TINY_TOKEN_EOS));
	ASSERT_EQ(0, device_ask(fd, "and", self->first, ROOM));

	ASSERT_EQ(0, device_only(fd, LETTER_B));
	ASSERT_EQ(0, device_max_tokens(fd, 1));
	ASSERT_EQ(1, device_ask(fd, "her ring", self->first, ROOM));
	EXPECT_STREQ("b", self->first);

	ASSERT_EQ(0, device_endless(fd, &self->image));
	ASSERT_EQ(0, device_max_tokens(fd, TOKENS));
	ASSERT_LT(0, device_ask(fd, "\n", self->first, ROOM));
	one = device_status(fd);
	ASSERT_LT(0, ask_raw(&self->image,
			     "u:the sand<end>a:<end>u:and<end>a:<end>u:her ring<end>a:b"
			     "<end>u:<end>a:",
			     self->second, &other));
	EXPECT_STREQ(self->second, self->first);
	EXPECT_EQ(other.used, one.used);
}

TEST_F(chat, message_holds_no_control_tokens)
{
	int fd = open_session(&self->image, MODEL);
	int empty = open_session(&self->image, MODEL);
	struct llm_session_info other;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, empty);
	ASSERT_LT(0, device_ask(fd, "<end>u:<end>", self->first, ROOM));
	ASSERT_LT(0, device_ask(empty, "\n", self->second, ROOM));
	/* Seven characters more than the two tokens they would be, but for "nd". */
	EXPECT_LE(device_status(empty).tokens_in + 2 + 2 * 4, device_status(fd).tokens_in);
	ASSERT_LT(0, ask_raw(&self->image, "u:<end>u:<end><end>a:", self->second, &other));
	EXPECT_LT(other.tokens_in, device_status(fd).tokens_in);
	EXPECT_STRNE(self->second, self->first);
}

TEST_F(chat, system_message)
{
	int fd = open_session(&self->image, MODEL);
	struct llm_session_info other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_system(fd, "another"));
	ASSERT_EQ(0, set_system(fd, "be sand\n"));
	ASSERT_LT(0, device_ask(fd, "the", self->first, ROOM));
	ASSERT_LT(0, ask_raw(&self->image, "s:be sand<end>u:the<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
	EXPECT_EQ(other.used, device_status(fd).used);

	EXPECT_EQ(-EBUSY, set_system(fd, "late"));
	EXPECT_EQ(-EBUSY, set_chat(fd, NULL));
	EXPECT_EQ(0, set_raw(fd, 0));
	close(fd);

	fd = open_session(&self->image, MODEL);
	ASSERT_EQ(0, set_system(fd, "gone"));
	ASSERT_EQ(0, set_system(fd, ""));
	ASSERT_LT(0, device_ask(fd, "the", self->first, ROOM));
	ASSERT_LT(0, ask_raw(&self->image, "u:the<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
}

TEST_F(chat, raw_text_is_as_without_a_template)
{
	int fd = open_session(&self->image, MODEL);
	int plain = open_session(&self->plain, PLAIN);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, plain);
	ASSERT_EQ(0, set_raw(fd, 1));
	ASSERT_LT(0, device_ask(fd, "the sand\n", self->first, ROOM));
	ASSERT_LT(0, device_ask(plain, "the sand\n", self->second, ROOM));
	EXPECT_STREQ(self->second, self->first);
	EXPECT_EQ(device_status(plain).used, device_status(fd).used);
	EXPECT_EQ(-EINVAL, set_raw(fd, 2));
}

TEST_F(chat, template_of_the_session)
{
	const struct llm_image_chat *chat = device_image_section(&self->image, LLM_SECTION_CHAT,
								 NULL);
	int fd = open_session(&self->plain, PLAIN);
	struct llm_session_info other;
	struct llm_image_chat copy = *chat;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_chat(fd, &copy));
	memset(&copy, 0xff, sizeof(copy));
	ASSERT_EQ(0, set_system(fd, "be"));
	ASSERT_LT(0, device_ask(fd, "the sand", self->first, ROOM));
	ASSERT_LT(0, ask_raw(&self->image, "s:be<end>u:the sand<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
	close(fd);

	/* Taken back, there is none. */
	fd = open_session(&self->plain, PLAIN);
	ASSERT_EQ(0, set_chat(fd, chat));
	ASSERT_EQ(0, set_chat(fd, NULL));
	ASSERT_LT(0, device_ask(fd, "the sand", self->first, ROOM));
	close(fd);
	fd = open_session(&self->plain, PLAIN);
	ASSERT_LT(0, device_ask(fd, "the sand", self->second, ROOM));
	EXPECT_STREQ(self->second, self->first);
}

TEST_F(chat, template_without_pieces)
{
	struct llm_image_chat chat = { .flags = LLM_CHAT_TRIM };
	int fd = open_session(&self->plain, PLAIN);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_chat(fd, &chat));
	/* A BOS is something; then there is nothing, since what ends a reply is left out. */
	ASSERT_EQ(0, device_only(fd, TINY_TOKEN_TURN_END));
	ASSERT_EQ(0, device_ask(fd, " \n", self->first, ROOM));
	EXPECT_EQ(LLM_REASON_END, device_status(fd).reason);
	ASSERT_EQ(0, device_write(fd, " \n"));
	EXPECT_EQ(-ENODATA, device_start(fd));
	ASSERT_EQ(0, device_endless(fd, &self->plain));
	ASSERT_LT(0, device_ask(fd, "the", self->first, ROOM));
}

TEST_F(chat, hostile_templates_are_refused)
{
	const struct llm_image_chat *valid = device_image_section(&self->image, LLM_SECTION_CHAT,
								  NULL);
	struct llm_image_chat chat = *valid;
	int fd = open_session(&self->image, MODEL);
	struct llm_session_setup setup = {
		.set = LLM_SETUP_CHAT | LLM_SETUP_RAW | LLM_SETUP_SYSTEM, .raw = 1, .chat = 64,
		.system = (uintptr_t)"s", .system_length = 1,
	};
	struct llm_session_info other;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFAULT, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	setup.chat = (uintptr_t)&chat;
	setup.system = 64;
	EXPECT_EQ(-EFAULT, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	setup.system_length = LLM_MAX_TEXT + 1;
	EXPECT_EQ(-EINVAL, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	memset(chat.first, 'a', sizeof(chat.first));
	EXPECT_EQ(-EINVAL, set_chat(fd, &chat));
	chat = *valid;
	chat.next[LLM_CHAT_PIECE - 1] = 'a';
	EXPECT_EQ(-EINVAL, set_chat(fd, &chat));
	chat = *valid;
	chat.reserved[0] = 1;
	EXPECT_EQ(-EINVAL, set_chat(fd, &chat));
	chat = *valid;
	chat.flags = 1U << 31;
	EXPECT_EQ(-EOPNOTSUPP, set_chat(fd, &chat));
	/* None of it was taken. */
	ASSERT_LT(0, device_ask(fd, "the sand", self->first, ROOM));
	ASSERT_LT(0, ask_raw(&self->image, "u:the sand<end>a:", self->second, &other));
	EXPECT_STREQ(self->second, self->first);
}

TEST_F(chat, system_message_needs_a_template)
{
	int fd = open_session(&self->plain, PLAIN);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_system(fd, "be"));
	ASSERT_EQ(0, device_write(fd, "the"));
	EXPECT_EQ(-EOPNOTSUPP, device_start(fd));
	EXPECT_EQ(-EOPNOTSUPP, device_read(fd, self->first, ROOM, 100));
	/* The text is still there. */
	ASSERT_EQ(0, set_system(fd, ""));
	EXPECT_LT(0, device_read(fd, self->first, ROOM, 100));
	close(fd);

	fd = open_session(&self->image, MODEL);
	ASSERT_EQ(0, set_system(fd, "be"));
	ASSERT_EQ(0, set_raw(fd, 1));
	ASSERT_EQ(0, device_write(fd, "the"));
	EXPECT_EQ(-EOPNOTSUPP, device_start(fd));
}

TEST_F(chat, models_tell_of_their_templates)
{
	struct llm_model_info info;

	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_TRUE(info.flags & LLM_MODEL_CHAT);
	EXPECT_STREQ("tiny", (char *)info.chat);
	ASSERT_TRUE(device_find_model(PLAIN, &info));
	EXPECT_FALSE(info.flags & LLM_MODEL_CHAT);
	EXPECT_STREQ("", (char *)info.chat);
}

TEST_F(chat, prompt_of_a_letter_is_a_message)
{
	int fd = device_open(O_WRONLY);
	struct llm_session_info other;
	size_t length;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_model(fd, MODEL));
	ASSERT_EQ(0, device_max_tokens(fd, TOKENS));
	ASSERT_EQ(0, device_endless(fd, &self->image));
	ASSERT_EQ(0, device_seed(fd, 0));
	ASSERT_EQ(0, device_write(fd, "the sand\n"));
	ASSERT_EQ(0, close(fd));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->first, ROOM, 100));
	ASSERT_LT(0, ask_raw(&self->image, "u:the sand<end>a:", self->second, &other));
	length = strlen(self->second);
	if (self->second[length - 1] != '\n')
		strcpy(self->second + length, "\n");
	EXPECT_STREQ(self->second, self->first);
}

TEST_F(chat, full_context_refuses_a_turn_and_no_more)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 24 };
	int fd = open_session(&self->image, MODEL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	ASSERT_EQ(0, device_write(fd, "the long and longer and longest of all sands"));
	EXPECT_EQ(-ENOSPC, device_start(fd));
	ASSERT_EQ(0, device_max_tokens(fd, 0));
	ASSERT_LT(0, device_ask(fd, "a", self->first, ROOM));
	EXPECT_EQ(LLM_REASON_CONTEXT, device_status(fd).reason);
	ASSERT_EQ(0, device_write(fd, "a"));
	EXPECT_EQ(-ENOSPC, device_start(fd));
}

FIXTURE(unknown)
{
	struct device_image image;
	char reply[ROOM];
};

FIXTURE_SETUP(unknown)
{
	struct tiny_image_options options = { .seed = 11, .chat = true };
	struct llm_image_chat *chat;

	device_image_build(&self->image, &options);
	chat = device_image_section(&self->image, LLM_SECTION_CHAT, NULL);
	memset(chat, 0, sizeof(*chat));
	chat->flags = LLM_CHAT_UNKNOWN;
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
}

FIXTURE_TEARDOWN_PARENT(unknown)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

TEST_F(unknown, text_has_to_be_raw)
{
	struct llm_model_info info;
	int fd = open_session(&self->image, MODEL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_write(fd, "the sand"));
	EXPECT_EQ(-EOPNOTSUPP, device_start(fd));
	EXPECT_EQ(-EOPNOTSUPP, device_read(fd, self->reply, ROOM, 100));
	ASSERT_EQ(0, set_raw(fd, 1));
	EXPECT_LT(0, device_read(fd, self->reply, ROOM, 100));
	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_TRUE(info.flags & LLM_MODEL_CHAT);
	EXPECT_STREQ("", (char *)info.chat);
}

TEST_F(unknown, letter_is_refused)
{
	int fd = device_open(O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_model(fd, MODEL));
	ASSERT_EQ(0, device_write(fd, "the sand"));
	EXPECT_EQ(-1, close(fd));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

TEST_F(unknown, template_can_be_given)
{
	struct llm_image_chat chat = { .first = "u:", .reply = "<end>a:", .next = "<end>u:" };
	int fd = open_session(&self->image, MODEL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_chat(fd, &chat));
	EXPECT_LT(0, device_ask(fd, "the sand", self->reply, ROOM));
}

TEST_HARNESS_MAIN
