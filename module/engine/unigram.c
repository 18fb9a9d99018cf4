// SPDX-License-Identifier: GPL-2.0
#include "unigram.h"

#include "utf8.h"

#define RELAX_EVERY	1024
#define MAX_TEXT	1024

/* The characters of a text, or U32_MAX where it is not UTF-8. */
static u32 count_characters(const u8 *text, u32 length)
{
	u32 count = 0;
	u32 at = 0;
	u32 point, size;

	for (; at < length; at += size) {
		size = llm_utf8_decode(text + at, length - at, &point);
		if (size == 1 && point == LLM_UTF8_REPLACEMENT)
			return U32_MAX;
		count++;
	}
	return count;
}

static int verify_replacement(const struct llm_image *image, u32 i, struct llm_error *error)
{
	const struct llm_image_replacement *r = &image->replacements[i];

	if (!r->from_length || r->from_length > MAX_TEXT || r->to_length > MAX_TEXT ||
	    (u64)r->from + r->from_length > image->strings_length ||
	    (u64)r->to + r->to_length > image->strings_length)
		return llm_refuse(error, -EINVAL,
				  "replacement %u: texts of %u and %u bytes at %u and %u are not within the strings",
				  i, r->from_length, r->to_length, r->from, r->to);
	/* Of what is not UTF-8 there is no bound either. */
	if (count_characters(image->strings + r->to, r->to_length) >
	    LLM_REPLACEMENT_GROWTH * r->from_length)
		return llm_refuse(error, -EINVAL,
				  "replacement %u: is not UTF-8, or too much for %u bytes", i,
				  r->from_length);
	return 0;
}

int llm_unigram_verify(const struct llm_image *image, struct llm_error *error)
{
	int err = 0;
	u32 i;

	for (i = 0; i < image->replacement_count && !err; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		err = verify_replacement(image, i, error);
	}
	return err;
}

static int add_replacements(struct llm_unigram *unigram, struct llm_error *error)
{
	const struct llm_image *image = unigram->image;
	const struct llm_image_replacement *r;
	u32 i, count;
	int err;

	err = llm_trie_create(&unigram->replacements, image->strings, image->replacement_count,
			      error);
	for (i = 0; i < image->replacement_count && !err; i++) {
		r = &image->replacements[i];
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (!llm_trie_add(&unigram->replacements, r->from, r->from_length, i))
			err = llm_refuse(error, -EINVAL,
					 "replacement %u: too many texts with the same hash", i);
		count = count_characters(image->strings + r->to, r->to_length);
		unigram->growth = max(unigram->growth, DIV_ROUND_UP(count, r->from_length));
	}
	return err ? err : llm_trie_finish(&unigram->replacements, error);
}

int llm_unigram_init(struct llm_unigram *unigram, const struct llm_image *image,
		     struct llm_error *error)
{
	int err;

	unigram->image = image;
	unigram->growth = 1;
	err = llm_trie_init(&unigram->tokens, image,
			    1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER |
			    1U << LLM_TOKEN_UNUSED, error);
	for (unigram->sums = 1; unigram->sums <= max(unigram->tokens.longest, LLM_UTF8_MOST);)
		unigram->sums *= 2;
	return err ? err : add_replacements(unigram, error);
}

void llm_unigram_destroy(struct llm_unigram *unigram)
{
	llm_trie_destroy(&unigram->replacements);
	llm_trie_destroy(&unigram->tokens);
}

u64 llm_unigram_memory(const struct llm_unigram *unigram)
{
	return llm_trie_memory(&unigram->tokens) + llm_trie_memory(&unigram->replacements);
}

u32 llm_unigram_most(const struct llm_unigram *unigram, u32 length)
{
	/*
	 * And a space before the text and after each token that was cut out of it, which
	 * takes a byte, as what follows does. Before other words one was left out.
	 */
	return unigram->growth * length + 1 + length / 2;
}

/**
 * struct reading - a text as it is read
 * @to: where it goes
 * @room: bytes there are
 * @length: bytes there were to go there
 * @merge: whether there is one space before each word, and none else
 * @space_before: whether one is due before the first word
 * @in_word: whether the last byte was no space
 */
struct reading {
	u8 *to;
	u64 room;
	u64 length;
	bool merge;
	bool space_before;
	bool in_word;
};

static void read_byte(struct reading *r, u8 byte)
{
	if (r->length < r->room)
		r->to[r->length] = byte;
	r->length++;
}

