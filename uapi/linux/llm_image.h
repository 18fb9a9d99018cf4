/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The image format: one model in the form the kernel takes.
 *
 * An image is a header, a table of sections and the sections themselves. All
 * numbers are little-endian; there are offsets and lengths, no pointers. Every
 * offset is from the start of the image unless it says otherwise. All reserved
 * fields are zero. A field named *_bits holds an IEEE 754 binary32 number; it
 * must be finite.
 *
 * An image is untrusted input: the kernel copies everything but the tensor
 * data, verifies the copy once, and refuses what it does not know.
 */
#ifndef _UAPI_LINUX_LLM_IMAGE_H
#define _UAPI_LINUX_LLM_IMAGE_H

#include <linux/types.h>

/** LLM_IMAGE_MAGIC - the first eight bytes of an image, without a NUL. */
#define LLM_IMAGE_MAGIC		"LLMIMAGE"
/**
 * LLM_IMAGE_VERSION - changes when an old kernel could misread a new image. New kinds,
 *	operations, functions and flags do not change it: a kernel that does not know
 *	one refuses the image that has it, with EOPNOTSUPP
 */
#define LLM_IMAGE_VERSION	1
/** LLM_IMAGE_ALIGN - sections and tensors start at multiples of this, bytes. */
#define LLM_IMAGE_ALIGN		64
/** LLM_IMAGE_NONE - "no such thing" in a u32 index field. */
#define LLM_IMAGE_NONE		0xffffffffU
/** LLM_IMAGE_NONE16 - "no such thing" in a u16 index field. */
#define LLM_IMAGE_NONE16	0xffffU

/**
 * struct llm_image_header - the start of an image
 * @magic: LLM_IMAGE_MAGIC
 * @version: LLM_IMAGE_VERSION
 * @sections: entries in the section table that follows the header, 1..64
 * @size: bytes of the whole image, at most the size of the buffer it is in
 * @reserved: zero
 */
struct llm_image_header {
	__u8 magic[8];
	__u32 version;
	__u32 sections;
	__u64 size;
	__u64 reserved[5];
};

/**
 * enum llm_section_kind - what a section holds
 * @LLM_SECTION_MODEL: one struct llm_image_model
 * @LLM_SECTION_REGISTERS: array of struct llm_image_register
 * @LLM_SECTION_SLOTS: array of struct llm_image_slot
 * @LLM_SECTION_PROGRAM: array of struct llm_insn
 * @LLM_SECTION_TENSORS: array of struct llm_image_tensor
 * @LLM_SECTION_TOKENIZER: one struct llm_image_tokenizer
 * @LLM_SECTION_VOCAB: array of struct llm_image_token, the vocabulary
 * @LLM_SECTION_STRINGS: bytes that tokens and tensor names refer to, at most
 *	64 MiB
 * @LLM_SECTION_DATA: bytes of the tensors; the only section not copied
 * @LLM_SECTION_MERGES: array of struct llm_image_merge, at most 2097152
 * @LLM_SECTION_SPLIT: one struct llm_image_split and its tables, at most 8 MiB
 * @LLM_SECTION_CHAT: one struct llm_image_chat
 * @LLM_SECTION_FOLD: one struct llm_image_fold and its tables
 * @LLM_SECTION_REPLACEMENTS: array of struct llm_image_replacement, at most 1048576
 * @LLM_SECTION_RANKING: one struct llm_image_ranking; where pooling is LLM_POOLING_RANK
 *
 * Every kind is there at most once, in any order, and those up to
 * LLM_SECTION_DATA exactly once; a section may be empty where its description
 * allows it.
 */
enum llm_section_kind {
	LLM_SECTION_MODEL = 1,
	LLM_SECTION_REGISTERS = 2,
	LLM_SECTION_SLOTS = 3,
	LLM_SECTION_PROGRAM = 4,
	LLM_SECTION_TENSORS = 5,
	LLM_SECTION_TOKENIZER = 6,
	LLM_SECTION_VOCAB = 7,
	LLM_SECTION_STRINGS = 8,
	LLM_SECTION_DATA = 9,
	LLM_SECTION_MERGES = 10,
	LLM_SECTION_SPLIT = 11,
	LLM_SECTION_CHAT = 12,
	LLM_SECTION_FOLD = 13,
	LLM_SECTION_REPLACEMENTS = 14,
	LLM_SECTION_RANKING = 15,
};

/**
 * struct llm_image_section - where one section lies
 * @kind: enum llm_section_kind
 * @reserved: zero
 * @offset: first byte, a multiple of LLM_IMAGE_ALIGN, after the section table
 * @length: bytes; a whole number of entries for sections that are arrays
 *
 * Sections do not overlap.
 */
struct llm_image_section {
	__u32 kind;
	__u32 reserved;
	__u64 offset;
	__u64 length;
};

