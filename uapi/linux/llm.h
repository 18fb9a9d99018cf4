/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/llm: language models as a device.
 *
 * Text is said with read(2) and write(2), the rest with the ioctls below. What a
 * file is depends on how it was opened. open(2): EMFILE where the user has too
 * many sessions, ENFILE where all users together have, ENOMEM.
 *
 * O_RDWR: a session, one conversation on one model.
 *
 * - write(2) adds to the text of the next turn: a message of the user, where the model
 *   has a chat template and LLM_IOC_SETUP did not say that text is raw. EBUSY while a
 *   reply is under way or unread; short, then ENOSPC, at LLM_MAX_TEXT bytes; ENOMEM.
 * - read(2) begins the reply if there is text and LLM_IOC_START was not called
 *   (its errors), then returns the bytes of the reply as they are made, waiting
 *   for the first: whole characters unless the buffer is too small for one. It
 *   returns 0 at the end of the reply, which ends the turn; and at once where
 *   nothing was written. EINTR by a signal; EAGAIN with O_NONBLOCK, the reply is
 *   begun all the same.
 * - poll(2): POLLIN where bytes of a reply or its end can be read, POLLOUT where
 *   text can be written. Waiting does not begin a reply.
 * - Closing the last descriptor ends the reply under way and forgets all.
 *
 * O_WRONLY: a prompt without a conversation. write(2) as above; ENODEV where there
 * is no model, EDQUOT where the user's mailbox is full. Closing the last descriptor
 * begins the reply, which goes to the mailbox; close(2) of any fails with the error
 * that LLM_IOC_START would. LLM_IOC_START itself is EBADF.
 *
 * O_RDONLY: the user's mailbox. read(2) returns the replies, oldest first, each
 * ended by a newline if it does not end in one, waiting for one under way, and 0
 * where there is none. A reply that one open file has begun to read is not seen
 * by others; closing it drops the rest. poll(2) tells POLLIN where there is
 * something to read, so not for an empty mailbox. Ioctls that are about a session
 * are EBADF.
 *
 * There is no seeking (ESPIPE), no splicing (EINVAL), no mapping (ENODEV).
 *
 * Rules for all ioctls: structs only grow, at the end; the kernel takes a
 * shorter struct as if zeroes followed and a longer one if what it doesn't know
 * is zero (else E2BIG). Reserved fields and unknown flags are EINVAL when not
 * zero. Unknown numbers are ENOTTY. A pointer that can't be used is EFAULT.
 * Fixed point numbers are Q16.16: the value times 65536.
 */
#ifndef _UAPI_LINUX_LLM_H
#define _UAPI_LINUX_LLM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** LLM_API_VERSION - grows with every addition to this file. */
#define LLM_API_VERSION		1
/** LLM_NAME_SIZE - bytes of a model's name, the terminating NUL included. */
#define LLM_NAME_SIZE		64
/** LLM_FIXED_ONE - 1.0 as a fixed point number. */
#define LLM_FIXED_ONE		65536
/** LLM_TOKEN_NONE - no token. */
#define LLM_TOKEN_NONE		0xffffffffU
/** LLM_MAX_TEXT - bytes of text one prompt or ioctl may hold. */
#define LLM_MAX_TEXT		(1U << 20)
/** LLM_MAX_STOPS - stop strings of a session. */
#define LLM_MAX_STOPS		16
/** LLM_MAX_STOP_LENGTH - bytes of one stop string. */
#define LLM_MAX_STOP_LENGTH	256
/** LLM_MAX_BIASES - logit biases of a session. */
#define LLM_MAX_BIASES		1024
/** LLM_MAX_ENTRY - bytes of an entry of struct llm_list. */
#define LLM_MAX_ENTRY		4096
/** LLM_MAX_ALTERNATIVES - alternatives to each token of a scored text. */
#define LLM_MAX_ALTERNATIVES	64

