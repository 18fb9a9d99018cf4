// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "tap.h"
#include "vocab_builder.h"

#define PROMPT 10

enum word { WORD_A, WORD_B, WORD_STOP, WORD_END, WORD_CONTROL };

/* A request and all that it needs but a model. */
struct setup {
	struct vocab_builder *vocab;
	struct llm_tokenizer *tokenizer;
	struct llm_sampler *sampler;
	struct llm_stop stop;
	struct llm_reply reply;
	u32 prompt[PROMPT];
	struct llm_request request;
};

static void setup(struct setup *s)
{
	static const char stop[] = "stop";
	struct llm_error error = { "" };

	memset(s, 0, sizeof(*s));
	s->vocab = vocab_builder_new(0);
	vocab_builder_add(s->vocab, LLM_TOKEN_NORMAL, 0, "a");
	vocab_builder_add(s->vocab, LLM_TOKEN_NORMAL, 0, "b");
	vocab_builder_add(s->vocab, LLM_TOKEN_NORMAL, 0, "xstopy");
	vocab_builder_add(s->vocab, LLM_TOKEN_CONTROL, 0, "<end>");
	vocab_builder_add(s->vocab, LLM_TOKEN_CONTROL, 0, "<other>");
	s->vocab->vocab[WORD_END].flags = LLM_TOKEN_ENDS;
	vocab_builder_add_bytes(s->vocab);
	if (llm_tokenizer_create(&s->tokenizer, &s->vocab->image, &error) ||
	    llm_sampler_create(&s->sampler, s->vocab->image.model.vocab_size))
		abort();
	memcpy(s->stop.bytes, stop, 4);
	s->stop.length = 4;
	llm_reply_begin(&s->reply, &s->stop, 1);
	for (u32 i = 0; i < PROMPT; i++)
		s->prompt[i] = i % 2 ? WORD_B : WORD_A;
	s->request = (struct llm_request) {
		.tokenizer = s->tokenizer,
		.sampler = s->sampler,
		.reply = &s->reply,
		.prompt = s->prompt,
		.prompt_count = PROMPT,
		.position = 100,
		.max_tokens = 1000,
		.context = 10000,
	};
	llm_request_begin(&s->request);
}

static void teardown(struct setup *s)
{
	llm_sampler_destroy(s->sampler);
	llm_tokenizer_destroy(s->tokenizer);
	free(s->vocab);
}

/* Checks rows against the prompt; returns those that want an output. */
static u32 check_rows(const struct setup *s, const struct llm_row *rows, u32 from, u32 count)
{
	u32 outputs = 0;

	for (u32 i = 0; i < count; i++) {
		tap_check(rows[i].token == s->prompt[from + i]);
		tap_check(rows[i].position == s->request.position + from + i);
		tap_check(rows[i].kv == s->request.kv);
		tap_check(rows[i].sampler == (rows[i].output ? s->request.sampler : NULL));
		outputs += rows[i].output;
	}
	return outputs;
}

static void prompt_goes_in_chunks(void)
{
	struct llm_row rows[PROMPT + 1];
	struct llm_kv kv;
	struct setup s;

	for (u32 room = 1; room <= PROMPT + 1; room++) {
		u32 computed = 0;

		setup(&s);
		s.request.kv = &kv;
		while (computed < PROMPT) {
			u32 outputs = 3;
			u32 count = llm_request_rows(&s.request, rows, room, &outputs);
			bool last = computed + count == PROMPT;

			tap_check(count == min(room, PROMPT - computed));
			tap_check(check_rows(&s, rows, computed, count) == last);
			tap_check(outputs == last && rows[count - 1].output == last);
			llm_request_computed(&s.request, count);
			computed += count;
			tap_check(s.request.computed == computed);
			tap_check(s.request.end == LLM_END_NONE);
		}
		teardown(&s);
	}
}