/**
 * struct llm_image_model - facts about the model
 * @name: what the model calls itself, UTF-8, NUL-padded and NUL-terminated
 * @architecture: family of the model, likewise; informational
 * @parameters: number of weights; informational
 * @context_length: positions the model was made for, 1..1048576
 * @vocab_size: number of logits, equal to the entries of LLM_SECTION_VOCAB,
 *	1..1048576
 * @logits: register that holds the logits when the program ends; its rows are
 *	LLM_ROWS_OUTPUT and its width is @vocab_size; LLM_IMAGE_NONE where the model
 *	makes no text
 * @embedding: register that holds what a token, or for LLM_POOLING_RANK its text,
 *	is represented by when the program ends; its rows are LLM_ROWS_OUTPUT; or
 *	LLM_IMAGE_NONE. One of @logits and @embedding is there
 * @pooling: enum llm_pooling_kind: how a text is represented where nobody asks for
 *	another way; LLM_POOLING_DEFAULT where there is no @embedding
 * @reserved: zero
 */
struct llm_image_model {
	__u8 name[64];
	__u8 architecture[32];
	__u64 parameters;
	__u32 context_length;
	__u32 vocab_size;
	__u32 logits;
	__u32 embedding;
	__u32 pooling;
	__u32 reserved[3];
};

/**
 * enum llm_pooling_kind - how the vectors of a text's tokens become those of the text
 * @LLM_POOLING_DEFAULT: not a way: the one that the model was made for
 * @LLM_POOLING_NONE: they stay as they are
 * @LLM_POOLING_MEAN: their mean
 * @LLM_POOLING_CLS: that of the first token
 * @LLM_POOLING_LAST: that of the last token
 * @LLM_POOLING_RANK: that of the first token, or of the last where attention is
 *	causal, which the program makes scores of
 */
enum llm_pooling_kind {
	LLM_POOLING_DEFAULT = 0,
	LLM_POOLING_NONE = 1,
	LLM_POOLING_MEAN = 2,
	LLM_POOLING_CLS = 3,
	LLM_POOLING_LAST = 4,
	LLM_POOLING_RANK = 5,
};

/**
 * enum llm_rows - which rows of a step a register has
 * @LLM_ROWS_BATCH: one for every row of the step
 * @LLM_ROWS_OUTPUT: one for every row of the step whose result is wanted;
 *	LLM_OP_GATHER goes from the one to the other
 */
enum llm_rows {
	LLM_ROWS_BATCH = 0,
	LLM_ROWS_OUTPUT = 1,
};

/**
 * struct llm_image_register - activations: rows x @width numbers, float32
 * @width: columns, 1..1048576
 * @rows: enum llm_rows
 *
 * At most 64 registers. Contents do not survive from one step to the next:
 * within a program, columns are written before they are read.
 */
struct llm_image_register {
	__u32 width;
	__u32 rows;
};

/**
 * enum llm_slot_kind - kinds of session state
 * @LLM_SLOT_KV: a key and a value for every position
 * @LLM_SLOT_RECURRENT: numbers that each position makes anew of those that the one
 *	before it left; zero before the first
 */
enum llm_slot_kind {
	LLM_SLOT_KV = 1,
	LLM_SLOT_RECURRENT = 2,
};

/**
 * struct llm_image_slot - state that a session keeps between steps
 * @kind: enum llm_slot_kind
 * @type: number format: LLM_TENSOR_F32, _F16 or _Q8_0, of which heads are whole blocks;
 *	for LLM_SLOT_RECURRENT LLM_TENSOR_F32
 * @key_width: numbers a position has as key, 1..65536; for LLM_SLOT_RECURRENT all its
 *	numbers, 1..16777216
 * @value_width: numbers a position has as value, 1..65536; for LLM_SLOT_RECURRENT 0
 *
 * At most 1024 slots, and 256 MiB of recurrent numbers. A slot serves one
 * instruction.
 */
struct llm_image_slot {
	__u32 kind;
	__u32 type;
	__u32 key_width;
	__u32 value_width;
};

/**
 * enum llm_tensor_type - number formats; values and layouts are those of ggml and
 *	GGUF
 * @LLM_TENSOR_F32: IEEE 754 binary32
 * @LLM_TENSOR_F16: IEEE 754 binary16
 * @LLM_TENSOR_Q4_0: blocks of 32: binary16 scale, four bits
 * @LLM_TENSOR_Q4_1: blocks of 32: binary16 scale and minimum, four bits
 * @LLM_TENSOR_Q5_0: blocks of 32: binary16 scale, five bits
 * @LLM_TENSOR_Q5_1: blocks of 32: binary16 scale and minimum, five bits
 * @LLM_TENSOR_Q8_0: blocks of 32: binary16 scale, signed bytes
 * @LLM_TENSOR_Q2_K: blocks of 256: scales and minima of 16, two bits
 * @LLM_TENSOR_Q3_K: blocks of 256: scales of 16, three bits
 * @LLM_TENSOR_Q4_K: blocks of 256: scales and minima of 32, four bits
 * @LLM_TENSOR_Q5_K: blocks of 256: scales and minima of 32, five bits
 * @LLM_TENSOR_Q6_K: blocks of 256: scales of 16, six bits
 * @LLM_TENSOR_IQ4_NL: blocks of 32: binary16 scale, four bits of a fixed table
 * @LLM_TENSOR_IQ4_XS: blocks of 256: scales of 32, four bits of a fixed table
 * @LLM_TENSOR_BF16: the upper half of IEEE 754 binary32
 * @LLM_TENSOR_MXFP4: blocks of 32: exponent of two, four-bit floating point
 */
