/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_UTF8_H
#define LLM_ENGINE_UTF8_H

#include "platform.h"

/** LLM_UTF8_REPLACEMENT - code point that stands for a byte that is not UTF-8. */
#define LLM_UTF8_REPLACEMENT	0xfffdU
/** LLM_UTF8_END - one more than the last code point. */
#define LLM_UTF8_END		0x110000U
/** LLM_UTF8_MOST - bytes of a character at most. */
#define LLM_UTF8_MOST		4
/** LLM_UTF8_GROWTH - bytes that decoding and encoding make of one at most. */
#define LLM_UTF8_GROWTH		3

/** LLM_UTF8_SPACE_MARK - what SentencePiece writes for a space, U+2581. */
#define LLM_UTF8_SPACE_MARK	"\xe2\x96\x81"

/**
 * llm_utf8_is_space_mark() - whether a text begins with LLM_UTF8_SPACE_MARK
 * @text: text
 * @length: bytes
 */
static inline bool llm_utf8_is_space_mark(const u8 *text, u32 length)
{
	/* Not by memcmp(), which is a call in the kernel: this is asked of every character. */
	return length >= 3 && text[0] == 0xe2 && text[1] == 0x96 && text[2] == 0x81;
}

static inline bool llm_utf8_continues(u8 byte)
{
	return (byte & 0xc0) == 0x80;
}

/**
 * llm_utf8_claimed() - the bytes of a character, as its first one says
 * @first: that byte, which may be any
 */
static inline u32 llm_utf8_claimed(u8 first)
{
	if (first < 0xc0)
		return 1;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

/**
 * llm_utf8_decode() - the first character of a text
 * @text: text
 * @length: bytes, at least 1
 * @point: set to its code point, below LLM_UTF8_END
 *
 * As llama.cpp's unicode_cpt_from_utf8(): surrogates are taken, any other byte
 * that is not UTF-8 is LLM_UTF8_REPLACEMENT.
 *
 * Return: the bytes it takes, 1..LLM_UTF8_MOST.
 */
static inline u32 llm_utf8_decode(const u8 *text, u32 length, u32 *point)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	u32 value = text[0] & (0x7f >> size);
	u32 i;

	*point = text[0];
	if (text[0] < 0x80)
		return 1;
	*point = LLM_UTF8_REPLACEMENT;
	if (text[0] < 0xc0 || text[0] >= 0xf8 || size > length)
		return 1;
	for (i = 1; i < size; i++) {
		if (!llm_utf8_continues(text[i]))
			return 1;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (value < least[size] || value >= LLM_UTF8_END)
		return 1;
	*point = value;
	return size;
}

/**
 * llm_utf8_encode() - the bytes of a character
 * @point: code point, below LLM_UTF8_END
 * @to: where they go, LLM_UTF8_MOST at most
 *
 * Return: how many.
 */
static inline u32 llm_utf8_encode(u32 point, u8 *to)
{
	u32 size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	u32 i;

	for (i = size - 1; i > 0; i--) {
		to[i] = 0x80 | (point & 0x3f);
		point >>= 6;
	}
	to[0] = size == 1 ? point : (0xf00 >> size & 0xff) | point;
	return size;
}

#endif /* LLM_ENGINE_UTF8_H */
