// SPDX-License-Identifier: GPL-2.0
/*
 * Products of weights in groups of blocks of 32 for AVX-512 with VNNI. Each type
 * says how its columns come out of a group; the rest is one loop.
 */
#include "avx512_groups.h"

/* Input rows that take turns. */
#define TURNS 4

/* LLM_BLOCK columns of sixteen rows, none negative: four columns a register. */
struct columns {
	__m512i at[LLM_BLOCK / 4];
};

/* Bytes of four bits each: the lower fours are the first half of the columns. */
static __always_inline struct columns take_fours(const u8 *low_high)
{
	const __m512i low = _mm512_set1_epi8(15);
	struct columns w;
	__m512i two;
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < LLM_BLOCK / 8; i++) {
		two = load_wide(low_high + 64 * i);
		w.at[i] = _mm512_and_si512(two, low);
		w.at[i + LLM_BLOCK / 8] = _mm512_and_si512(_mm512_srli_epi16(two, 4), low);
	}
	return w;
}

/* The values of IQ4_NL, with 128 added. */
static __always_inline struct columns look_up(struct columns w)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;
	__m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)values));
	u32 i;

	table = _mm512_xor_si512(table, _mm512_set1_epi8((s8)128));
#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.at[i] = _mm512_shuffle_epi8(table, w.at[i]);
	return w;
}

/*
 * Adds @n fours of columns times those that each of @rows input blocks has at byte
 * @at to its products. The rows take turns: a sum waits for what was added before.
 */
static __always_inline void add_columns(__m512i *products, const struct llm_block_x8 *const *x,
					const u32 rows, const __m512i *columns, const u32 at,
					const u32 n)
{
	__m512i four;
	u32 i, k;

#pragma GCC unroll 8
	for (k = 0; k < n; k++) {
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			four = broadcast_four(x[i]->values + at + 4 * k);
			products[i] = _mm512_dpbusd_epi32(products[i], columns[k], four);
		}
	}
}

/* Adds 16 where a column's bit is set in the 32 bits of its row. */
static __always_inline struct columns add_fifths(struct columns w, const u8 *fifth)
{
	const __m512i fours = _mm512_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0,
					       0x0c0c0c0c, 0x08080808, 0x04040404, 0,
					       0x0c0c0c0c, 0x08080808, 0x04040404, 0,
					       0x0c0c0c0c, 0x08080808, 0x04040404, 0);
	const __m512i sixteen = _mm512_set1_epi8(16);
	__m512i bits = load_wide(fifth), byte, place;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++) {
		byte = _mm512_shuffle_epi8(bits, _mm512_add_epi8(fours, _mm512_set1_epi8(i / 2)));
		place = _mm512_set1_epi32(i % 2 ? (s32)0x80402010 : 0x08040201);
		w.at[i] = _mm512_mask_add_epi8(w.at[i], _mm512_test_epi8_mask(byte, place),
					       w.at[i], sixteen);
	}
	return w;
}

static __always_inline struct columns take_q4_0(const u8 *group)
{
	return take_fours(group + GROUP_OFFSET(struct llm_block_q4_0, low_high));
}

static __always_inline struct columns take_q4_1(const u8 *group)
{
	return take_fours(group + GROUP_OFFSET(struct llm_block_q4_1, low_high));
}

static __always_inline struct columns take_q5_0(const u8 *group)
{
	return add_fifths(take_fours(group + GROUP_OFFSET(struct llm_block_q5_0, low_high)),
			  group + GROUP_OFFSET(struct llm_block_q5_0, fifth));
}

static __always_inline struct columns take_q5_1(const u8 *group)
{
	return add_fifths(take_fours(group + GROUP_OFFSET(struct llm_block_q5_1, low_high)),
			  group + GROUP_OFFSET(struct llm_block_q5_1, fifth));
}

static __always_inline struct columns take_q8_0(const u8 *group)
{
	const u8 *values = group + GROUP_OFFSET(struct llm_block_q8_0, values);
	struct columns w;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.at[i] = load_wide(values + 64 * i);
	return w;
}

static __always_inline struct columns take_iq4_nl(const u8 *group)
{
	return look_up(take_fours(group + GROUP_OFFSET(struct llm_block_q4_0, low_high)));
}

/* The values have 12 added. */
static __always_inline struct columns take_mxfp4(const u8 *group)
{
	static const s8 values[16] = LLM_KVALUES_MXFP4;
	__m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)values));
	struct columns w = take_fours(group + GROUP_OFFSET(struct llm_block_mxfp4, low_high));
	u32 i;

	table = _mm512_add_epi8(table, _mm512_set1_epi8(12));
