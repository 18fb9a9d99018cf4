// SPDX-License-Identifier: GPL-2.0
/*
 * NN_ATTEND: softmax(q kᵀ / sqrt(head_dim) + causal mask) v (Vaswani et al. 2017) on
 * rotated queries and keys (Su et al. 2021), query heads in groups that share a
 * key and value head (Ainslie et al. 2023).
 *
 * Work is cut by sequence and key head; inside, by blocks of queries, and a block
 * looks no further than its own last key.
 */
#include "internal.h"

#define BLOCK 64	/* queries at a time */

/* What lies in save, in this order. */
struct kept {
	real *qkv;	/* rows × in, rotated */
	real *p;	/* sequences × heads × seq × seq: softmax, lower triangle */
	real *turn;	/* seq × head_dim: cosine and sine of each pair */
	real *dqkv;	/* rows × in, backward only */
	real *dp;	/* sequences × kv_heads × BLOCK × seq, backward only */
};

static size_t lay_out(const struct nn_shape *s, struct kept *k, real *save)
{
	size_t sequences = s->rows / s->seq, square = (size_t)s->seq * s->seq;
	size_t act = (size_t)s->rows * s->in;
	size_t p = act, turn = p + sequences * s->heads * square;
	size_t dqkv = turn + (size_t)s->seq * s->head_dim, dp = dqkv + act;

	if (k)
		*k = (struct kept){ save, save + p, save + turn, save + dqkv, save + dp };
	return dp + sequences * s->kv_heads * BLOCK * s->seq;
}

size_t nn_attend_save_len(const struct nn_shape *s)
{
	return lay_out(s, NULL, NULL);
}

static void fill_turn(const struct nn_shape *s, real *turn)
{
	int d = s->head_dim;

#pragma omp parallel for
	for (int t = 0; t < s->seq; t++) {
		for (int i = 0; i < d; i += 2) {
			double angle = t * pow(s->theta, -(double)i / d);

			turn[t * d + i] = cos(angle);
			turn[t * d + i + 1] = sin(angle);
		}
	}
}

/* to = from with every pair turned by its angle, or back by it (sign -1). */
static void rotate(int d, const real *turn, real sign, const real *from, real *to)
{
	for (int i = 0; i < d; i += 2) {
		real c = turn[i], sn = sign * turn[i + 1];
		real x = from[i], y = from[i + 1];

		to[i] = x * c - y * sn;
		to[i + 1] = x * sn + y * c;
	}
}

/* Row i of p: scores become the softmax over keys 0..i, zero up to @end. */
static void softmax_row(real *p, int i, int end)
{
	real max = p[0], sum = 0, inv;

	for (int j = 1; j <= i; j++)
		max = p[j] > max ? p[j] : max;
#pragma omp simd reduction(+ : sum)
	for (int j = 0; j <= i; j++) {
		p[j] = nn_exp(p[j] - max);
		sum += p[j];
	}
	inv = 1 / sum;
	for (int j = 0; j <= i; j++)
		p[j] *= inv;
	for (int j = i + 1; j < end; j++)
		p[j] = 0;
}

static void attend_head(const struct nn_args *a, const struct kept *k, int seq, int head)
{
	const struct nn_shape *s = a->s;
	int t = s->seq, d = s->head_dim, group = s->heads / s->kv_heads;
	size_t row = (size_t)seq * t;
	const real *q = k->qkv + row * s->in + head * d;
	const real *key = k->qkv + row * s->in + (s->heads + head / group) * d;
	const real *v = key + s->kv_heads * d;
	real *y = a->y + row * s->out + head * d;
	real *p = k->p + ((size_t)seq * s->heads + head) * t * t;
	real scale = 1 / sqrt((double)d);

	for (int i = 0; i < t; i += BLOCK) {
		int n = t - i < BLOCK ? t - i : BLOCK, end = i + n;
		real *pi = p + (size_t)i * t;

		nn_mm1(false, true, n, end, d, scale, q + (size_t)i * s->in, s->in, key, s->in, 0,
		       pi, t);
		for (int r = 0; r < n; r++)
			softmax_row(pi + (size_t)r * t, i + r, end);
		nn_mm1(false, false, n, d, end, 1, pi, t, v, s->in, 0, y + (size_t)i * s->out,
		       s->out);
	}
}