static void an_embedding_wants_what_its_pooling_needs(void)
{
	static const u32 wanted[] = {
		[LLM_POOLING_NONE] = PROMPT, [LLM_POOLING_MEAN] = PROMPT, [LLM_POOLING_CLS] = 1,
		[LLM_POOLING_LAST] = 1, [LLM_POOLING_RANK] = 1,
	};
	struct llm_row rows[PROMPT];
	struct setup s;

	for (u32 kind = LLM_POOLING_NONE; kind <= LLM_POOLING_RANK; kind++) {
		u32 found = 0;

		setup(&s);
		s.request.pooling = kind;
		s.request.sampler = NULL;
		llm_request_begin(&s.request);
		while (s.request.end == LLM_END_NONE) {
			u32 outputs = 3;
			u32 count = llm_request_rows(&s.request, rows, 4, &outputs);

			tap_check(count && outputs <= 3);
			for (u32 i = 0; i < count; i++)
				tap_check(!rows[i].output ||
					  rows[i].output == LLM_OUTPUT_EMBEDDING);
			found += outputs;
			llm_request_computed(&s.request, count);
		}
		tap_check(found == wanted[kind] && s.request.end == LLM_END_LENGTH);
		teardown(&s);
	}
}

static void a_whole_text_is_not_cut(void)
{
	struct llm_row rows[PROMPT];
	u32 outputs = PROMPT;
	struct setup s;

	setup(&s);
	s.request.pooling = LLM_POOLING_MEAN;
	s.request.whole = true;
	s.request.position = 0;
	llm_request_begin(&s.request);
	tap_check(llm_request_rows(&s.request, rows, PROMPT - 1, &outputs) == 0 && outputs == 0);
	outputs = PROMPT;
	tap_check(llm_request_rows(&s.request, rows, PROMPT, &outputs) == PROMPT);
	tap_check(outputs == PROMPT);
	for (u32 i = 0; i < PROMPT; i++)
		tap_check(rows[i].length == PROMPT);
	teardown(&s);
}

static void scoring_wants_all_outputs_but_the_last(void)
{
	struct llm_row rows[PROMPT + 1];
	struct setup s;

	for (u32 room = 1; room <= PROMPT + 1; room++) {
		for (u32 limit = 1; limit <= PROMPT; limit++) {
			u32 computed = 0;
			u32 wanted = 0;

			setup(&s);
			s.request.score = true;
			s.request.sampler = NULL;
			llm_request_begin(&s.request);
			while (s.request.end == LLM_END_NONE) {
				u32 outputs = limit;
				u32 count = llm_request_rows(&s.request, rows, room, &outputs);

				tap_check(count >= 1 && count <= room && outputs <= limit);
				tap_check(check_rows(&s, rows, computed, count) == outputs);
				llm_request_computed(&s.request, count);
				computed += count;
				wanted += outputs;
				if (!tap_check(computed <= PROMPT))
					break;
			}
			tap_check(computed == PROMPT && wanted == PROMPT - 1);
			tap_check(s.request.end == LLM_END_LENGTH);
			teardown(&s);
		}
	}
}

static void scoring_of_one_token_has_no_output(void)
{
	struct llm_row rows[2];
	u32 outputs = 1;
	struct setup s;

	setup(&s);
	s.request.score = true;
	s.request.sampler = NULL;
	s.request.prompt_count = 1;
	llm_request_begin(&s.request);
	tap_check(llm_request_rows(&s.request, rows, 2, &outputs) == 1);
	tap_check(outputs == 0 && !rows[0].output);
	llm_request_computed(&s.request, 1);
	tap_check(s.request.end == LLM_END_LENGTH);
	teardown(&s);
}

/* Gives a token to a request whose prompt is computed; returns bytes shown. */
static u32 make(struct setup *s, u32 token, u8 *shown)
{
	u32 ready;

	llm_request_token(&s->request, token, &ready);
	memcpy(shown, s->reply.held, ready);
	llm_reply_shown(&s->reply, ready);
	return ready;
}

static void tokens_go_on_after_the_prompt(void)
{
	static const u32 tokens[] = { WORD_B, WORD_A, WORD_B };
	struct llm_row row;
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	tap_check(s.request.last == LLM_IMAGE_NONE);
	for (u32 i = 0; i < ARRAY_SIZE(tokens); i++) {
		u32 outputs = 2;

		tap_check(make(&s, tokens[i], shown) == 1);
		tap_check(shown[0] == (tokens[i] == WORD_A ? 'a' : 'b'));
		tap_check(s.request.made == i + 1 && s.request.last == tokens[i]);
		tap_check(s.request.end == LLM_END_NONE);
		tap_check(llm_request_rows(&s.request, &row, 1, &outputs) == 1);
		tap_check(row.token == tokens[i] && row.output && outputs == 1);
		tap_check(row.position == 100 + PROMPT + i);
		llm_request_computed(&s.request, 1);
		tap_check(s.request.computed == PROMPT);
	}
	teardown(&s);
}