/**
 * struct llm_info - LLM_IOC_INFO: the device as a whole
 * @api_version: out, LLM_API_VERSION
 * @image_version: out, LLM_IMAGE_VERSION
 * @workers: out, threads that compute
 * @slice_us: out, microseconds a thread computes before it gives its CPU back
 * @models: out, models that can be used
 * @sessions: out, sessions of all users
 * @form: out, name of the SIMD form in use, NUL-terminated
 * @requests: out, generations and scorings begun since the module was loaded
 * @tokens_in: out, prompt tokens computed
 * @tokens_out: out, tokens generated
 * @steps: out, forward passes
 * @slices: out, slices
 * @cpu_ns: out, nanoseconds spent in slices
 * @queued_ns: out, nanoseconds requests waited for their first step, summed
 * @first_token_ns: out, nanoseconds from start to first token, summed over
 *	requests
 * @reserved: zero
 */
struct llm_info {
	__u32 api_version;
	__u32 image_version;
	__u32 workers;
	__u32 slice_us;
	__u32 models;
	__u32 sessions;
	__u8 form[16];
	__u64 requests;
	__u64 tokens_in;
	__u64 tokens_out;
	__u64 steps;
	__u64 slices;
	__u64 cpu_ns;
	__u64 queued_ns;
	__u64 first_token_ns;
	__u64 reserved[4];
};

/**
 * struct llm_model_create - LLM_IOC_MODEL_CREATE: a buffer for a new model
 * @name: in, 1..63 bytes of [A-Za-z0-9._:-], the first no dot, NUL-padded
 * @size: in, bytes of the image
 * @flags: in, zero
 * @fd: out, descriptor of the buffer, close-on-exec. mmap(2) it MAP_SHARED,
 *	fill it, unmap it, then LLM_IOC_MODEL_SEAL it. Closing it unsealed
 *	discards it
 * @reserved: zero
 *
 * Errors: EPERM without CAP_SYS_ADMIN; EINVAL for the name, a size of zero or a
 * struct too short for @fd; EEXIST where a model of that name is sealed; EFBIG past
 * the module's limit; ENOMEM; EMFILE.
 */
struct llm_model_create {
	__u8 name[LLM_NAME_SIZE];
	__u64 size;
	__u32 flags;
	__s32 fd;
	__u64 reserved[2];
};

/** LLM_SEAL_DEFAULT - sessions that name no model get this one. */
#define LLM_SEAL_DEFAULT	(1U << 0)

/**
 * struct llm_model_seal - LLM_IOC_MODEL_SEAL, on a buffer: verify and publish
 * @flags: in, LLM_SEAL_DEFAULT
 * @reason_size: in, bytes at @reason, 0..4096
 * @reason: in, address of a text that is written when the image is refused: why,
 *	NUL-terminated, cut to @reason_size
 * @reserved: zero
 *
 * From then on nobody can change the image but the kernel, which may rearrange
 * the numbers of its tensors. Afterwards the descriptor can be closed; it can
 * also be mapped for reading. The first model sealed is the
 * default until another is made so.
 *
 * Errors: EBUSY while a mapping that could be written exists; EPERM when sealed
 * already; EEXIST where another model took the name meanwhile; EINVAL where the
 * image is refused; EOPNOTSUPP where it needs a newer kernel (version,
 * instruction, type); E2BIG beyond the limits; ENOMEM.
 */
struct llm_model_seal {
	__u32 flags;
	__u32 reason_size;
	__u64 reason;
	__u64 reserved[2];
};

/**
 * struct llm_model_unload - LLM_IOC_MODEL_UNLOAD: forget a model
 * @name: in, as it was created
 * @reserved: zero
 *
 * Errors: EPERM without CAP_SYS_ADMIN; EINVAL for what can't be a name; ENOENT;
 * EBUSY while a session uses it.
 */
struct llm_model_unload {
	__u8 name[LLM_NAME_SIZE];
	__u64 reserved[2];
};

/** LLM_MODEL_DEFAULT - sessions that name no model get this one. */
#define LLM_MODEL_DEFAULT	(1U << 0)
/** LLM_MODEL_TEXT - the model makes text: it can reply and score. */
#define LLM_MODEL_TEXT		(1U << 1)
/** LLM_MODEL_CHAT - the model has a chat template. */
#define LLM_MODEL_CHAT		(1U << 2)

