/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Models with random weights, for tests and measurements: GGUF files that llama.cpp
 * and llmctl take.
 */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
/** MAX_TYPES - number formats that take turns in one file. */
#define MAX_TYPES	16
/** MAX_NAME - bytes of a tensor's name, its NUL included. */
#define MAX_NAME	64

/** LAYER_NORM - norms take the mean off and have biases. */
#define LAYER_NORM	(1U << 0)
/** QKV_BIAS - queries, keys and values have biases. */
#define QKV_BIAS	(1U << 1)
/** BIASES - all matrices of a layer have. */
#define BIASES		(1U << 2)
/** JOINED_QKV - queries, keys and values are one matrix. */
#define JOINED_QKV	(1U << 3)
/** UNGATED - the feed-forward part has no gate. */
#define UNGATED		(1U << 4)
/** JOINED_GATE - gate and up are one matrix. */
#define JOINED_GATE	(1U << 5)
/** HEAD_NORMS - query and key heads are normed, all by one weight. */
#define HEAD_NORMS	(1U << 6)
/** OWN_HEAD_NORMS - the same, each by its own. */
#define OWN_HEAD_NORMS	(1U << 7)
/** WIDTH_NORMS - all queries are normed together, and all keys. */
#define WIDTH_NORMS	(1U << 8)
/** POST_NORMS - what a part of a layer makes is normed. */
#define POST_NORMS	(1U << 9)
/** NO_PRE_NORMS - what it takes is not. */
#define NO_PRE_NORMS	(1U << 10)
/** NO_FFN_NORM - the feed-forward part has no norm of its own. */
#define NO_FFN_NORM	(1U << 11)
/** POSITIONS - positions are learned. */
#define POSITIONS	(1U << 12)
/** UNTIED - the output has a matrix of its own. */
#define UNTIED		(1U << 13)
/** PARTIAL_ROPE - half of a head is rotated. */
#define PARTIAL_ROPE	(1U << 14)
/** ROPE_FREQS - frequencies have divisors. */
#define ROPE_FREQS	(1U << 15)
/** ROPE_FACTORS - they have others in long contexts. */
#define ROPE_FACTORS	(1U << 16)
/** ENCODER - texts are seen whole, sums are normed, and there are no logits. */
#define ENCODER		(1U << 17)
/** RANKS - it ends in a classification. */
#define RANKS		(1U << 18)
/** EXPERTS - each token chooses some of many feed-forward parts. */
#define EXPERTS		(1U << 19)
/** SHARED_EXPERT - one more is there for all. */
#define SHARED_EXPERT	(1U << 20)
/** SCALED_EMBEDDING - embeddings are multiplied by something large. */
#define SCALED_EMBEDDING	(1U << 21)
/** MAMBA - layers are selective state spaces. */
#define MAMBA		(1U << 22)
/** RWKV7 - layers are time mixing and channel mixing. */
#define RWKV7		(1U << 23)
/** RECURRENT - each position makes state anew. */
#define RECURRENT	(MAMBA | RWKV7)
/** XLM - as XLM-RoBERTa: all texts are of one type, pieces of the unigram kind. */
#define XLM		(1U << 24)
/** MAMBA_TAPS - positions that are convolved. */
#define MAMBA_TAPS	4
/** MAMBA_STATES - numbers of the state of a channel. */
#define MAMBA_STATES	16
/** EXPERT_COUNT - how many there are. */
#define EXPERT_COUNT	8
/** EXPERTS_USED - how many a token chooses. */
#define EXPERTS_USED	3

struct gguf;
struct sizes;

/**
 * struct kind - a kind of model
 * @name: what the command line calls it
 * @arch: general.architecture
 * @traits: what is above
 * @layers: how many there are where nothing else is asked for, or 0 for as many as
 *	usual
 * @keys: adds the keys that only this kind has, or NULL
 */
struct kind {
	const char *name;
	const char *arch;
	uint32_t traits;
	uint32_t layers;
	void (*keys)(struct gguf *g, const struct sizes *s);
};

/**
 * struct sizes - the model that is asked for
 * @kind: its kind
 * @types: number formats of its matrices, which take turns
 * @type_count: how many
 * @mixed: formats as in llama.cpp's Q4_K_M instead
 * @layers: layers
 * @width: numbers a token is represented by
 * @hidden: width of the feed-forward part
 * @heads: query heads
 * @kv_heads: key/value heads
 * @head: columns of a head
 * @vocab: tokens
 * @context: positions
 * @seed: of all random numbers
 * @tokenizer: kind of vocabulary
 * @pretokenizer: what splits texts for one of byte pairs
 */
struct sizes {
	const struct kind *kind;
	const struct format *types[MAX_TYPES];
	uint32_t type_count;
	bool mixed;
	uint32_t layers;
	uint32_t width;
	uint32_t hidden;
	uint32_t heads;
	uint32_t kv_heads;
	uint32_t head;
	uint32_t vocab;
	uint32_t context;
	uint64_t seed;
	const char *tokenizer;
	const char *pretokenizer;
};

/**
 * kind_find() - a kind by its name
 * @name: name
 *
 * Return: the kind, or NULL.
 */
const struct kind *kind_find(const char *name);

/**
 * kind_at() - all kinds, one after the other
 * @i: from 0
 *
 * Return: the kind, or NULL after the last.
 */
const struct kind *kind_at(size_t i);

/**
 * struct format - a number format
 * @name: what GGUF tools call it
 * @number: its number in the format
 * @block: numbers in a block
 * @bytes: bytes of a block
 * @fill: makes one block of random numbers around 0
 */
struct format {
	const char *name;
	uint32_t number;
	uint32_t block;
	uint32_t bytes;
	void (*fill)(uint8_t *block, double spread, uint64_t *random);
};

