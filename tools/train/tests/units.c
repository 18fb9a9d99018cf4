// SPDX-License-Identifier: GPL-2.0
/* The parts of llm-train that whole runs do not pin down. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "nn/internal.h"
#include "optim.h"
#include "text.h"

static int tests, failures;

static void result(bool ok, const char *name)
{
	tests++;
	failures += !ok;
	printf("%sok %d %s\n", ok ? "" : "not ", tests, name);
}

static void test_utf8(void)
{
	static const struct {
		const char *text;
		int len;
	} cases[] = {
		{ "a", 1 }, { "\xc3\xa9", 2 }, { "\xe2\x96\x81", 3 }, { "\xf0\x9f\x8c\x8d", 4 },
		{ "\x80", 0 }, { "\xc3", 0 }, { "\xc0\x80", 0 }, { "\xe0\x80\x80", 0 },
		{ "\xed\xa0\x80", 0 }, { "\xf4\x90\x80\x80", 0 }, { "\xf0\x80\x80\x80", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 }, { "\xff", 0 }, { "\xe2\x96", 0 },
		{ "\xe0\x9f\xbf", 0 }, { "\xe0\xa0\x80", 3 }, { "\xf0\x8f\xbf\xbf", 0 },
		{ "\xed\x9f\xbf", 3 }, { "\xed\xbf\xbf", 0 }, { "\xee\x80\x80", 3 },
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok &= utf8_len(cases[i].text, strlen(cases[i].text)) == cases[i].len;
	result(ok, "UTF-8: overlong, surrogate, cut and too large are refused");
}

static struct buf bytes(const char *text)
{
	struct buf b = { 0 };

	buf_add(&b, text, strlen(text) + 1);
	b.len--;
	return b;
}

static bool is(const struct buf *b, const char *text)
{
	return b->len == strlen(text) && !memcmp(b->p ? b->p : "", text, b->len);
}

static bool cleans(const char *in, const char *how, long heldout, const char *train,
		   const char *valid, const char *test)
{
	struct corpus corpus = { 0 };
	struct buf b = bytes(in);
	bool ok;

	text_clean("test", &b, how, heldout, &corpus);
	ok = is(&corpus.train, train) && is(&corpus.valid, valid) && is(&corpus.test, test);
	free(b.p);
	free(corpus.train.p);
	free(corpus.valid.p);
	free(corpus.test.p);
	return ok;
}

static void test_clean(void)
{
	result(cleans("a \r\nb\rc\x01\t\n\n", "lines", 0, "a\nb\nc", "", ""),
	       "lines: line ends, spaces before them, control characters");
	result(cleans("one\ntwo  three\n\n\nfour\n", "prose", 0, "one two three\nfour", "", ""),
	       "prose: lines of a paragraph are joined");
	result(cleans("a\n\f\n \n\f\nb\n\f\nc\n\f\nd\n\f\ne\n\f\nf\n", "lines", 2,
		      "a\n\f\nc\n\f\ne", "b\n\f\nf", "d"),
	       "documents: empty ones do not count, every second is held out, by turns");
}

static const char story[] =
	"the cat and the hat and the cat that sat on the hat\nthe cat, the cat! 12 cats "
	"the cat and the hat and the cat that sat on the hat\nthe cat, the cat! 12 cats";

static void test_vocab(void)
{
	struct buf text = bytes(story), ids = { 0 };
	struct vocab v = vocab_train(&text, VOCAB_PIECES + 18), w;
	const char *odd = "the cat\xc3\xa9 \xf0\x9f\x8c\x8d\n sat";
	char *back = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&back, &len);
	uint16_t *id;
	bool same;

	vocab_encode(&v, odd, strlen(odd), &ids);
	id = (uint16_t *)ids.p;
	for (size_t i = 0; i < ids.len / 2; i++)
		vocab_print(&v, id[i], f);
	fclose(f);
	result(len == strlen(odd) + 1 && back[0] == ' ' && !strcmp(back + 1, odd),
	       "tokens give back the text, unknown characters as bytes");
	result(id[0] == vocab_find(&v, VOCAB_SPACE "the", 6), "a frequent word is one token");
	result(vocab_find(&v, "t,", 2) < 0 && vocab_find(&v, "t" VOCAB_SPACE, 4) < 0,
	       "no piece reaches across a change of class or into the next word");
	free(back);
	f = open_memstream(&back, &len);
	vocab_save(&v, f);
	fclose(f);
	same = len > 0;
	f = tmpfile();
	fwrite(back, 1, len, f);
	fflush(f);
	free(back);
	back = xalloc(64, 1);
	snprintf(back, 64, "/proc/self/fd/%d", fileno(f));
	w = vocab_load(back);
	same &= v.count == w.count;
	for (int t = 0; same && t < v.count; t++)
		same = !strcmp(v.piece[t], w.piece[t]) && v.score[t] == w.score[t];
	result(same, "a vocabulary survives its file");
	fclose(f);
	free(back);
	free(ids.p);
	free(text.p);
	vocab_free(&v);
	vocab_free(&w);
}

/* The definition, word by word: join the best pair of the whole text, again and again. */
static size_t encode_slowly(const struct vocab *v, const char *text, char pieces[][32])
{
	size_t n = 1;

	strcpy(pieces[0], VOCAB_SPACE);
	for (; *text; text++)
		snprintf(pieces[n++], 32, "%.*s", *text == ' ' ? VOCAB_SPACE_LEN : 1,
			 *text == ' ' ? VOCAB_SPACE : text);
	for (;;) {
		char joined[64];
		int best = -1;
		size_t at = 0;

		for (size_t i = 0; i + 1 < n; i++) {
			int t;

			strcat(strcpy(joined, pieces[i]), pieces[i + 1]);
			t = vocab_find(v, joined, strlen(joined));
			if (t >= 0 && (best < 0 || v->score[t] > v->score[best])) {
				best = t;
				at = i;
			}
		}
		if (best < 0)
			return n;
		strcpy(joined, pieces[at + 1]);
		strcat(pieces[at], joined);
		memmove(pieces[at + 1], pieces[at + 2], (n - at - 2) * sizeof(pieces[0]));
		n--;
	}
}