/**
 * struct llm_model_info - one model
 * @name: name it was created under
 * @title: name the image gives itself
 * @architecture: family, as the image says
 * @size: bytes of the image
 * @memory: bytes of kernel memory, image and workspace, without sessions
 * @session_memory: bytes a session with a full context takes
 * @parameters: weights
 * @context_length: positions the model was made for
 * @vocab_size: tokens
 * @sessions: sessions that use it
 * @flags: LLM_MODEL_DEFAULT, LLM_MODEL_TEXT, LLM_MODEL_CHAT
 * @embedding_width: numbers of an embedding, or 0 where it makes none
 * @pooling: enum llm_pooling_kind of linux/llm_image.h: how it makes them
 * @chat: name of its chat template, empty where that is not known
 * @reserved: zero
 */
struct llm_model_info {
	__u8 name[LLM_NAME_SIZE];
	__u8 title[64];
	__u8 architecture[32];
	__u64 size;
	__u64 memory;
	__u64 session_memory;
	__u64 parameters;
	__u32 context_length;
	__u32 vocab_size;
	__u32 sessions;
	__u32 flags;
	__u32 embedding_width;
	__u32 pooling;
	__u8 chat[32];
	__u64 reserved[3];
};

/**
 * struct llm_list - LLM_IOC_MODEL_LIST, LLM_IOC_SESSION_LIST
 * @entries: in, address of an array
 * @entry_size: in, bytes of an entry there; longer than the kernel knows: the
 *	rest is zeroed; shorter: cut. Zero is EINVAL, more than LLM_MAX_ENTRY
 *	E2BIG
 * @capacity: in, entries there
 * @count: out, entries there are; those past @capacity were not written
 * @flags: in, zero
 * @reserved: zero
 *
 * Entries are struct llm_model_info, or struct llm_session_info: of the
 * caller's own sessions, or of all with CAP_SYS_ADMIN; in the order they came.
 */
struct llm_list {
	__u64 entries;
	__u32 entry_size;
	__u32 capacity;
	__u32 count;
	__u32 flags;
	__u64 reserved[2];
};

/** LLM_SETUP_MODEL - @model is given. */
#define LLM_SETUP_MODEL		(1U << 0)
/** LLM_SETUP_CONTEXT - @context is given. */
#define LLM_SETUP_CONTEXT	(1U << 1)
/** LLM_SETUP_MAX_TOKENS - @max_tokens is given. */
#define LLM_SETUP_MAX_TOKENS	(1U << 2)
/** LLM_SETUP_SPECIAL - @special is given. */
#define LLM_SETUP_SPECIAL	(1U << 3)
/** LLM_SETUP_STOPS - @stops and @stops_count are given. */
#define LLM_SETUP_STOPS		(1U << 4)
/** LLM_SETUP_RAW - @raw is given. */
#define LLM_SETUP_RAW		(1U << 5)
/** LLM_SETUP_SYSTEM - @system and @system_length are given. */
#define LLM_SETUP_SYSTEM	(1U << 6)
/** LLM_SETUP_CHAT - @chat is given. */
#define LLM_SETUP_CHAT		(1U << 7)

/**
 * struct llm_text - a piece of text
 * @address: where it is
 * @length: bytes, UTF-8
 */
struct llm_text {
	__u64 address;
	__u64 length;
};

