// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed messages by the ten thousand: of every command, with attributes that
 * lack, come twice, are too short or long, of unknown type, or nested wrongly.
 * None may do harm; what is found to be wrong is refused.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "genl.h"
#include "harness.h"

#define MODEL "malformed"
#define MESSAGES 10000

static struct genl_message message;
static __u32 state = 1;

/* xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
static __u32 draw(__u32 below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static void put_noise(__u16 type, size_t length)
{
	__u8 bytes[4200];
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = draw(4) ? 'a' + draw(26) : draw(256);
	genl_put(&message, type, bytes, length);
}

/* An attribute that may be right in type and length, or not. */
static void put_attribute(void)
{
	static const size_t lengths[] = { 0, 1, 3, 4, 4, 4, 5, 8, 8, 9, 63, 64, 65, 257, 4097 };
	__u16 type = draw(36);
	size_t start = message.length;

	switch (draw(6)) {
	case 0:
		put_noise(type | (draw(2) ? NLA_F_NESTED : 0), lengths[draw(15)]);
		break;
	case 1:
		genl_put_u32(&message, type, draw(3) ? draw(100) : draw(~0U));
		break;
	case 2:
		genl_put_u64(&message, type, draw(100));
		break;
	case 3:
		genl_put_string(&message, type, draw(2) ? MODEL : "abc abc");
		break;
	case 4:
		genl_put(&message, LLM_A_REQUEST_SAMPLING | NLA_F_NESTED, "", 0);
		put_noise(draw(16), lengths[draw(10)]);
		((struct nlattr *)(message.bytes + start))->nla_len = message.length - start;
		break;
	default:
		/* A length that lies. */
		put_noise(type, lengths[draw(10)]);
		((struct nlattr *)(message.bytes + start))->nla_len = draw(100);
		break;
	}
}

TEST(malformed_messages)
{
	struct genl *genl = calloc(1, sizeof(*genl));
	unsigned int refused = 0, taken = 0, i, j;
	struct device_image image;
	int error;

	device_image_make(&image, 4);
	ASSERT_EQ(0, device_load(MODEL, &image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, genl_open(genl));
	for (i = 0; i < MESSAGES; i++) {
		genl_begin(genl, &message, draw(LLM_CMD_MAX + 3));
		for (j = draw(5); j; j--)
			put_attribute();
		if (!draw(20))
			message.length -= draw(message.length - NLMSG_HDRLEN);
		error = genl_do(genl, &message);
		ASSERT_GE(0, error);
		if (error)
			refused++;
		else
			taken++;
		ASSERT_NE(-EAGAIN, error) TH_LOG("message %u is not answered", i);
		while (genl->early_count || i % 64 == 0)
			if (genl_wait(genl, 0) < 0)
				break;
		/* Sessions that were opened by chance go with the socket. */
		if (i % 500 == 499) {
			genl_close(genl);
			ASSERT_EQ(0, genl_open(genl));
		}
	}
	EXPECT_LT(MESSAGES / 2, refused);
	EXPECT_LT(0, taken);
	/* It still works. */
	genl_begin(genl, &message, LLM_CMD_SESSION_OPEN);
	EXPECT_EQ(0, genl_do(genl, &message));
	genl_close(genl);
	EXPECT_EQ(0, device_unload_soon(MODEL));
	device_image_free(&image);
	free(genl);
}

TEST_HARNESS_MAIN