enum llm_tensor_type {
	LLM_TENSOR_F32 = 0,
	LLM_TENSOR_F16 = 1,
	LLM_TENSOR_Q4_0 = 2,
	LLM_TENSOR_Q4_1 = 3,
	LLM_TENSOR_Q5_0 = 6,
	LLM_TENSOR_Q5_1 = 7,
	LLM_TENSOR_Q8_0 = 8,
	LLM_TENSOR_Q2_K = 10,
	LLM_TENSOR_Q3_K = 11,
	LLM_TENSOR_Q4_K = 12,
	LLM_TENSOR_Q5_K = 13,
	LLM_TENSOR_Q6_K = 14,
	LLM_TENSOR_IQ4_NL = 20,
	LLM_TENSOR_IQ4_XS = 23,
	LLM_TENSOR_BF16 = 30,
	LLM_TENSOR_MXFP4 = 39,
};

/**
 * struct llm_image_tensor - one read-only matrix, row after row
 * @offset: first byte, from the start of LLM_SECTION_DATA, a multiple of
 *	LLM_IMAGE_ALIGN
 * @length: bytes: @rows times the bytes of a row of @columns in @type
 * @type: enum llm_tensor_type
 * @layout: zero: as ggml lays the type out
 * @columns: numbers in a row (the input width of a weight), 1..16777216, a
 *	multiple of the block length of @type
 * @rows: rows (the output width of a weight), 1..16777216; 1 for a vector
 * @name_offset: first byte of the name in LLM_SECTION_STRINGS
 * @name_length: bytes of the name, 0..255; informational
 *
 * At most 65536 tensors, in the order of their offsets; they do not overlap.
 */
struct llm_image_tensor {
	__u64 offset;
	__u64 length;
	__u32 type;
	__u32 layout;
	__u32 columns;
	__u32 rows;
	__u32 name_offset;
	__u32 name_length;
};

/**
 * enum llm_tokenizer_kind - how text becomes tokens
 * @LLM_TOKENIZER_SPM: SentencePiece byte-pair merging by rank, with byte
 *	fallback
 * @LLM_TOKENIZER_BPE: byte-pair merging of bytes (GPT-2) by LLM_SECTION_MERGES,
 *	within the pieces that LLM_SECTION_SPLIT makes; both are there
 * @LLM_TOKENIZER_WORDPIECE: the longest tokens that words consist of (BERT), after
 *	LLM_SECTION_FOLD, which is there; has an unknown token. Tokens that begin a
 *	word begin with a space
 * @LLM_TOKENIZER_GREEDY: the longest tokens from left to right (RWKV)
 * @LLM_TOKENIZER_UNIGRAM: the tokens whose scores have the highest sum
 *	(SentencePiece's other kind), after LLM_SECTION_REPLACEMENTS; has an unknown
 *	token
 */
enum llm_tokenizer_kind {
	LLM_TOKENIZER_SPM = 1,
	LLM_TOKENIZER_BPE = 2,
	LLM_TOKENIZER_WORDPIECE = 3,
	LLM_TOKENIZER_GREEDY = 4,
	LLM_TOKENIZER_UNIGRAM = 5,
};

/** LLM_TOKENIZER_ADD_BOS - a conversation begins with @bos. */
#define LLM_TOKENIZER_ADD_BOS		(1U << 0)
/** LLM_TOKENIZER_ADD_EOS - a text that is embedded ends with @eos. */
#define LLM_TOKENIZER_ADD_EOS		(1U << 1)
/** LLM_TOKENIZER_SPACE_PREFIX - a text is read as if a space stood before it. */
#define LLM_TOKENIZER_SPACE_PREFIX	(1U << 2)
/** LLM_TOKENIZER_ADD_SEP - the second of two texts that are compared begins with @eos. */
#define LLM_TOKENIZER_ADD_SEP		(1U << 3)
/**
 * LLM_TOKENIZER_WHOLE_PIECES - a piece that is a token as a whole is not merged;
 *	LLM_TOKENIZER_BPE only
 */
