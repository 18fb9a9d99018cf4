// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed messages: all ways to break a rule of the kernel's policies, each of which
 * must be refused with the attribute to blame; and by the ten thousand at random, of
 * every command, with attributes that lack, come twice, are too short or long, of
 * unknown type, or nested wrongly, none of which may do harm.
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

/**
 * struct rule - what a policy says of an attribute
 * @type: NL_ATTR_TYPE_*, NL_ATTR_TYPE_INVALID where it is not taken
 * @most: bytes at most, or 0
 * @low: least value
 * @high: greatest value, or 0
 * @mask: bits it may have, or 0
 */
struct rule {
	__u32 type;
	__u32 most;
	__u64 low;
	__u64 high;
	__u64 mask;
};

#define ATTRIBUTES 64

/**
 * struct policy - what a command takes
 * @number: of the policy
 * @rules: by attribute
 */
struct policy {
	__u32 number;
	struct rule rules[ATTRIBUTES];
};

#define for_each_inner(inner, nest)							\
	for (inner = (const void *)((nest) + 1);					\
	     (const char *)inner < (const char *)(nest) + (nest)->nla_len;		\
	     inner = (const void *)((const char *)inner + NLA_ALIGN(inner->nla_len)))

static __u64 number_in(const struct nlattr *attribute)
{
	__u64 value = 0;

	memcpy(&value, attribute + 1, attribute->nla_len - NLA_HDRLEN < 8 ?
	       attribute->nla_len - NLA_HDRLEN : 8);
	return value;
}

static void read_rule(const struct nlattr *nest, struct rule *rule)
{
	const struct nlattr *fact;

	for_each_inner(fact, nest) {
		switch (fact->nla_type & NLA_TYPE_MASK) {
		case NL_POLICY_TYPE_ATTR_TYPE:
			rule->type = number_in(fact);
			break;
		case NL_POLICY_TYPE_ATTR_MAX_LENGTH:
			rule->most = number_in(fact);
			break;
		case NL_POLICY_TYPE_ATTR_MIN_VALUE_U:
		case NL_POLICY_TYPE_ATTR_MIN_VALUE_S:
			rule->low = number_in(fact);
			break;
		case NL_POLICY_TYPE_ATTR_MAX_VALUE_U:
		case NL_POLICY_TYPE_ATTR_MAX_VALUE_S:
			rule->high = number_in(fact);
			break;
		case NL_POLICY_TYPE_ATTR_MASK:
			rule->mask = number_in(fact);
			break;
		}
	}
}

/* A message of the dump tells which policies a command has, or a rule of one. */
static void read_policy(const struct genl_message *one, void *context)
{
	const struct nlattr *nest, *inner, *attribute;
	struct policy *policy = context;
	const void *found;

	found = genl_find(one, CTRL_ATTR_OP_POLICY, NULL);
	if (found) {
		nest = (const struct nlattr *)found - 1;
		for_each_inner(inner, nest)
			for_each_inner(attribute, inner)
				if ((attribute->nla_type & NLA_TYPE_MASK) == CTRL_ATTR_POLICY_DO)
					policy->number = number_in(attribute);
	}
	found = genl_find(one, CTRL_ATTR_POLICY, NULL);
	if (!found)
		return;
	nest = (const struct nlattr *)found - 1;
	for_each_inner(inner, nest) {
		if ((inner->nla_type & NLA_TYPE_MASK) != policy->number)
			continue;
		for_each_inner(attribute, inner)
			if ((attribute->nla_type & NLA_TYPE_MASK) < ATTRIBUTES)
				read_rule(attribute,
					  &policy->rules[attribute->nla_type & NLA_TYPE_MASK]);
	}
}

/* Returns how many messages told of it, or a negative errno. */
static int get_policy(struct genl *genl, __u8 command, struct policy *policy)
{
	__u16 family = genl->family;
	int error;

	memset(policy, 0, sizeof(*policy));
	genl->family = GENL_ID_CTRL;
	genl_begin(genl, &message, CTRL_CMD_GETPOLICY);
	genl_put(&message, CTRL_ATTR_FAMILY_ID, &family, sizeof(family));
	genl_put_u32(&message, CTRL_ATTR_OP, command);
	error = genl_do_all(genl, &message, read_policy, policy);
	genl->family = family;
	return error;
}

static size_t size_of(const struct rule *rule)
{
	switch (rule->type) {
	case NL_ATTR_TYPE_U32:
	case NL_ATTR_TYPE_S32:
		return 4;
	case NL_ATTR_TYPE_U64:
	case NL_ATTR_TYPE_S64:
		return 8;
	default:
		return 0;
	}
}