static void a_token_ends_it(void)
{
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	s.request.max_tokens = 1;
	tap_check(make(&s, WORD_END, shown) == 0);
	tap_check(s.request.end == LLM_END_TOKEN);
	tap_check(s.request.last == WORD_END && s.request.made == 1);
	teardown(&s);
}

static void control_tokens_are_shown_where_asked_for(void)
{
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	tap_check(make(&s, WORD_CONTROL, shown) == 0);
	s.request.text_flags = LLM_TEXT_SPECIAL;
	tap_check(make(&s, WORD_CONTROL, shown) == 7 && !memcmp(shown, "<other>", 7));
	tap_check(make(&s, WORD_END, shown) == 5 && !memcmp(shown, "<end>", 5));
	tap_check(s.request.end == LLM_END_TOKEN);
	teardown(&s);
}

static void a_stop_string_ends_it(void)
{
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	s.request.max_tokens = 1;
	tap_check(make(&s, WORD_STOP, shown) == 1 && shown[0] == 'x');
	tap_check(s.request.end == LLM_END_STOP);
	teardown(&s);
}

static void max_tokens_ends_it(void)
{
	const u32 byte_s = 5 + 's';
	const u32 byte_t = 5 + 't';
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	s.request.max_tokens = 3;
	tap_check(make(&s, WORD_A, shown) == 1);
	tap_check(make(&s, byte_s, shown) == 0);
	tap_check(s.request.end == LLM_END_NONE);
	/* What was held back for a stop string is shown at the end. */
	tap_check(make(&s, byte_t, shown) == 2 && !memcmp(shown, "st", 2));
	tap_check(s.request.end == LLM_END_LENGTH && s.request.made == 3);
	teardown(&s);
}

static void the_context_ends_it(void)
{
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_request_computed(&s.request, PROMPT);
	/* Room for the prompt and two tokens; a third is made but not computed. */
	s.request.context = 100 + PROMPT + 2;
	tap_check(make(&s, WORD_A, shown) == 1 && s.request.end == LLM_END_NONE);
	tap_check(make(&s, WORD_A, shown) == 1 && s.request.end == LLM_END_NONE);
	tap_check(make(&s, WORD_A, shown) == 1 && s.request.end == LLM_END_CONTEXT);
	teardown(&s);
}

static u32 choose(struct setup *s)
{
	float logits[5 + 256];

	for (u32 i = 0; i < ARRAY_SIZE(logits); i++)
		logits[i] = -9;
	logits[WORD_A] = 3;
	logits[WORD_B] = 2;
	logits[WORD_STOP] = 1;
	llm_sampler_begin(s->sampler, logits);
	while (!llm_sampler_advance(s->sampler))
		;
	return llm_sampler_token(s->sampler);
}

static void the_sampler_sees_prompt_and_reply(void)
{
	struct llm_sampling_params params;
	u8 shown[64];
	struct setup s;

	setup(&s);
	llm_sampling_defaults(&params);
	params.temperature = 0;
	params.presence = 5 * 65536;
	llm_sampler_setup(s.sampler, &params);
	tap_check(choose(&s) == WORD_STOP);
	make(&s, WORD_STOP, shown);
	tap_check(choose(&s) == WORD_A);
	teardown(&s);
}

static const struct tap_test tests[] = {
	{ "a prompt goes in chunks, the last token's output is wanted", prompt_goes_in_chunks },
	{ "a scoring wants all outputs but the last, within limits",
	  scoring_wants_all_outputs_but_the_last },
	{ "a scoring of one token has no output", scoring_of_one_token_has_no_output },
	{ "tokens go on where the prompt ended", tokens_go_on_after_the_prompt },
	{ "a token of the model ends a generation", a_token_ends_it },
	{ "control tokens are shown where asked for", control_tokens_are_shown_where_asked_for },
	{ "a stop string ends a generation", a_stop_string_ends_it },
	{ "max_tokens ends a generation, what was held back is shown", max_tokens_ends_it },
	{ "a full context ends a generation", the_context_ends_it },
	{ "the sampler sees prompt and reply", the_sampler_sees_prompt_and_reply },
	{ "an embedding wants what its pooling needs", an_embedding_wants_what_its_pooling_needs },
	{ "a whole text is not cut", a_whole_text_is_not_cut },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