/**
 * struct llm_session_setup - LLM_IOC_SETUP: what a session is
 * @set: in, LLM_SETUP_*: the fields that are given; the others stay
 * @context: in, positions the session may use, 1..context_length of the model;
 *	default: the model's, or the module parameter context if that is less.
 *	A session without a model gets the default model now
 * @model: in, name of a sealed model; default: the default model when the
 *	session is first used
 * @max_tokens: in, tokens a reply may have; 0: up to the context (default)
 * @special: in, 1: control tokens are recognised in the prompt's text and shown
 *	in replies; 0: they are not (default)
 * @stops: in, address of an array of struct llm_text; a reply ends before the
 *	first of these, none of it is shown; default: none
 * @stops_count: in, 0..LLM_MAX_STOPS, each 1..LLM_MAX_STOP_LENGTH bytes
 * @raw: in, 1: what is written is computed as it is; 0: it is a message of the user,
 *	put into the chat template, if there is one (default)
 * @system: in, address of the system message of the conversation
 * @chat: in, address of a struct llm_image_chat of linux/llm_image.h, the chat
 *	template to use; NULL: that of the model (default). Tokens of kind
 *	LLM_TOKEN_USER are found in any text, also if they are in this template
 * @system_length: in, bytes at @system, 0..LLM_MAX_TEXT; 0: none (default)
 * @reserved32: zero
 * @reserved: zero
 *
 * Errors: ENOENT for the model; ENODEV for the context where there is no model;
 * EBUSY while a reply is under way, and for model, context, system message and chat
 * template once the session holds a token; EINVAL for values out of range, a chat
 * template that an image could not have, also where the context or biases that were
 * set before do not fit the model; EOPNOTSUPP for flags of a chat template that are
 * not known; ENOMEM. A call that fails changes
 * nothing.
 */
struct llm_session_setup {
	__u32 set;
	__u32 context;
	__u8 model[LLM_NAME_SIZE];
	__u32 max_tokens;
	__u32 special;
	__u64 stops;
	__u32 stops_count;
	__u32 raw;
	__u64 system;
	__u64 chat;
	__u32 system_length;
	__u32 reserved32;
	__u64 reserved[2];
};

/** LLM_SAMPLING_TEMPERATURE - @temperature is given; likewise those below. */
#define LLM_SAMPLING_TEMPERATURE	(1U << 0)
#define LLM_SAMPLING_TOP_K		(1U << 1)
#define LLM_SAMPLING_TOP_P		(1U << 2)
#define LLM_SAMPLING_MIN_P		(1U << 3)
#define LLM_SAMPLING_REPEAT		(1U << 4)
#define LLM_SAMPLING_PRESENCE		(1U << 5)
#define LLM_SAMPLING_FREQUENCY		(1U << 6)
#define LLM_SAMPLING_LAST_N		(1U << 7)
#define LLM_SAMPLING_SEED		(1U << 8)
#define LLM_SAMPLING_BIASES		(1U << 9)

/**
 * struct llm_bias - added to one token's logit
 * @token: token
 * @bias: Q16.16, -100.0..100.0; -100.0 forbids the token
 */
struct llm_bias {
	__u32 token;
	__s32 bias;
};

/**
 * struct llm_sampling - LLM_IOC_SAMPLING: how tokens are chosen
 * @set: in, LLM_SAMPLING_*: the fields that are given; the others stay
 * @temperature: in, Q16.16, 0..100.0; 0: always the likeliest; default 0.8
 * @top_k: in, only the K likeliest; 0: all; default 40
 * @top_p: in, Q16.16, 0..1.0: the fewest likeliest that together have this
 *	probability, at least one; default 0.95
 * @min_p: in, Q16.16, 0..1.0: none less likely than this share of the likeliest;
 *	default 0.05
 * @repeat: in, Q16.16, 0.01..10.0: logits of tokens among the last @last_n are
 *	divided by this when positive, multiplied when not; default 1.0
 * @presence: in, Q16.16, -10.0..10.0: subtracted once from the logit of each
 *	such token; default 0
 * @frequency: in, Q16.16, -10.0..10.0: subtracted for each time such a token
 *	occurs; default 0
 * @last_n: in, how many tokens back the three penalties look, 0..4096;
 *	default 64
 * @biases_count: in, entries at @biases, 0..LLM_MAX_BIASES
 * @biases: in, address of an array of struct llm_bias; default: none. A session
 *	without a model gets the default model now
 * @seed: in, start of the random numbers of each reply; default: random, another
 *	for each
 * @reserved: zero
 *
 * Order: biases, penalties, top-k, top-p, min-p, temperature, choice.
 * Errors: EBUSY while a reply is under way; EINVAL for values out of range or a
 * token that the model does not have; ENODEV for biases where there is no model;
 * ENOMEM. A call that fails changes nothing.
 */