#define LLM_TOKENIZER_WHOLE_PIECES	(1U << 4)
/**
 * LLM_TOKENIZER_MERGE_SPACES - a text is read as words with one space before each,
 *	and none after the last; LLM_TOKENIZER_UNIGRAM only
 */
#define LLM_TOKENIZER_MERGE_SPACES	(1U << 5)

/**
 * struct llm_image_tokenizer - how text becomes tokens
 * @kind: enum llm_tokenizer_kind
 * @flags: LLM_TOKENIZER_*
 * @bos: token that begins a text, or LLM_IMAGE_NONE
 * @eos: token that ends a text, or LLM_IMAGE_NONE
 * @unknown: token for what can't be expressed, or LLM_IMAGE_NONE when every
 *	byte has a token
 * @reserved: zero
 */
struct llm_image_tokenizer {
	__u32 kind;
	__u32 flags;
	__u32 bos;
	__u32 eos;
	__u32 unknown;
	__u32 reserved[11];
};

/**
 * enum llm_token_kind - kinds of tokens
 * @LLM_TOKEN_NORMAL: text; found by merging
 * @LLM_TOKEN_UNKNOWN: stands for text without a token
 * @LLM_TOKEN_CONTROL: has no text of its own, such as the end of a text; found
 *	in a text only where special tokens are asked for
 * @LLM_TOKEN_USER: text that is always one token
 * @LLM_TOKEN_UNUSED: never produced by the tokenizer
 * @LLM_TOKEN_BYTE: one byte, given in struct llm_image_token.rank
 */
enum llm_token_kind {
	LLM_TOKEN_NORMAL = 1,
	LLM_TOKEN_UNKNOWN = 2,
	LLM_TOKEN_CONTROL = 3,
	LLM_TOKEN_USER = 4,
	LLM_TOKEN_UNUSED = 5,
	LLM_TOKEN_BYTE = 6,
};

/** LLM_TOKEN_ENDS - a generation that makes this token is over. */
#define LLM_TOKEN_ENDS			(1U << 0)
/**
 * LLM_TOKEN_STRIPS - white space of ASCII that follows this token is left out where
 *	it is found in a text
 */
#define LLM_TOKEN_STRIPS		(1U << 1)

/**
 * struct llm_image_token - one entry of the vocabulary
 * @offset: first byte of the text in LLM_SECTION_STRINGS
 * @length: bytes of the text, 0..1024; plain UTF-8, a space is a space
 * @kind: enum llm_token_kind
 * @flags: LLM_TOKEN_ENDS, LLM_TOKEN_STRIPS
 * @rank: order of merging: of two possible merges the one whose result has the
 *	higher rank comes first. For LLM_TOKENIZER_UNIGRAM the score, in any unit,
 *	of the unknown token that of a character without a token. The byte's value
 *	for LLM_TOKEN_BYTE
 *
 * Two tokens may have the same text; the lower number is found.
 */
struct llm_image_token {
	__u32 offset;
	__u16 length;
	__u8 kind;
	__u8 flags;
	__s32 rank;
};

/** LLM_CHAT_TRIM - white space at both ends of a message is left out. */
#define LLM_CHAT_TRIM		(1U << 0)
/** LLM_CHAT_UNKNOWN - there is a template, but not one whose pieces are known. */
#define LLM_CHAT_UNKNOWN	(1U << 1)
/** LLM_CHAT_PIECE - bytes a piece of a template can have, its NUL included. */
#define LLM_CHAT_PIECE		256

/**
 * struct llm_image_chat - what a model was taught to find around messages
 * @name: of the template, UTF-8, NUL-padded and NUL-terminated; informational
 * @flags: LLM_CHAT_*; with LLM_CHAT_UNKNOWN all the texts are empty
 * @reserved: zero
 * @first: before the first message of the user, where there is no system message.
 *	This and all below: UTF-8, NUL-padded and NUL-terminated; control tokens
 *	are recognised in them
 * @system: before the system message
 * @system_end: between the system message and the first message of the user
 * @reply: between a message of the user and the reply
 * @next: between a reply and the next message of the user. The token that ended
 *	the reply, if it has LLM_TOKEN_ENDS, is left out before it
 *
 * What LLM_TOKENIZER_ADD_BOS asks for comes before all of this. One newline at
 * the end of a message is left out, with LLM_CHAT_TRIM all white space around it.
 */
struct llm_image_chat {
	__u8 name[32];
	__u32 flags;
	__u32 reserved[7];
	__u8 first[LLM_CHAT_PIECE];
	__u8 system[LLM_CHAT_PIECE];
	__u8 system_end[LLM_CHAT_PIECE];
	__u8 reply[LLM_CHAT_PIECE];
	__u8 next[LLM_CHAT_PIECE];
};

/** LLM_RANKING_PIECE - bytes a piece of a ranking can have, its NUL included. */
#define LLM_RANKING_PIECE	2048