static void test_encode(void)
{
	static char pieces[256][32];
	struct buf text = bytes(story), ids = { 0 };
	struct vocab v = vocab_train(&text, VOCAB_PIECES + 18);
	/* Compounds the text does not have, where the order of the joins shows. */
	const char *line = "athehat catthe hatthecat, thecatsat onthehat thathe 12cats satthat";
	size_t n;
	bool same;

	n = encode_slowly(&v, line, pieces);
	vocab_encode(&v, line, strlen(line), &ids);
	same = n == ids.len / 2;
	for (size_t i = 0; same && i < n; i++) {
		int t = vocab_find(&v, pieces[i], strlen(pieces[i]));

		/* Rare characters have no piece and are single bytes here. */
		if (t < 0)
			t = VOCAB_BYTES + (unsigned char)pieces[i][0];
		same = ((uint16_t *)ids.p)[i] == t;
	}
	result(same, "word by word gives the tokens of the whole text at once");
	free(ids.p);
	free(text.p);
	vocab_free(&v);
}

static void test_order(void)
{
	uint16_t id[1003];
	int seen[1003] = { 0 }, first[3], ids[10], targets[10];
	struct tokens t = { .ids = id, .n = 1003 };
	size_t windows = tokens_windows(&t, 10);
	bool once = true, next = true;

	for (int i = 0; i < 1003; i++)
		id[i] = i;
	for (size_t n = 0; n < 3 * windows; n++) {
		tokens_sequence(&t, 1, 10, n, ids, targets);
		if (n % windows == 0)
			first[n / windows] = ids[0];
		for (int i = 0; i < 10; i++) {
			seen[ids[i]]++;
			next &= targets[i] == ids[i] + 1;
		}
		if (n % windows == windows - 1) {
			int covered = 0;

			for (int i = 0; i < 1003; i++) {
				once &= seen[i] <= 1;
				covered += seen[i];
				seen[i] = 0;
			}
			once &= covered == 10 * (int)windows;
		}
	}
	result(once && windows == 99, "an epoch sees every window once");
	result(next, "the target is the next token");
	/* cppcheck-suppress uninitvar */
	result(first[0] != first[1] && first[1] != first[2], "every epoch has an order of its own");
}