struct llm_sampling {
	__u32 set;
	__s32 temperature;
	__u32 top_k;
	__s32 top_p;
	__s32 min_p;
	__s32 repeat;
	__s32 presence;
	__s32 frequency;
	__u32 last_n;
	__u32 biases_count;
	__u64 biases;
	__u64 seed;
	__u64 reserved[4];
};

/**
 * struct llm_start - LLM_IOC_START: begin the reply to what was written
 * @flags: in, zero
 * @reserved32: zero
 * @reserved: zero
 *
 * Returns when all that the reply can need is reserved; read(2) and poll(2) tell
 * the rest. Errors: EBUSY while a reply is under way or unread; ENODATA where
 * nothing was written; ENODEV where there is no model; ENOSPC where the prompt
 * does not fit the context (it is discarded); ENOMEM, also where all sessions
 * together would have more state than the module parameter max_state allows;
 * EOPNOTSUPP for a model that makes no text or whose chat template is not known, and
 * for a system message without a chat template; EBADF where the file is not open for
 * reading too. But for ENOSPC the text stays.
 */
struct llm_start {
	__u32 flags;
	__u32 reserved32;
	__u64 reserved[2];
};

/**
 * struct llm_cancel - LLM_IOC_CANCEL: end the reply under way
 * @flags: in, zero
 * @reserved32: zero
 * @reserved: zero
 *
 * What was made until then can be read; what of the prompt was not computed is
 * not part of the conversation. Returns 0 also when none is under way.
 */
struct llm_cancel {
	__u32 flags;
	__u32 reserved32;
	__u64 reserved[2];
};

/**
 * enum llm_state - what a session does
 * @LLM_STATE_IDLE: waits for text
 * @LLM_STATE_QUEUED: waits for its first step
 * @LLM_STATE_PROMPT: computes the prompt
 * @LLM_STATE_REPLY: makes tokens
 * @LLM_STATE_DONE: the reply is complete and not yet read to its end
 */
enum llm_state {
	LLM_STATE_IDLE = 0,
	LLM_STATE_QUEUED = 1,
	LLM_STATE_PROMPT = 2,
	LLM_STATE_REPLY = 3,
	LLM_STATE_DONE = 4,
};

/**
 * enum llm_reason - why the last reply ended
 * @LLM_REASON_NONE: none has
 * @LLM_REASON_END: the model ended it
 * @LLM_REASON_STOP: a stop string
 * @LLM_REASON_LENGTH: max_tokens were made
 * @LLM_REASON_CONTEXT: the context is full
 * @LLM_REASON_CANCELLED: LLM_IOC_CANCEL, or the module is going away
 * @LLM_REASON_DEADLINE: the deadline that a netlink message gave; a session says
 *	LLM_REASON_CANCELLED instead
 */
enum llm_reason {
	LLM_REASON_NONE = 0,
	LLM_REASON_END = 1,
	LLM_REASON_STOP = 2,
	LLM_REASON_LENGTH = 3,
	LLM_REASON_CONTEXT = 4,
	LLM_REASON_CANCELLED = 5,
	LLM_REASON_DEADLINE = 6,
};

/**
 * struct llm_session_info - one session; LLM_IOC_STATUS: the caller's
 * @id: out, number of the session since the module was loaded
 * @model: out, name of its model, empty where it has none
 * @pid: out, process that opened it, in the caller's pid namespace, else 0
 * @uid: out, user that opened it, in the caller's user namespace
 * @state: out, enum llm_state
 * @reason: out, enum llm_reason
 * @context: out, positions it may use
 * @used: out, positions it uses
 * @memory: out, bytes of state: keys, values and what is recurrent
 * @tokens_in: out, prompt tokens computed, all turns
 * @tokens_out: out, tokens made, all turns
 * @queued_ns: out, nanoseconds waited for the first step, all turns
 * @first_token_ns: out, nanoseconds from start to first token, last turn
 * @cpu_ns: out, nanoseconds of computing, its share of each step, all turns
 * @seed: out, seed of the last reply; zero in LLM_IOC_SESSION_LIST
 * @reserved: zero
 */