/**
 * struct llm_image_ranking - what a model that ranks was taught to find around a query
 *	and a document
 * @before: before the query. This and those below: UTF-8, NUL-padded and
 *	NUL-terminated; control tokens are recognised in them
 * @between: between the query and the document
 * @after: after the document
 *
 * Nothing that LLM_TOKENIZER_ADD_BOS, _ADD_EOS or _ADD_SEP ask for is added.
 */
struct llm_image_ranking {
	__u8 before[LLM_RANKING_PIECE];
	__u8 between[LLM_RANKING_PIECE];
	__u8 after[LLM_RANKING_PIECE];
};

/**
 * struct llm_image_merge - two neighbours that become one
 * @left: symbol
 * @right: symbol that follows it
 * @result: symbol that they become
 *
 * Of two possible merges that with the lower number comes first, of two of the same
 * pair it is the one that counts. Symbols below vocab_size are tokens. Others have
 * no token: vocab_size + b is byte b where no LLM_TOKEN_NORMAL has that byte as its
 * text, and any number from vocab_size + 256 on is something longer.
 */
struct llm_image_merge {
	__u32 left;
	__u32 right;
	__u32 result;
};

/** LLM_SPLIT_PAGE - code points in a page of classes. */
#define LLM_SPLIT_PAGE			128
/** LLM_SPLIT_PAGES - pages that all code points, below 0x110000, make. */
#define LLM_SPLIT_PAGES			8704
/** LLM_SPLIT_MAX_CLASSES - classes of characters there can be. */
#define LLM_SPLIT_MAX_CLASSES		64
/** LLM_SPLIT_MAX_STATES - states a pass can have. */
#define LLM_SPLIT_MAX_STATES		4096
/** LLM_SPLIT_MAX_PASSES - passes there can be. */
#define LLM_SPLIT_MAX_PASSES		8
/**
 * LLM_SPLIT_MOST_STEPS - transitions that a pass takes for each character of the
 *	text, on average; where more would be needed the rest is left as it is
 */
#define LLM_SPLIT_MOST_STEPS		16
/** LLM_SPLIT_START - state in which a match begins; state 0 is where it ends. */
#define LLM_SPLIT_START			1
/** LLM_SPLIT_MATCH - bit of a transition: what came before it matches. */
#define LLM_SPLIT_MATCH			0x8000U

/**
 * struct llm_image_split - how a text is split into pieces before it is merged
 * @name: what the splitting is called, UTF-8, NUL-padded and NUL-terminated;
 *	informational
 * @classes: classes of characters, 1..LLM_SPLIT_MAX_CLASSES
 * @pages: pages of classes that differ, 1..LLM_SPLIT_PAGES
 * @passes: passes, 1..LLM_SPLIT_MAX_PASSES
 * @states: states of each pass, 2..LLM_SPLIT_MAX_STATES; 0 after the last
 * @reserved: zero
 *
 * It is followed, without gaps, to the end of the section, by
 *
 *	__u16 page[LLM_SPLIT_PAGES]	less than @pages
 *	__u8 class[@pages][LLM_SPLIT_PAGE]	less than @classes
 *	for each pass: __u16 transition[its states][@classes + 1]
 *
 * Code point c is of class[page[c / LLM_SPLIT_PAGE]][c % LLM_SPLIT_PAGE]. A pass
 * goes through each piece that the pass before it made, the first one through the
 * whole text. From its place it takes transitions, beginning in
 * LLM_SPLIT_START, by the class of each character, and by the last one,
 * transition[][@classes], at the end of the piece. A transition is the next state,
 * and LLM_SPLIT_MATCH where a match ends before the character. In state 0 the
 * last match, unless it is empty, is a piece, and the next place is after it;
 * where there was none it is after the first character. What lies between matches
 * is a piece too.
 */
struct llm_image_split {
	__u8 name[32];
	__u32 classes;
	__u32 pages;
	__u32 passes;
	__u32 states[LLM_SPLIT_MAX_PASSES];
	__u32 reserved[5];
};

/** LLM_FOLD_PAGE - code points in a page of entries. */
#define LLM_FOLD_PAGE			128
/** LLM_FOLD_PAGES - pages that all code points, below 0x110000, make. */
#define LLM_FOLD_PAGES			8704
/** LLM_FOLD_DELTA - bits of an entry: what is added to the code point. */
#define LLM_FOLD_DELTA			0xffffffU
/** LLM_FOLD_SPACE - bit of an entry: ends a word and is no part of one. */
#define LLM_FOLD_SPACE			(1U << 24)
/** LLM_FOLD_DROP - bit of an entry: is left out. */
#define LLM_FOLD_DROP			(1U << 25)
/** LLM_FOLD_ALONE - bit of an entry: is a word by itself. */
#define LLM_FOLD_ALONE			(1U << 26)