static void test_rates(void)
{
	struct settings s;
	bool ok = true;

	settings_init(&s);
	settings_set(&s, "rate", "1");
	settings_set(&s, "warmup", "10");
	settings_set(&s, "steps", "110");
	settings_set(&s, "final", "0.1");
	settings_set(&s, "every", "50");
	ok &= fabs(optim_rate(&s, 0) - 0.1) < 1e-12 && fabs(optim_rate(&s, 9) - 1) < 1e-12;
	ok &= fabs(optim_rate(&s, 60) - 0.55) < 1e-12 && fabs(optim_rate(&s, 110) - 0.1) < 1e-12;
	settings_set(&s, "schedule", "linear");
	ok &= fabs(optim_rate(&s, 35) - 0.775) < 1e-12;
	settings_set(&s, "schedule", "step");
	ok &= optim_rate(&s, 59) == 1 && fabs(optim_rate(&s, 60) - 0.1) < 1e-12;
	settings_set(&s, "schedule", "constant");
	ok &= optim_rate(&s, 100) == 1;
	result(ok, "schedules: warm-up, cosine, linear, step, constant");
}

static void test_penalties(void)
{
	struct settings s;
	struct model m;
	struct optim o;
	float matrix, gain;

	settings_init(&s);
	settings_set(&s, "optimiser", "sgd");
	settings_set(&s, "schedule", "constant");
	settings_set(&s, "warmup", "0");
	settings_set(&s, "rate", "1");
	settings_set(&s, "l1", "0.001");
	settings_set(&s, "context", "2");
	m = model_new(&s, 300, 1);
	o = optim_new(&m);
	matrix = m.params[0];
	gain = m.params[m.count - 1];
	optim_step(&o, &m, 0);
	result(fabsf(m.params[0] - matrix + copysignf(0.001f, matrix)) < 1e-7f &&
	       m.params[m.count - 1] == gain, "L1 pulls matrices towards zero, not gains");
	optim_free(&o);
	model_free(&m);
	settings_set(&s, "l1", "0");
	m = model_new(&s, 300, 1);
	o = optim_new(&m);
	for (size_t i = 0; i < m.count; i++)
		m.grad[i] = i % 2 ? 3 : -3;
	gain = m.params[1];
	matrix = optim_step(&o, &m, 0);
	result(fabs(matrix - 3 * sqrt(m.count)) < 1 &&
	       fabsf(gain - m.params[1] - 1 / sqrtf(m.count)) < 1e-6f,
	       "clipping leaves a gradient of norm 1");
	optim_free(&o);
	model_free(&m);
}

static void test_dropout(void)
{
	static real x[20000], whole[20000], half[10000];
	struct nn_shape s = { .rows = 200, .in = 100, .out = 100, .rate = 0.25 };
	struct nn_args a = { .s = &s, .x = x, .y = whole, .train = true, .seed = 9 };
	double sum = 0;
	bool ok;

	for (int i = 0; i < 20000; i++)
		x[i] = 1;
	nn_layers[NN_DROPOUT].forward(&a);
	for (int i = 0; i < 20000; i++)
		sum += whole[i];
	ok = fabs(sum / 20000 - 1) < 0.02;
	s.rows = 100;
	a.row0 = 100;
	a.y = half;
	nn_layers[NN_DROPOUT].forward(&a);
	result(ok && !memcmp(half, whole + 10000, sizeof(half)),
	       "dropout keeps the mean, and a piece of a batch drops what the batch drops");
}

static void test_functions(void)
{
	double worst_exp = 0, worst_tanh = 0;

	for (double x = -80; x < 80; x += 0.0137) {
		worst_exp = fmax(worst_exp, fabs(nn_exp(x) / exp((float)x) - 1));
		worst_tanh = fmax(worst_tanh, fabs(nn_tanh(x / 10) / tanh((float)(x / 10)) - 1));
	}
	printf("# relative error: exp %.1e, tanh %.1e\n", worst_exp, worst_tanh);
	result(worst_exp < 2.5e-7 && worst_tanh < 1e-6 && isnan(nn_exp(NAN)),
	       "exp and tanh in single precision");
}

int main(void)
{
	nn_threads_init();
	test_utf8();
	test_clean();
	test_vocab();
	test_encode();
	test_order();
	test_rates();
	test_penalties();
	test_dropout();
	test_functions();
	printf("1..%d\n", tests);
	return failures > 0;
}