static void read_bytes(struct reading *r, const u8 *bytes, u32 length)
{
	u32 i;

	for (i = 0; i < length; i++) {
		if (bytes[i] == ' ') {
			r->in_word = false;
			if (!r->merge)
				read_byte(r, ' ');
			continue;
		}
		if (!r->in_word && (r->merge || r->space_before))
			read_byte(r, ' ');
		if (!r->in_word)
			r->space_before = false;
		r->in_word = true;
		read_byte(r, bytes[i]);
	}
}

/* Reads what is at a place of a text; returns where it ends. */
static u32 read_place(struct reading *r, const struct llm_unigram *unigram, const u8 *text,
		      u32 length, u32 at)
{
	const struct llm_image *image = unigram->image;
	const struct llm_image_replacement *replacement;
	u8 bytes[LLM_UTF8_MOST];
	u32 end, point, found, size;

	/* What most texts are of most of the time. */
	if (text[at] < 0x80 && !unigram->replacements.first[text[at]]) {
		read_bytes(r, text + at, 1);
		return at + 1;
	}
	found = llm_trie_longest(&unigram->replacements, text, length, at, &end);
	if (found == LLM_IMAGE_NONE) {
		end = at + llm_utf8_decode(text + at, length - at, &point);
		size = llm_utf8_encode(point, bytes);
		read_bytes(r, bytes, size);
	} else {
		replacement = &image->replacements[found];
		read_bytes(r, image->strings + replacement->to, replacement->to_length);
	}
	return end;
}