/**
 * struct llm_image_fold - what becomes of characters before they are looked for
 * @pages: pages of entries that differ, 1..LLM_FOLD_PAGES
 * @reserved: zero
 *
 * It is followed, without gaps, to the end of the section, by
 *
 *	__u16 page[LLM_FOLD_PAGES]	less than @pages
 *	__u32 entry[@pages][LLM_FOLD_PAGE]
 *
 * Code point c has entry[page[c / LLM_FOLD_PAGE]][c % LLM_FOLD_PAGE]; it becomes
 * c plus LLM_FOLD_DELTA of that, modulo LLM_FOLD_DELTA + 1, which must be a code
 * point, below 0x110000, too. LLM_FOLD_SPACE goes before LLM_FOLD_ALONE.
 */
struct llm_image_fold {
	__u32 pages;
	__u32 reserved[3];
};

/** LLM_REPLACEMENT_GROWTH - characters that may replace a byte, on average. */
#define LLM_REPLACEMENT_GROWTH		15

/**
 * struct llm_image_replacement - what is read where a text has something else
 * @from: first byte of what the text has, in LLM_SECTION_STRINGS
 * @to: first byte of what is read for it, UTF-8, likewise
 * @from_length: bytes, 1..1024
 * @to_length: bytes, 0..1024; at most LLM_REPLACEMENT_GROWTH times @from_length
 *	characters
 *
 * At each place of a text the longest counts; the next place is after it. What
 * none begins with stays; a byte that is not UTF-8 is read as U+FFFD.
 */
struct llm_image_replacement {
	__u32 from;
	__u32 to;
	__u16 from_length;
	__u16 to_length;
};

/**
 * enum llm_activation - functions of one number
 * @LLM_ACT_NONE: x
 * @LLM_ACT_SILU: x / (1 + exp(-x))
 * @LLM_ACT_GELU: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (arXiv:1606.08415)
 * @LLM_ACT_TANH: hyperbolic tangent
 * @LLM_ACT_SIGMOID: 1 / (1 + exp(-x))
 * @LLM_ACT_RELU2: the square of x where that is positive, else 0 (arXiv:2109.08668)
 * @LLM_ACT_GELU_F16: LLM_ACT_GELU as ggml has it in a table: of x as binary16 has it,
 *	rounded to binary16; but x itself from 10 on, and 0 up to -10
 */
enum llm_activation {
	LLM_ACT_NONE = 0,
	LLM_ACT_SILU = 1,
	LLM_ACT_GELU = 2,
	LLM_ACT_TANH = 3,
	LLM_ACT_SIGMOID = 4,
	LLM_ACT_RELU2 = 5,
	LLM_ACT_GELU_F16 = 6,
};

/**
 * enum llm_norm - what a group of numbers is divided by
 * @LLM_NORM_RMS: the root of its mean square (arXiv:1910.07467)
 * @LLM_NORM_LAYER: its standard deviation, after its mean was taken off
 *	(arXiv:1607.06450)
 */
enum llm_norm {
	LLM_NORM_RMS = 0,
	LLM_NORM_LAYER = 1,
};

/**
 * enum llm_embed_what - what tells LLM_OP_EMBED the row of its table
 * @LLM_EMBED_TOKEN: the token; the table has vocab_size rows
 * @LLM_EMBED_POSITION: the position; the table has at least context_length rows
 * @LLM_EMBED_FIRST: it is the first one
 */
enum llm_embed_what {
	LLM_EMBED_TOKEN = 0,
	LLM_EMBED_POSITION = 1,
	LLM_EMBED_FIRST = 2,
};

/**
 * enum llm_pairing - which columns of a head LLM_OP_ROPE rotates together
 * @LLM_PAIRING_ADJACENT: 2i and 2i + 1
 * @LLM_PAIRING_HALVES: i and i plus half of those that are rotated
 */
enum llm_pairing {
	LLM_PAIRING_ADJACENT = 0,
	LLM_PAIRING_HALVES = 1,
};

/**
 * enum llm_gating - how LLM_OP_ROUTE makes weights of scores
 * @LLM_GATING_SOFTMAX: softmax over all experts
 * @LLM_GATING_SIGMOID: each by itself, 1 / (1 + exp(-score))
 */
enum llm_gating {
	LLM_GATING_SOFTMAX = 0,
	LLM_GATING_SIGMOID = 1,
};