#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.at[i] = _mm512_shuffle_epi8(table, w.at[i]);
	return w;
}

/* llm_mxfp4_scale() */
static __always_inline __m512 load_exponents(const u8 *exponents)
{
	__m512i e = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)exponents));
	__m512i small = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
	__m512i ordinary = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
	__mmask16 few = _mm512_cmplt_epi32_mask(e, _mm512_set1_epi32(2));

	return _mm512_castsi512_ps(_mm512_mask_mov_epi32(ordinary, few, small));
}

/* A block of a group: minima only where nothing was added to the weights. */
struct block {
	struct columns w;
	__m512 scales;
	__m512 minima;
};

/* Adds the block times block @b of @rows rows, at most TURNS. */
static __always_inline void add_block(__m512 *sums, const struct llm_block_x8 *const *rows_x,
				      u32 b, const u32 rows, const struct block *block,
				      const s32 added)
{
	const struct llm_block_x8 *x[TURNS];
	__m512i products[TURNS];
	__m512 scale, sum;
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		x[i] = &rows_x[i][b];
		products[i] = _mm512_set1_epi32(added == 128 ? x[i]->offset :
						(x[i]->offset >> 7) * added);
	}
	add_columns(products, x, rows, block->w.at, 0, LLM_BLOCK / 4);
#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		scale = _mm512_set1_ps(llm_float(x[i]->scale_bits));
		sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[i]),
					  _mm512_mul_ps(block->scales, scale), sums[i]);
		if (added)
			continue;
		sum = _mm512_set1_ps(llm_float(x[i]->sum_bits));
		sums[i] = _mm512_fmadd_ps(block->minima, sum, sums[i]);
	}
}

/*
 * Asks for a block after this one. What the processor reads ahead by itself is enough for
 * up to four rows of whole bytes, and for one row of fewer bits but for what it misses.
 */
static __always_inline void fetch_block(const u8 *group, const u32 bytes, const u32 rows)
{
	if (rows < ROWS && bytes >= LLM_BLOCK)
		return;
	if (rows == 1)
		fetch_once(group, LLM_GROUP * bytes);
	else
		fetch_ahead(group, LLM_GROUP * bytes, rows, bytes);
}

typedef struct columns (*take)(const u8 *group);
typedef __m512 (*load)(const u8 *scales);

/*
 * Blocks of @bytes begin with a scale. The weights have @added, since
 * vpdpbusd needs them without a sign: the sum starts from what that adds too much.
 * Where nothing is added a minimum follows the scale.
 */
static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       take take_columns, load load_first, const u32 bytes,
				       const s32 added)
{
	const u8 *group = m->w + o * m->w_stride;
	const struct llm_block_x8 *x[ROWS];
	struct block block;
	__m512 sums[ROWS];
	u32 i, b;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x[i] = (const void *)(m->x + (r + i) * m->x_stride);
		sums[i] = _mm512_setzero_ps();
	}
	for (b = 0; b < m->columns / LLM_BLOCK; b++, group += LLM_GROUP * bytes) {
		block.w = take_columns(group);
		if (!r)
			fetch_block(group, bytes, rows);
		block.scales = load_first(group);
		block.minima = added ? _mm512_setzero_ps() :
				       load_scales(group + LLM_GROUP * sizeof(u16));
#pragma GCC unroll 2
		for (i = 0; i < rows; i += TURNS)
			add_block(sums + i, x + i, b, rows < TURNS ? rows : TURNS, &block, added);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, sums[i]);
}

#define DEFINE_BLOCKS(type, block, added)						\
	DEFINE_MATMUL_GROUPS(groups_##type, group_rows, take_##type, load_scales,	\
			     sizeof(block), added)

DEFINE_BLOCKS(q4_0, struct llm_block_q4_0, 8)
DEFINE_BLOCKS(q4_1, struct llm_block_q4_1, 0)
DEFINE_BLOCKS(q5_0, struct llm_block_q5_0, 16)
DEFINE_BLOCKS(q5_1, struct llm_block_q5_1, 0)
DEFINE_BLOCKS(q8_0, struct llm_block_q8_0, 128)
DEFINE_BLOCKS(iq4_nl, struct llm_block_q4_0, 128)
DEFINE_MATMUL_GROUPS(groups_mxfp4, group_rows, take_mxfp4, load_exponents,
		     sizeof(struct llm_block_mxfp4), 12)