struct llm_session_info {
	__u64 id;
	__u8 model[LLM_NAME_SIZE];
	__u32 pid;
	__u32 uid;
	__u32 state;
	__u32 reason;
	__u32 context;
	__u32 used;
	__u64 memory;
	__u64 tokens_in;
	__u64 tokens_out;
	__u64 queued_ns;
	__u64 first_token_ns;
	__u64 cpu_ns;
	__u64 seed;
	__u64 reserved[4];
};

/** LLM_TOKENIZE_SPECIAL - control tokens are recognised in, or shown as, text. */
#define LLM_TOKENIZE_SPECIAL	(1U << 0)
/** LLM_TOKENIZE_BOS - what begins a conversation is added if the model says so. */
#define LLM_TOKENIZE_BOS	(1U << 1)

/**
 * struct llm_tokenize - LLM_IOC_TOKENIZE, LLM_IOC_DETOKENIZE
 * @text: address of text, in; for LLM_IOC_DETOKENIZE out
 * @tokens: address of __u32 tokens, out; for LLM_IOC_DETOKENIZE in
 * @text_length: bytes at @text; LLM_IOC_DETOKENIZE takes the room there and
 *	returns the bytes there are
 * @tokens_count: tokens at @tokens; LLM_IOC_TOKENIZE takes the room there and
 *	returns the tokens there are
 * @flags: in, LLM_TOKENIZE_*; LLM_TOKENIZE_BOS is for LLM_IOC_TOKENIZE only
 * @reserved32: zero
 * @ends: in, for LLM_IOC_DETOKENIZE address of an array of __u32: for each token where
 *	its text ends, counted from @text; or 0. For LLM_IOC_TOKENIZE zero
 * @reserved: zero
 *
 * With the tokenizer of the session's model; a session without one gets the
 * default model. Errors: ENOSPC where the room is too small (the number needed is
 * returned all the same, and nothing is written); EINVAL for a token that the
 * model does not have; ENODEV where there is no model; E2BIG for more bytes, or
 * tokens, than LLM_MAX_TEXT; ENOMEM.
 */
struct llm_tokenize {
	__u64 text;
	__u64 tokens;
	__u32 text_length;
	__u32 tokens_count;
	__u32 flags;
	__u32 reserved32;
	__u64 ends;
	__u64 reserved;
};

/**
 * struct llm_score_entry - one token and how likely it was
 * @token: token, or LLM_TOKEN_NONE
 * @logprob: Q16.16, natural logarithm of its probability, at most 0
 */
struct llm_score_entry {
	__u32 token;
	__s32 logprob;
};

/**
 * struct llm_score - LLM_IOC_SCORE: how likely a text is
 * @text: in, address of text
 * @entries: in, address of an array of struct llm_score_entry: for each token
 *	of the text the token itself, then the @alternatives likeliest tokens in
 *	its place, likeliest first. Nothing predicts the first token: its
 *	log-probability is 0 and its alternatives are LLM_TOKEN_NONE, as are
 *	those that a small vocabulary lacks
 * @text_length: in, bytes at @text
 * @entries_count: in, room at @entries; out, entries there are
 * @alternatives: in, 0..LLM_MAX_ALTERNATIVES
 * @flags: in, LLM_TOKENIZE_*
 *
 * @reserved: zero
 *
 * Waits until it is done; the conversation of the session is not touched.
 * Errors: those of LLM_IOC_TOKENIZE; ENOSPC also where the text does not fit the
 * session's context; E2BIG also for entries of more than 64 MiB; EBUSY while a
 * reply, an embedding or another scoring is under way; EOPNOTSUPP for a model that
 * makes no text; EINTR.
 */
struct llm_score {
	__u64 text;
	__u64 entries;
	__u32 text_length;
	__u32 entries_count;
	__u32 alternatives;
	__u32 flags;
	__u64 reserved[2];
};

/** LLM_EMBED_PAIR - a second text is given. */
#define LLM_EMBED_PAIR		(1U << 2)

