// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing a token from logits, with the definitions and in the order of
 * llama.cpp's samplers. Tokens are in order of falling logit, the lower token
 * first where two are equal; top-k, top-p and min-p each keep a beginning of
 * that order. So a small top-k is kept in a heap and sorted, and otherwise it
 * is enough to find the last token kept, without sorting.
 */
#include "choice.h"
#include "math.h"

/* What one call may do, in logits looked at; an exponential costs as much as four. */
#define BUDGET		8192
#define EXP_COST	4
/* Moving a candidate down a heap of LLM_MAX_CANDIDATES. */
#define SIFT_COST	16
/* Logits that are passed over at a time, and what that costs. */
#define PASSED		16
#define PASS_COST	4

#define FIXED_ONE	65536.0
#define NOTHING		(-__builtin_inff())
#define LARGEST		__FLT_MAX__
/* What does not forbid a token but adds up to nothing: at least one token is kept. */
#define LEAST_WEIGHT	__DBL_MIN__

static float fixed(s32 value)
{
	return (float)(value / FIXED_ONE);
}

/* Finite, or NOTHING for a token that can't be chosen; no negative zero. */
static float clean(float logit)
{
	if (!(logit > NOTHING))
		return NOTHING;
	return (logit < LARGEST ? logit : LARGEST) + 0.0f;
}