/**
 * enum llm_op - the instructions
 * @LLM_OP_EMBED: dst = scale * one row of tensor[0], plus src0 if there is one.
 *	tensor[0]: columns = width of dst; src0: register as wide as dst, not
 *	dst, or none; arg[0]: scale_bits; arg[1]: enum llm_embed_what
 * @LLM_OP_ANGLES: cosine and sine of position times frequency, for LLM_OP_ROPE:
 *	dst[2i] = scale cos(p[i] f[i]), dst[2i + 1] = scale sin(p[i] f[i]), where p[0]
 *	is the position and p[i + 1] = ratio p[i], each product rounded to binary32.
 *	tensor[0]: F32, one row of frequencies, radians a position, twice as wide
 *	is dst; tensor[1]: likewise, those of sessions whose context is more than
 *	arg[1] positions, or none; arg[0]: scale_bits; arg[1]: zero without
 *	tensor[1]; arg[2]: ratio_bits, or 0 for a ratio of 1
 * @LLM_OP_NORM: dst = weight * norm(src0) + bias, plus src1 if there is one, over
 *	arg[4] groups of arg[1] columns from column arg[3] of all of them.
 *	tensor[0]: F32 weight of arg[1] columns, one row for all groups or one a
 *	group, or none; tensor[1]: F32 bias, likewise; src1: register, may be
 *	dst, or none; arg[0]: epsilon_bits, positive, added to what the root is
 *	taken of; arg[2]: enum llm_norm. src0 may be dst
 * @LLM_OP_LINEAR: columns arg[0].. of dst = tensor[0] * src0, plus tensor[1] if
 *	there is one, plus the same columns of src1 if there is one.
 *	tensor[0]: weight; tensor[1]: F32 bias, one row of tensor[0].rows
 *	columns, or none; src1: register as wide as dst, may be dst, or none;
 *	arg[0]: first of the tensor[0].rows columns of dst that are written;
 *	arg[1]: first of the tensor[0].columns columns of src0 that are read.
 *	src0 is not dst
 * @LLM_OP_ROPE: rotates arg[1] heads of arg[2] columns each, from column arg[0]
 *	of dst, in place, by the angles of src0 (arXiv:2104.09864). The first
 *	width(src0) columns of a head are rotated, the rest stays. arg[0]:
 *	column; arg[1]: heads; arg[2]: columns of a head; arg[3]: enum
 *	llm_pairing
 * @LLM_OP_ATTEND: stores key and value of each row in the slot at its position,
 *	then attends causally over all positions up to its own: dst head =
 *	softmax(cap(scale q k)) v, cap(s) = c tanh(s / c). src0, src1, src2:
 *	registers that hold query, key and value; arg[0..2]: their first columns;
 *	arg[3]: query heads; arg[4]: key/value heads, divides arg[3]; arg[5]:
 *	columns of a key head, 1..512; arg[6]: columns of a value head, 1..512;
 *	arg[7]: scale_bits; arg[8]: positions it attends over at most, its own
 *	included, or zero for all; arg[9]: c_bits, positive, or zero for no cap;
 *	slot: arg[4] * arg[5] wide keys, arg[4] * arg[6] wide values, which are
 *	rounded to its number format, and queries to what ggml multiplies keys of
 *	that format with. dst: arg[3] * arg[6] wide, none of the sources.
 *	With LLM_ATTEND_WHOLE over all positions of its text instead, which then
 *	is computed in one step; not in a program that has logits
 * @LLM_OP_GLU: dst = f(gate) * up (arXiv:2002.05202). src0: register with gate at
 *	column arg[0] and up at column arg[1], each as wide as dst; arg[2]: f,
 *	enum llm_activation; dst is not src0
 * @LLM_OP_GATHER: dst row = the row of src0 that belongs to each wanted output.
 *	src0: LLM_ROWS_BATCH; dst: LLM_ROWS_OUTPUT, as wide
 * @LLM_OP_ACT: dst = b f(a src0). src0: register as wide as dst, may be dst;
 *	arg[0]: f, enum llm_activation; arg[1]: a_bits; arg[2]: b_bits
 * @LLM_OP_CONVOLVE: dst[i] = f(bias[i] + sum over k of w[i][k] x[i % n]), where x is
 *	the row of src0, from column arg[1], that lies w.columns - 1 - k positions
 *	back, or 0 before the first. tensor[0]: F32 w, as many rows as dst is wide, a
 *	multiple of n, and 2..16 columns; tensor[1]: F32 bias, one row, or none;
 *	arg[0]: n; arg[2]: f, enum llm_activation; slot: recurrent, n for each
 *	position that is looked back upon; src0 is not dst
 * @LLM_OP_SCAN: selective state spaces (arXiv:2312.00752). For each channel i, with
 *	t = log(1 + exp(src1[i])): s[i][j] = s[i][j] exp(t a[i][j]) + t x[i] b[j];
 *	dst[i] = d[i] x[i] + sum over j of s[i][j] c[j]. src0: begins with x;
 *	src1: begins with what becomes t; src2: b from column arg[2], c from column
 *	arg[3]; arg[0]: channels; arg[1]: numbers j, 1..256; tensor[0]: F32 a,
 *	arg[0] rows of arg[1] columns; tensor[1]: F32 d, one row, or none; slot:
 *	recurrent, arg[0] * arg[1] numbers s; dst is none of the sources
 * @LLM_OP_WKV: time mixing of RWKV-7 (arXiv:2503.14456), for arg[0] heads of arg[1]
 *	columns, n together. src0: r, w, k and a, n columns each; src1: v, n
 *	wide; src2: g, likewise, or none. With m = k tensor[0][0], divided by its
 *	length in each head, or by 1e-12 if that is more, o = 1 / (1 + exp(-a)),
 *	p = k (1 + (o - 1) tensor[0][1]), and q = exp(-0.606531 / (1 + exp(-w))):
 *	s[i][j] = s[i][j] q[j] + v[i] p[j] - m[j] o[j] sum over l of s[i][l] m[l];
 *	y[i] = sum over j of s[i][j] r[j]; dst = g (norm(y) tensor[1][0] +
 *	tensor[1][1] + v times the sum over r p tensor[0][2]), where norm is
 *	LLM_NORM_LAYER of a head. tensor[0]: F32, 3 rows of n; tensor[1]: F32, 2
 *	rows of n; arg[0]: 1..1024; arg[1]: 1..64; arg[2]: epsilon_bits of the norm, positive; slot:
 *	recurrent, n * arg[1] numbers s; dst: n wide, none of the sources
 * @LLM_OP_BLEND: dst = src0 + (src1 - src0) / (1 + exp(-src2)). All are as wide as
 *	dst, which may be any of them
 * @LLM_OP_ROUTE: each row chooses arg[1] of arg[0] experts, those with the highest
 *	scores in the first columns of src0: dst[0..] = their weights, the best
 *	first, dst[arg[1]..] = their numbers, whole numbers from 0. arg[0]:
 *	1..1024; arg[1]: 1..32, at most arg[0]; arg[2]: enum llm_gating, what
 *	makes weights of scores; arg[3]: 1: the weights are divided by their sum,
 *	but by no less than 2^-14; src0 is not dst
 * @LLM_OP_EXPERTS: for each choice i of arg[3], columns arg[0] + i n.. of dst =
 *	the n rows of tensor[0] that belong to the chosen expert * src0.
 *	tensor[0]: matrices of n rows of arg[2] experts, one after the other;
 *	src0: input from column arg[1]; src1: what LLM_OP_ROUTE made for arg[3]
 *	choices; a number that is no expert's counts as 0; arg[4]: 0: all choices
 *	have the same input, 1: each its own, one after the other. src0 and src1
 *	are not dst
 * @LLM_OP_MIX: dst = sum over arg[0] choices i of w[i] times columns i width(dst)..
 *	of src0, plus src2 if there is one. src1: begins with the weights w; src2:
 *	as wide as dst, may be dst; src0 and src1 are not dst
 * @LLM_OP_SOFTMAX: dst[i] = exp(src0[i]) / sum over j of exp(src0[j]). src0: register
 *	as wide as dst, at most 1024 columns; may be dst
 *
 * But for LLM_OP_GATHER all registers of an instruction have the same rows, and
 * LLM_OP_EMBED, _ANGLES, _ROPE and those with a slot work on LLM_ROWS_BATCH. Fields that an
 * instruction does not name are zero, or LLM_IMAGE_NONE or LLM_IMAGE_NONE16
 * where they are indices.
 */