/**
 * format_find() - a format by its name, in any case
 * @name: name
 *
 * Return: the format, or NULL.
 */
const struct format *format_find(const char *name);

/**
 * random_bits() - the next random number
 * @state: of the generator; any number to begin with
 *
 * Return: 64 random bits.
 */
uint64_t random_bits(uint64_t *state);

/**
 * random_number() - the next random number with a fraction
 * @state: of the generator
 *
 * Return: a number of mean 0 and variance 1, evenly spread.
 */
double random_number(uint64_t *state);

/* What follows ends the program where memory or the disk is full. */

/** gguf_new() - an empty file; tensors and keys are added, then it is written. */
struct gguf *gguf_new(void);

/** gguf_u32() - adds a key: a whole number. */
void gguf_u32(struct gguf *g, const char *name, uint32_t value);

/** gguf_f32() - adds a key: a number with a fraction. */
void gguf_f32(struct gguf *g, const char *name, float value);

/** gguf_bool() - adds a key: yes or no. */
void gguf_bool(struct gguf *g, const char *name, bool value);

/** gguf_string() - adds a key: a text. */
void gguf_string(struct gguf *g, const char *name, const char *value);

/** gguf_strings() - adds a key: texts. */
void gguf_strings(struct gguf *g, const char *name, char *const *values, uint32_t count);

/** gguf_bytes() - adds a key: bytes. */
void gguf_bytes(struct gguf *g, const char *name, const uint8_t *values, uint32_t count);

/** gguf_numbers_f32() - adds a key: numbers with fractions. */
void gguf_numbers_f32(struct gguf *g, const char *name, const float *values, uint32_t count);

/** gguf_numbers_i32() - adds a key: whole numbers. */
void gguf_numbers_i32(struct gguf *g, const char *name, const int32_t *values, uint32_t count);

/**
 * struct numbers - what a tensor is filled with
 * @middle: mean
 * @spread: root of the variance
 * @step: how much more the mean is with each number of a row
 * @tail: root of the variance of the logarithm of a row's spread, 0 where all have the same
 * @after: rows are those of the file's first tensor, moved on by so many; 0 for others.
 *	They are the same but for the spread where both have the same format
 */
struct numbers {
	double middle;
	double spread;
	double step;
	double tail;
	uint32_t after;
};

/**
 * gguf_tensor() - adds a tensor
 * @g: file
 * @name: name
 * @format: number format; @middle and @step are for F32 alone
 * @columns: numbers in a row, a multiple of the block
 * @rows: rows, or 0 for a tensor of one dimension
 * @numbers: what it is filled with
 */
void gguf_tensor(struct gguf *g, const char *name, const struct format *format, uint32_t columns,
		 uint32_t rows, struct numbers numbers);

/** gguf_shares() - F32 of four dimensions: @count vectors with one row each. */
void gguf_shares(struct gguf *g, const char *name, uint32_t columns, uint32_t count,
		 struct numbers numbers);

/** gguf_stack() - the same for one of three dimensions: @count matrices of @rows. */
void gguf_stack(struct gguf *g, const char *name, const struct format *format, uint32_t columns,
		uint32_t rows, uint32_t count, struct numbers numbers);

/**
 * gguf_write() - writes the file and frees what was added
 * @g: file
 * @path: where to
 * @seed: of the random numbers
 */
void gguf_write(struct gguf *g, const char *path, uint64_t seed);

/** model_add() - adds the keys and tensors of a model. */
void model_add(struct gguf *g, const struct sizes *s);

/**
 * struct adding - tensors as they are added
 * @g: file
 * @s: model
 * @layer: number of the layer
 * @matrices: how many there are, to take turns with the formats
 */
struct adding {
	struct gguf *g;
	const struct sizes *s;
	uint32_t layer;
	uint32_t matrices;
};

/** add_f32() - adds a tensor of F32; @rows 0: of one dimension. */
void add_f32(struct adding *a, const char *name, uint32_t columns, uint32_t rows, double middle,
	     double spread);

/** add_linear() - adds a matrix of a layer, with a bias or without. */
void add_linear(struct adding *a, const char *name, uint32_t columns, uint32_t rows, double gain,
		bool bias);

/** add_norm() - adds a norm of a layer; @rows 0: its weight has one dimension. */
void add_norm(struct adding *a, const char *name, uint32_t columns, uint32_t rows);

/** last_gain() - what the last matrix of a part of a layer multiplies by. */
double last_gain(const struct adding *a);

/** name_in_layer() - the name of a tensor of a layer, in MAX_NAME bytes. */
void name_in_layer(const struct adding *a, char *to, const char *name, const char *suffix);

/** add_mamba_layer() - adds a layer of MAMBA. */
void add_mamba_layer(struct adding *a);

/** add_rwkv7_layer() - adds a layer of RWKV7. */
void add_rwkv7_layer(struct adding *a);

/** rwkv7_head() - columns of its heads. */
uint32_t rwkv7_head(const struct sizes *s);

/** rwkv7_rank() - numbers that the smaller matrices of RWKV7 make, all the same. */
uint32_t rwkv7_rank(const struct sizes *s);

/** mamba_inner() - channels of MAMBA. */
uint32_t mamba_inner(const struct sizes *s);

/** mamba_rank() - numbers that its time steps are made of. */
uint32_t mamba_rank(const struct sizes *s);

/** vocab_add() - adds a vocabulary of at least 512 tokens. */
void vocab_add(struct gguf *g, const struct sizes *s);

/** die() - says why and ends the program. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** must() - @memory, which was there to be had. */
void *must(void *memory);

#endif /* RANDOM_MODEL_H */