/* Returns the bytes there are, of which those that there is room for are there. */
static u64 read_text(const struct llm_unigram *unigram, const u8 *text, u32 length,
		     bool space_before, u8 *to, u64 room)
{
	struct reading r = {
		.to = to,
		.room = room,
		.merge = unigram->image->tokenizer.flags & LLM_TOKENIZER_MERGE_SPACES,
		.space_before = space_before,
	};
	u32 steps = 0;
	u32 at = 0;

	while (at < length) {
		at = read_place(&r, unigram, text, length, at);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	return r.length;
}

/* A text as it is read, in memory of @room bytes; or NULL. */
static u8 *read_whole(const struct llm_unigram *unigram, const u8 *text, u32 length,
		      bool space_before, u64 *room, u64 *count)
{
	u8 *read;

	/* Few texts become longer, and those are read again. */
	for (*room = length + length / 2 + 16; *room < S32_MAX; *room = *count) {
		read = llm_alloc_unset(*room);
		if (!read)
			return NULL;
		*count = read_text(unigram, text, length, space_before, read, *room);
		if (*count <= *room)
			return read;
		llm_free_private(read, *room);
	}
	return NULL;
}

/* Tokens have spaces where U+2581 stands for them; returns how long the text is then. */
static u32 replace_marks(u8 *text, u32 length)
{
	u32 count = 0;
	u32 at = 0;

	while (at < length) {
		if (llm_utf8_is_space_mark(text + at, length - at)) {
			text[count++] = ' ';
			at += 3;
		} else {
			text[count++] = text[at++];
		}
	}
	return count;
}

/* Places that a window has room for at first: most texts have a cut after fewer. */
#define WINDOW		4096
/* The token that ends at a place, and its length: both have few enough bits. */
#define LENGTH_BITS	11
#define LENGTH_MASK	((1U << LENGTH_BITS) - 1)

/**
 * struct lattice - the best ways through a text up to each place (Viterbi's algorithm)
 * @unigram: vocabulary
 * @list: gets the tokens
 * @sums: of the scores on the best way to a place, by the last bits of its number: from where
 *	tokens begin to where they end at most; S64_MIN where there is no way yet
 * @mask: these bits
 * @reach: the last place that a token has reached
 * @steps: last step of the best way to each place behind @start: token << LENGTH_BITS | length
 * @room: how many there is room for
 * @start: a cut, up to which the tokens are known. A cut is a place that no token crosses: all
 *	ways go through it, so what follows does not change the best way to it. The steps behind
 *	it then go where those before it were. Between most words of most texts there are cuts;
 *	where there are none, there is in the end room for as many steps as the text has bytes
 * @unknown: whether the last token known is that for unknown characters
 */
struct lattice {
	const struct llm_unigram *unigram;
	struct llm_token_list *list;
	s64 *sums;
	u32 mask;
	u32 reach;
	u32 *steps;
	u32 room;
	u32 start;
	bool unknown;
};

static s64 *sum_of(const struct lattice *l, u32 place)
{
	return &l->sums[place & l->mask];
}

static void offer(struct lattice *l, u32 from, u32 end, u32 token, s64 sum)
{
	s64 *best = sum_of(l, end);

	if (sum <= *best)
		return;
	*best = sum;
	l->steps[end - l->start] = token << LENGTH_BITS | (end - from);
}

/* All tokens at a place; returns where its character ends. */
static u32 try_tokens(struct lattice *l, const u8 *text, u32 length, u32 from)
{
	const struct llm_image_token *vocab = l->unigram->image->vocab;
	u32 end = from + min(llm_utf8_claimed(text[from]), length - from);
	u32 unknown = l->unigram->image->tokenizer.unknown;
	struct llm_trie_walk walk = { .end = from };
	s64 before = *sum_of(l, from);
	u32 longest = end;
	bool known = false;
	u32 token, place;

	for (;;) {
		token = llm_trie_next(&l->unigram->tokens, &walk, text, length);
		if (token == LLM_IMAGE_NONE)
			break;
		known = known || walk.end == end;
		longest = max(longest, walk.end);
		offer(l, from, walk.end, token, before + vocab[token].rank);
	}
	if (!known)
		offer(l, from, end, unknown, before + vocab[unknown].rank);
	l->reach = max(l->reach, longest);
	/* Where they are is for places that no token has reached yet. */
	for (place = from; place < end; place++)
		*sum_of(l, place) = S64_MIN;
	return end;
}

/*
 * The best way to a cut is known from its end: its tokens go where its steps were, which are
 * no fewer, and from there to the list.
 */
static void add_tokens(struct lattice *l, u32 cut)
{
	u32 unknown = l->unigram->image->tokenizer.unknown;
	u32 last = cut - l->start;
	u32 first = last + 1;
	u32 at, step;

	for (at = last; at > 0; at -= step & LENGTH_MASK) {
		step = l->steps[at];
		l->steps[--first] = step >> LENGTH_BITS;
	}
	for (; first <= last; first++) {
		if (l->steps[first] != unknown || !l->unknown)
			llm_token_list_add(l->list, l->steps[first]);
		l->unknown = l->steps[first] == unknown;
	}
	l->start = cut;
}

static int set_room(struct lattice *l, u32 room)
{
	u32 *steps = llm_alloc_unset((room + 1ULL) * sizeof(*steps));

	if (!steps)
		return -ENOMEM;
	if (l->steps)
		memcpy(steps, l->steps, (l->room + 1ULL) * sizeof(*steps));
	llm_free_private(l->steps, (l->room + 1ULL) * sizeof(*steps));
	l->steps = steps;
	l->room = room;
	return 0;
}

static int find_ways(struct lattice *l, const u8 *text, u32 length)
{
	u32 steps = 0;
	u32 at = 0;
	u32 i;
	int err;

	err = set_room(l, min(length, WINDOW));
	if (err)
		return err;
	for (i = 1; i <= l->mask; i++)
		l->sums[i] = S64_MIN;
	l->sums[0] = 0;
	while (at < length) {
		if (at == l->reach)
			add_tokens(l, at);
		if (min(l->mask, length - at) > l->room - (at - l->start)) {
			err = set_room(l, length - l->start);
			if (err)
				return err;
		}
		at = try_tokens(l, text, length, at);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	add_tokens(l, length);
	return 0;
}

static int choose_tokens(const struct llm_unigram *unigram, const u8 *read, u32 length,
			 struct llm_token_list *list)
{
	u64 size = unigram->sums * sizeof(s64);
	struct lattice l = {
		.unigram = unigram,
		.list = list,
		.mask = unigram->sums - 1,
		.sums = llm_alloc_unset(size),
	};
	int err = -ENOMEM;

	if (l.sums)
		err = find_ways(&l, read, length);
	if (l.steps)
		llm_free_private(l.steps, (l.room + 1ULL) * sizeof(*l.steps));
	llm_free_private(l.sums, size);
	return err;
}

int llm_unigram_tokenize(const struct llm_unigram *unigram, const u8 *text, u32 length,
			 bool space_before, struct llm_token_list *list)
{
	u64 room, count;
	u8 *read = read_whole(unigram, text, length, space_before, &room, &count);
	int err;

	if (!read)
		return -ENOMEM;
	err = choose_tokens(unigram, read, replace_marks(read, count), list);
	llm_free_private(read, room);
	return err;
}