enum llm_op {
	LLM_OP_EMBED = 1,
	LLM_OP_ANGLES = 2,
	LLM_OP_NORM = 3,
	LLM_OP_LINEAR = 4,
	LLM_OP_ROPE = 5,
	LLM_OP_ATTEND = 6,
	LLM_OP_GLU = 7,
	LLM_OP_GATHER = 8,
	LLM_OP_ACT = 9,
	LLM_OP_CONVOLVE = 10,
	LLM_OP_SCAN = 11,
	LLM_OP_WKV = 12,
	LLM_OP_BLEND = 13,
	LLM_OP_ROUTE = 16,
	LLM_OP_EXPERTS = 17,
	LLM_OP_MIX = 18,
	LLM_OP_SOFTMAX = 19,
};

/** LLM_ATTEND_WHOLE - LLM_OP_ATTEND is bidirectional. */
#define LLM_ATTEND_WHOLE	(1U << 0)

/**
 * struct llm_insn - one instruction of the program
 * @op: enum llm_op
 * @flags: those of the instruction
 * @dst: register written
 * @src: registers read, or LLM_IMAGE_NONE16
 * @slot: state used, or LLM_IMAGE_NONE16
 * @reserved: zero
 * @tensor: tensors used, or LLM_IMAGE_NONE
 * @arg: numbers whose meaning @op gives
 *
 * At most 16384 instructions; for a row, all LLM_OP_LINEAR and _EXPERTS may multiply
 * at most 64 numbers for each byte of tensor data.
 */
struct llm_insn {
	__u16 op;
	__u16 flags;
	__u16 dst;
	__u16 src[3];
	__u16 slot;
	__u16 reserved;
	__u32 tensor[4];
	__u32 arg[12];
};

#endif /* _UAPI_LINUX_LLM_IMAGE_H */