enum violation {
	TOO_SHORT,
	TOO_LONG,
	TOO_SMALL,
	TOO_GREAT,
	UNKNOWN_BITS,
	NESTED_OR_NOT,
	UNTERMINATED,
	CUT_OFF,
	VIOLATIONS,
};

/* Adds an attribute that breaks its rule in a way. Returns whether it can. */
static bool put_violation(__u16 type, const struct rule *rule, enum violation violation)
{
	static __u8 bytes[70000];
	bool nested = rule->type == NL_ATTR_TYPE_NESTED;
	size_t size = size_of(rule), length = 0;
	__u64 value = 0;

	if (rule->type == NL_ATTR_TYPE_INVALID)
		return false;
	switch (violation) {
	case TOO_SHORT:
		if (!size)
			return false;
		length = size - 1;
		break;
	case TOO_LONG:
		length = size ? size + 1 : rule->type == NL_ATTR_TYPE_FLAG ? 1 : rule->most + 1;
		if (nested || (!size && rule->type != NL_ATTR_TYPE_FLAG && !rule->most) ||
		    length > 60000)
			return false;
		/* The NUL is not counted. */
		length += rule->type == NL_ATTR_TYPE_NUL_STRING;
		break;
	case TOO_SMALL:
		value = rule->low - 1;
		length = size;
		break;
	case TOO_GREAT:
		value = rule->high + 1;
		length = size;
		break;
	case UNKNOWN_BITS:
		value = ~rule->mask;
		length = size;
		break;
	case NESTED_OR_NOT:
		length = size;
		type |= nested ? 0 : NLA_F_NESTED;
		break;
	case UNTERMINATED:
		if (rule->type != NL_ATTR_TYPE_NUL_STRING)
			return false;
		length = 3;
		break;
	default:
		if (!nested)
			return false;
		type |= NLA_F_NESTED;
		length = 3;
		break;
	}
	if ((violation == TOO_SMALL && !rule->low) || (violation == UNKNOWN_BITS && !rule->mask) ||
	    (violation == TOO_GREAT && (!rule->high || rule->high >= (size == 4 ? ~0U : ~0ULL))))
		return false;
	memset(bytes, 'a', length);
	if (violation == TOO_LONG && rule->type == NL_ATTR_TYPE_NUL_STRING)
		bytes[length - 1] = '\0';
	if (violation == TOO_SMALL || violation == TOO_GREAT || violation == UNKNOWN_BITS)
		memcpy(bytes, &value, size);
	genl_put(&message, type, bytes, length);
	return true;
}

/* Breaks a rule in all ways. Returns how many there are. */
static unsigned int break_rule(struct __test_metadata *_metadata, struct genl *genl,
			       __u8 command, __u16 type, const struct rule *rule)
{
	unsigned int tried = 0;

	for (int how = 0; how < VIOLATIONS; how++) {
		genl_begin(genl, &message, command);
		if (rule->type == NL_ATTR_TYPE_INVALID && !how)
			genl_put_u32(&message, type, 1);
		else if (!put_violation(type, rule, how))
			continue;
		EXPECT_GT(0, genl_do(genl, &message))
			TH_LOG("command %u, attribute %u, violation %d", command, type, how);
		EXPECT_EQ(type, genl->blamed)
			TH_LOG("command %u, violation %d: %s", command, how, genl->reason);
		tried++;
	}
	return tried;
}

TEST(every_rule_holds)
{
	struct genl *genl = calloc(1, sizeof(*genl));
	unsigned int rules = 0, tried = 0;
	struct policy policy;

	ASSERT_EQ(0, genl_open(genl));
	for (int command = LLM_CMD_MODEL_GET; command <= LLM_CMD_PUBLISH; command++) {
		if (command == LLM_CMD_TOKEN || command == LLM_CMD_DONE)
			continue;
		ASSERT_LT(0, get_policy(genl, command, &policy)) TH_LOG("command %d", command);
		for (__u16 type = 1; type < ATTRIBUTES; type++) {
			rules += policy.rules[type].type != NL_ATTR_TYPE_INVALID;
			tried += break_rule(_metadata, genl, command, type, &policy.rules[type]);
		}
	}
	TH_LOG("%u rules, broken in %u ways", rules, tried);
	/* The policies were found. */
	EXPECT_LT(40, rules);
	EXPECT_LT(200, tried);
	genl_close(genl);
	free(genl);
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