/**
 * struct llm_embed - LLM_IOC_EMBED: what a text means, as numbers
 * @text: in, address of text
 * @second: in, with LLM_EMBED_PAIR address of a text that is read after @text, as
 *	models do that compare two; else zero. Where the image has LLM_SECTION_RANKING
 *	its words go around both
 * @vectors: in, address of an array of __s32: vectors one after the other
 * @text_length: in, bytes at @text
 * @second_length: in, bytes at @second
 * @vectors_count: in, room at @vectors, numbers; out, numbers there are
 * @pooling: in, enum llm_pooling_kind of linux/llm_image.h, or 0 for the one that the
 *	model was made for; out, which it was
 * @flags: in, LLM_TOKENIZE_SPECIAL, LLM_EMBED_PAIR
 * @width: out, numbers of a vector
 * @tokens: out, tokens of the text, what the model wants around it included
 * @reserved32: zero
 * @reserved: zero
 *
 * A vector for the text; with LLM_POOLING_NONE one for each of its tokens. Its
 * length is 1; the numbers are fixed point Q1.30, the value times 2^30. With
 * LLM_POOLING_RANK they are no vector but scores, Q16.16, neither normalised nor
 * bounded; only models that end in a classification have that, and they have no
 * other.
 *
 * Waits until it is done; the conversation of the session is not touched.
 * Errors: those of LLM_IOC_TOKENIZE; ENOSPC also where the text does not fit the
 * session's context, or is longer than the 2048 tokens that a model can have that
 * sees a text whole; ENODATA where there are no tokens; E2BIG also for vectors of
 * more than 64 MiB; EINVAL for a pooling that the model does not have; EOPNOTSUPP
 * for a model without embeddings; EBUSY while a reply, a scoring or another
 * embedding is under way; EINTR.
 */
struct llm_embed {
	__u64 text;
	__u64 second;
	__u64 vectors;
	__u32 text_length;
	__u32 second_length;
	__u32 vectors_count;
	__u32 pooling;
	__u32 flags;
	__u32 width;
	__u32 tokens;
	__u32 reserved32;
	__u64 reserved[2];
};

/** LLM_IOC_MAGIC - the type of all ioctls of the device. */
#define LLM_IOC_MAGIC		0xBC

#define LLM_IOC_INFO		_IOWR(LLM_IOC_MAGIC, 0x00, struct llm_info)
#define LLM_IOC_MODEL_CREATE	_IOWR(LLM_IOC_MAGIC, 0x01, struct llm_model_create)
#define LLM_IOC_MODEL_SEAL	_IOWR(LLM_IOC_MAGIC, 0x02, struct llm_model_seal)
#define LLM_IOC_MODEL_UNLOAD	_IOWR(LLM_IOC_MAGIC, 0x03, struct llm_model_unload)
#define LLM_IOC_MODEL_LIST	_IOWR(LLM_IOC_MAGIC, 0x04, struct llm_list)
#define LLM_IOC_SETUP		_IOWR(LLM_IOC_MAGIC, 0x10, struct llm_session_setup)
#define LLM_IOC_SAMPLING	_IOWR(LLM_IOC_MAGIC, 0x11, struct llm_sampling)
#define LLM_IOC_START		_IOWR(LLM_IOC_MAGIC, 0x12, struct llm_start)
#define LLM_IOC_CANCEL		_IOWR(LLM_IOC_MAGIC, 0x13, struct llm_cancel)
#define LLM_IOC_STATUS		_IOWR(LLM_IOC_MAGIC, 0x14, struct llm_session_info)
#define LLM_IOC_SESSION_LIST	_IOWR(LLM_IOC_MAGIC, 0x15, struct llm_list)
#define LLM_IOC_TOKENIZE	_IOWR(LLM_IOC_MAGIC, 0x18, struct llm_tokenize)
#define LLM_IOC_DETOKENIZE	_IOWR(LLM_IOC_MAGIC, 0x19, struct llm_tokenize)
#define LLM_IOC_SCORE		_IOWR(LLM_IOC_MAGIC, 0x1a, struct llm_score)
#define LLM_IOC_EMBED		_IOWR(LLM_IOC_MAGIC, 0x1b, struct llm_embed)

#endif /* _UAPI_LINUX_LLM_H */