/* Orders as logits do. */
static u32 logit_key(float logit)
{
	u32 bits = llm_float_bits(logit);

	return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

static void go_on(struct llm_sampler *s, enum llm_choice_phase phase)
{
	s->phase = phase;
	s->at = 0;
}

static void choose(struct llm_sampler *s, u32 token)
{
	s->token = token;
	s->phase = LLM_CHOICE_DONE;
}

static void apply_biases(struct llm_sampler *s)
{
	const struct llm_sampling_bias *bias;
	u32 i;

	for (i = 0; i < s->params.bias_count; i++) {
		bias = &s->params.biases[i];
		if (bias->bias <= -100 * 65536)
			s->logits[bias->token] = NOTHING;
		else
			s->logits[bias->token] += fixed(bias->bias);
	}
}

static float penalize(const struct llm_sampling_params *params, float logit, u32 occurrences)
{
	float repeat = fixed(params->repeat);

	logit = logit <= 0 ? logit * repeat : logit / repeat;
	return logit - ((float)occurrences * fixed(params->frequency) + fixed(params->presence));
}

static void apply_penalties(struct llm_sampler *s)
{
	u32 window = llm_sampler_window(s);
	u16 *occurrences;
	u32 token, i;

	if (s->params.repeat == 65536 && !s->params.frequency && !s->params.presence)
		return;
	for (i = 0; i < window; i++) {
		token = llm_sampler_seen(s, i);
		occurrences = &s->occurrences[token];
		if (*occurrences & LLM_OCCURRENCES_DONE)
			continue;
		s->logits[token] = penalize(&s->params, s->logits[token], *occurrences);
		*occurrences |= LLM_OCCURRENCES_DONE;
	}
	for (i = 0; i < window; i++)
		s->occurrences[llm_sampler_seen(s, i)] &= ~LLM_OCCURRENCES_DONE;
}

static u32 top_k(const struct llm_sampler *s)
{
	return s->params.top_k ? min(s->params.top_k, s->vocab_size) : s->vocab_size;
}

static void prepare(struct llm_sampler *s)
{
	apply_biases(s);
	apply_penalties(s);
	s->token = 0;
	s->maximum = NOTHING;
	s->sum = 0;
	s->candidate_count = 0;
	if (s->params.temperature <= 0)
		go_on(s, LLM_CHOICE_GREEDY);
	else if (top_k(s) <= LLM_MAX_CANDIDATES)
		go_on(s, LLM_CHOICE_COLLECT);
	else
		go_on(s, LLM_CHOICE_MAXIMUM);
}

static u32 part_end(const struct llm_sampler *s, u32 cost)
{
	return min(s->vocab_size, s->at + BUDGET / cost);
}

/* Whether one of PASSED logits is above @limit: simple enough for compilers to vectorise. */
static bool any_above(const float *logits, float limit)
{
	s32 above = 0;
	u32 i;

	for (i = 0; i < PASSED; i++)
		above |= logits[i] > limit;
	return above;
}

/* Goes on to the next PASSED logits with one above @limit. Returns what it cost. */
static s32 pass_over(struct llm_sampler *s, float limit, s32 budget)
{
	s32 cost = 0;

	while (s->at + PASSED <= s->vocab_size && cost < budget &&
	       !any_above(s->logits + s->at, limit)) {
		s->at += PASSED;
		cost += PASS_COST;
	}
	return cost;
}

static void look_for_greedy(struct llm_sampler *s, u32 end)
{
	float logit;

	for (; s->at < end; s->at++) {
		logit = clean(s->logits[s->at]);
		if (logit > s->maximum) {
			s->maximum = logit;
			s->token = s->at;
		}
	}
}

static void find_greedy(struct llm_sampler *s)
{
	s32 budget = BUDGET;

	while (s->at < s->vocab_size && budget > 0) {
		budget -= pass_over(s, s->maximum, budget) + PASSED;
		look_for_greedy(s, min(s->at + PASSED, s->vocab_size));
	}
	if (s->at == s->vocab_size)
		choose(s, s->token);
}

static bool is_likelier(const struct llm_candidate *a, const struct llm_candidate *b)
{
	return a->logit > b->logit || (a->logit == b->logit && a->token < b->token);
}

/* The heap has the least likely candidate first. */
static void sift_down(struct llm_candidate *heap, u32 count, struct llm_candidate moved)
{
	u32 at = 0;
	u32 child;

	for (child = 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && is_likelier(&heap[child], &heap[child + 1]))
			child++;
		if (!is_likelier(&moved, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void sift_up(struct llm_candidate *heap, u32 at, struct llm_candidate moved)
{
	while (at > 0 && is_likelier(&heap[(at - 1) / 2], &moved)) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moved;
}

/* Candidates among the logits before @end. Returns what it cost to move some. */
static s32 add_candidates(struct llm_sampler *s, u32 end)
{
	struct llm_candidate candidate;
	u32 limit = top_k(s);
	s32 cost = 0;

	for (; s->at < end; s->at++) {
		candidate.logit = clean(s->logits[s->at]);
		candidate.token = s->at;
		if (!(candidate.logit > NOTHING))
			continue;
		if (s->candidate_count < limit)
			sift_up(s->candidates, s->candidate_count++, candidate);
		else if (candidate.logit > s->candidates[0].logit)
			sift_down(s->candidates, limit, candidate);
		else
			continue;
		cost += SIFT_COST;
	}
	return cost;
}

static void collect(struct llm_sampler *s)
{
	s32 budget = BUDGET;
	float least;

	while (s->at < s->vocab_size && budget > 0) {
		least = s->candidate_count < top_k(s) ? NOTHING : s->candidates[0].logit;
		budget -= pass_over(s, least, budget) + PASSED;
		budget -= add_candidates(s, min(s->at + PASSED, s->vocab_size));
	}
	if (s->at < s->vocab_size)
		return;
	s->unordered = s->candidate_count;
	go_on(s, LLM_CHOICE_ORDER);
}

static void order(struct llm_sampler *s)
{
	struct llm_candidate *heap = s->candidates;
	struct llm_candidate last;
	s32 budget = BUDGET;

	for (; s->unordered > 1 && budget > 0; budget -= SIFT_COST) {
		last = heap[--s->unordered];
		heap[s->unordered] = heap[0];
		sift_down(heap, s->unordered, last);
	}
	if (s->unordered <= 1)
		go_on(s, LLM_CHOICE_DRAW);
}

static float least_logit(const struct llm_sampler *s, float maximum)
{
	return s->params.min_p > 0 ? maximum + (float)llm_log(fixed(s->params.min_p)) : NOTHING;
}

static u32 cut_top_p(const struct llm_sampler *s, u32 count)
{
	double total = 0;
	double sum = 0;
	u32 i;

	if (s->params.top_p >= 65536)
		return count;
	for (i = 0; i < count; i++)
		total += llm_expf(s->candidates[i].logit - s->candidates[0].logit);
	for (i = 0; i < count - 1; i++) {
		sum += llm_expf(s->candidates[i].logit - s->candidates[0].logit);
		if (sum >= s->params.top_p / FIXED_ONE * total)
			break;
	}
	return i + 1;
}

static u32 cut_min_p(const struct llm_sampler *s, u32 count)
{
	float least = least_logit(s, s->candidates[0].logit);

	while (count > 1 && s->candidates[count - 1].logit < least)
		count--;
	return count;
}

static double draw_of(const struct llm_sampler *s, double sum)
{
	return (double)s->draw / (1ULL << 53) * sum;
}

static void draw_candidate(struct llm_sampler *s)
{
	struct llm_candidate *candidates = s->candidates;
	double sum = 0;
	double target;
	float maximum;
	u32 count, i;

	if (!s->candidate_count) {
		choose(s, 0);
		return;
	}
	maximum = candidates[0].logit;
	count = cut_min_p(s, cut_top_p(s, s->candidate_count));
	for (i = 0; i < count; i++) {
		candidates[i].logit = llm_expf((candidates[i].logit - maximum) /
					       fixed(s->params.temperature));
		sum += candidates[i].logit;
	}
	target = draw_of(s, sum);
	sum = 0;
	for (i = 0; i < count - 1; i++) {
		sum += candidates[i].logit;
		if (sum > target)
			break;
	}
	choose(s, candidates[i].token);
}

static void begin_select(struct llm_sampler *s, bool weighted)
{
	s->select.weighted = weighted;
	s->select.level = 0;
	s->select.prefix = 0;
	s->select.wanted = top_k(s);
	s->select.before = 0;
	memset(s->select.bins, 0, sizeof(s->select.bins));
	go_on(s, LLM_CHOICE_SELECT);
}

static void after_top_k(struct llm_sampler *s)
{
	if (s->params.top_p < 65536)
		begin_select(s, true);
	else
		go_on(s, LLM_CHOICE_WEIGH);
}

static void find_maximum(struct llm_sampler *s)
{
	u32 end = part_end(s, 1);

	for (; s->at < end; s->at++) {
		s->logits[s->at] = clean(s->logits[s->at]);
		if (s->logits[s->at] > s->maximum)
			s->maximum = s->logits[s->at];
	}
	if (s->at < s->vocab_size)
		return;
	if (!(s->maximum > NOTHING))
		choose(s, 0);
	else if (top_k(s) < s->vocab_size)
		begin_select(s, false);
	else
		after_top_k(s);
}

static float select_weight(const struct llm_sampler *s, float logit)
{
	return s->select.weighted ? llm_expf(logit - s->maximum) : 1;
}

static u32 level_shift(u32 level)
{
	return level == 0 ? 21 : level == 1 ? 10 : 0;
}

static u32 level_bits(u32 level)
{
	return level == 2 ? 10 : 11;
}

/* The bin in which the wanted weight is reached: likeliest first, not an empty one. */
static u32 find_bin(struct llm_choice_select *select)
{
	u32 found = 0;
	u32 i;

	for (i = LLM_CHOICE_BINS; i-- > 0;) {
		if (!(select->bins[i] > 0))
			continue;
		found = i;
		if (select->before + select->bins[i] >= select->wanted)
			return found;
		select->before += select->bins[i];
	}
	/* Rounding, or fewer tokens than wanted: the last one is as good. */
	select->before -= select->bins[found];
	return found;
}

static void end_level(struct llm_sampler *s)
{
	struct llm_choice_select *select = &s->select;
	double total = 0;
	u32 i;

	if (select->weighted && select->level == 0) {
		for (i = 0; i < LLM_CHOICE_BINS; i++)
			total += select->bins[i];
		select->wanted = s->params.top_p / FIXED_ONE * total;
		if (!(select->wanted > LEAST_WEIGHT))
			select->wanted = LEAST_WEIGHT;
	}
	select->prefix = select->prefix << level_bits(select->level) | find_bin(select);
	memset(select->bins, 0, sizeof(select->bins));
	select->level++;
	go_on(s, select->level < 3 ? LLM_CHOICE_SELECT : LLM_CHOICE_CUT);
}

static void select_level(struct llm_sampler *s)
{
	struct llm_choice_select *select = &s->select;
	u32 shift = level_shift(select->level);
	u32 bits = level_bits(select->level);
	s32 budget = BUDGET;
	u32 key;

	for (; s->at < s->vocab_size && budget > 0; s->at++, budget--) {
		float logit = s->logits[s->at];

		key = logit_key(logit) >> shift;
		if (!(logit > NOTHING) || (select->level && key >> bits != select->prefix))
			continue;
		select->bins[key & ((1U << bits) - 1)] += select_weight(s, logit);
		budget -= EXP_COST;
	}
	if (s->at == s->vocab_size)
		end_level(s);
}

static void cut(struct llm_sampler *s)
{
	struct llm_choice_select *select = &s->select;
	u32 end = part_end(s, 1);
	u32 key;

	for (; s->at < end; s->at++) {
		key = logit_key(s->logits[s->at]);
		if (key > select->prefix)
			continue;
		if (key == select->prefix && select->before < select->wanted)
			select->before += select_weight(s, s->logits[s->at]);
		else
			s->logits[s->at] = NOTHING;
	}
	if (s->at < s->vocab_size)
		return;
	if (select->weighted)
		go_on(s, LLM_CHOICE_WEIGH);
	else
		after_top_k(s);
}

/* Puts weights in the place of the logits. */
static void weigh(struct llm_sampler *s)
{
	float least = least_logit(s, s->maximum);
	float temperature = fixed(s->params.temperature);
	s32 budget = BUDGET;
	float logit;

	for (; s->at < s->vocab_size && budget > 0; s->at++, budget--) {
		logit = s->logits[s->at];
		s->logits[s->at] = 0;
		if (!(logit > NOTHING) || logit < least)
			continue;
		s->logits[s->at] = llm_expf((logit - s->maximum) / temperature);
		s->sum += s->logits[s->at];
		budget -= EXP_COST;
	}
	if (s->at < s->vocab_size)
		return;
	/* From here on it is what is left to go to the token chosen. */
	s->sum = draw_of(s, s->sum);
	go_on(s, LLM_CHOICE_PICK);
}

static void pick(struct llm_sampler *s)
{
	u32 end = part_end(s, 1);

	for (; s->at < end; s->at++) {
		if (!(s->logits[s->at] > 0))
			continue;
		s->token = s->at;
		s->sum -= s->logits[s->at];
		if (s->sum < 0)
			break;
	}
	if (s->sum < 0 || s->at == s->vocab_size)
		choose(s, s->token);
}

bool llm_sampler_advance(struct llm_sampler *sampler)
{
	switch (sampler->phase) {
	case LLM_CHOICE_PREPARE:
		prepare(sampler);
		break;
	case LLM_CHOICE_GREEDY:
		find_greedy(sampler);
		break;
	case LLM_CHOICE_COLLECT:
		collect(sampler);
		break;
	case LLM_CHOICE_ORDER:
		order(sampler);
		break;
	case LLM_CHOICE_DRAW:
		draw_candidate(sampler);
		break;
	case LLM_CHOICE_MAXIMUM:
		find_maximum(sampler);
		break;
	case LLM_CHOICE_SELECT:
		select_level(sampler);
		break;
	case LLM_CHOICE_CUT:
		cut(sampler);
		break;
	case LLM_CHOICE_WEIGH:
		weigh(sampler);
		break;
	case LLM_CHOICE_PICK:
		pick(sampler);
		break;
	case LLM_CHOICE_DONE:
		break;
	}
	return llm_sampler_chose(sampler);
}