void nn_attend_forward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	int d = s->head_dim, turned = s->heads + s->kv_heads;
	struct kept k;

	lay_out(s, &k, a->save);
	fill_turn(s, k.turn);
#pragma omp parallel for
	for (int r = 0; r < s->rows; r++) {
		const real *x = a->x + (size_t)r * s->in;
		real *to = k.qkv + (size_t)r * s->in;

		for (int h = 0; h < turned; h++)
			rotate(d, k.turn + (r % s->seq) * d, 1, x + h * d, to + h * d);
		memcpy(to + turned * d, x + turned * d, s->kv_heads * d * sizeof(real));
	}
#pragma omp parallel for schedule(dynamic)
	for (int i = 0; i < s->rows / s->seq * s->heads; i++)
		attend_head(a, &k, i / s->heads, i % s->heads);
}

/* dp becomes the gradient of the scores, from the gradient of the softmax. */
static void softmax_row_backward(real *dp, const real *p, int end, real scale)
{
	real dot = 0;

#pragma omp simd reduction(+ : dot)
	for (int j = 0; j < end; j++)
		dot += dp[j] * p[j];
	for (int j = 0; j < end; j++)
		dp[j] = p[j] * (dp[j] - dot) * scale;
}

static void attend_head_backward(const struct nn_args *a, const struct kept *k, int seq, int head)
{
	const struct nn_shape *s = a->s;
	int t = s->seq, d = s->head_dim, kv = head / (s->heads / s->kv_heads), ld = s->in;
	size_t row = (size_t)seq * t, q_at = row * ld + head * d;
	size_t k_at = row * ld + (s->heads + kv) * d, v_at = k_at + s->kv_heads * d;
	const real *dy = a->dy + row * s->out + head * d;
	const real *p = k->p + ((size_t)seq * s->heads + head) * t * t;
	real *dp = k->dp + ((size_t)seq * s->kv_heads + kv) * BLOCK * t;
	real scale = 1 / sqrt((double)d);

	for (int i = 0; i < t; i += BLOCK) {
		int n = t - i < BLOCK ? t - i : BLOCK, end = i + n;
		const real *pi = p + (size_t)i * t, *dyi = dy + (size_t)i * s->out;
		size_t qi = q_at + (size_t)i * ld;

		nn_mm1(true, false, end, d, n, 1, pi, t, dyi, s->out, 1, k->dqkv + v_at, ld);
		nn_mm1(false, true, n, end, d, 1, dyi, s->out, k->qkv + v_at, ld, 0, dp, t);
		for (int r = 0; r < n; r++)
			softmax_row_backward(dp + (size_t)r * t, pi + (size_t)r * t, end, scale);
		nn_mm1(false, false, n, d, end, 1, dp, t, k->qkv + k_at, ld, 0, k->dqkv + qi, ld);
		nn_mm1(true, false, end, d, n, 1, dp, t, k->qkv + qi, ld, 1, k->dqkv + k_at, ld);
	}
}

void nn_attend_backward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	int d = s->head_dim, turned = s->heads + s->kv_heads, group = s->heads / s->kv_heads;
	struct kept k;

	lay_out(s, &k, a->save);
#pragma omp parallel for
	for (int r = 0; r < s->rows; r++)
		memset(k.dqkv + (size_t)r * s->in, 0, s->in * sizeof(real));
	/* Heads of a group add into the same key and value: one thread has them all. */
#pragma omp parallel for schedule(dynamic)
	for (int i = 0; i < s->rows / s->seq * s->kv_heads; i++)
		for (int g = 0; g < group; g++)
			attend_head_backward(a, &k, i / s->kv_heads, i % s->kv_heads * group + g);
#pragma omp parallel for
	for (int r = 0; r < s->rows; r++) {
		real *from = k.dqkv + (size_t)r * s->in;
		real *dx = a->dx + (size_t)r * s->in;

		for (int h = 0; h < turned; h++)
			rotate(d, k.turn + (r % s->seq) * d, -1, from + h * d, from + h * d);
		for (int j = 0; j < s->in; j++)
			dx[j] += from[j];
	}
}
