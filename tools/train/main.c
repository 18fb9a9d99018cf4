// SPDX-License-Identifier: GPL-2.0
/* llm-train: text in, trained model out. The commands and the command line. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint.h"
#include "dist.h"
#include "gguf.h"
#include "text.h"
#include "train.h"
#include "util.h"

static const char usage[] =
	"usage: llm-train COMMAND [--OPTION VALUE]... [FILE]...\n"
	"       mpirun -n N llm-train train [--OPTION VALUE]...\n"
	"\n"
	"Trains a language model from text and exports it as a GGUF file. Everything lies in\n"
	"the folder of the run, --dir. Commands, in their order:\n"
	"  text FILE...  check and normalise UTF-8 text: train.txt, heldout.txt and test.txt. A\n"
	"                line that holds a form feed separates documents, and so does the end\n"
	"                of a file\n"
	"  vocab         learn a byte-pair vocabulary from train.txt: vocab.txt\n"
	"  init          the first weights: checkpoint\n"
	"  train         train, or resume: checkpoint, best, log.csv, curve.svg. Ctrl-C ends\n"
	"                it with a checkpoint\n"
	"  eval          bits a byte of the best weights on test.txt: results.txt\n"
	"  export        the best weights: model.gguf\n"
	"  sample        continue --prompt with the best weights\n"
	"  all FILE...   text, vocab, train, eval, export\n"
	"\n"
	"The options of a run are kept in its file settings.txt and hold for the commands after;\n"
	"the defaults are in brackets:\n";

/* Steps that one process does while the others wait. */
static void alone(void (*f)(const struct settings *s, char **files), const struct settings *s,
		  char **files)
{
	if (dist_rank() == 0)
		f(s, files);
	dist_barrier();
}

static void save_text(const char *dir, const char *name, const struct buf *text)
{
	struct out o = out_open(dir, name);

	fwrite(text->p, 1, text->len, o.f);
	out_close(&o);
}

static void do_text(const struct settings *s, char **files)
{
	struct corpus corpus = { 0 };

	if (!*files)
		die("give the files to learn from: llm-train text FILE...");
	if (mkdir(s->dir, 0777) && errno != EEXIST)
		die("cannot make the folder %s: %s", s->dir, strerror(errno));
	for (; *files; files++) {
		struct buf in = file_read(*files);

		text_clean(*files, &in, s->normalise, s->heldout, &corpus);
		free(in.p);
	}
	if (!corpus.train.len)
		die("there is no text to learn from in these files");
	save_text(s->dir, "train.txt", &corpus.train);
	save_text(s->dir, "heldout.txt", &corpus.valid);
	save_text(s->dir, "test.txt", &corpus.test);
	settings_save(s);
	printf("%ld documents: %zu bytes to train on, %zu to validate, %zu to test\n",
	       corpus.documents, corpus.train.len, corpus.valid.len, corpus.test.len);
	free(corpus.train.p);
	free(corpus.valid.p);
	free(corpus.test.p);
}

static void do_vocab(const struct settings *s, char **files)
{
	char *path = path_in(s->dir, "train.txt");
	struct buf text = file_read(path);
	struct vocab v = vocab_train(&text, s->vocab);
	struct out o = out_open(s->dir, "vocab.txt");

	(void)files;
	vocab_save(&v, o.f);
	out_close(&o);
	settings_save(s);
	printf("%d tokens in the vocabulary\n", v.count);
	vocab_free(&v);
	free(text.p);
	free(path);
}

static struct vocab load_vocab(const struct settings *s)
{
	char *path = path_in(s->dir, "vocab.txt");
	struct vocab v = vocab_load(path);

	free(path);
	return v;
}

static struct tokens load_tokens(const struct settings *s, const struct vocab *v, const char *name)
{
	char *path = path_in(s->dir, name);
	struct tokens t = tokens_new(v, path);

	free(path);
	return t;
}

static void do_init(const struct settings *s, char **files)
{
	struct vocab v = load_vocab(s);
	struct model m = model_new(s, v.count, 1);
	struct optim o = optim_new(&m);
	struct progress p = { .best = INFINITY };
	char *path = path_in(s->dir, "checkpoint");
	struct stat st;

	(void)files;
	if (!stat(path, &st))
		die("%s is there already; remove it or choose another --dir", path);
	checkpoint_save("checkpoint", &m, &o, &p);
	settings_save(s);
	printf("%zu parameters\n", m.count);
	free(path);
	optim_free(&o);
	model_free(&m);
	vocab_free(&v);
}

static bool do_train(const struct settings *s)
{
	struct vocab v = load_vocab(s);
	struct tokens train = load_tokens(s, &v, "train.txt");
	struct tokens valid = load_tokens(s, &v, "heldout.txt");
	bool done;

	train_watch_signals();
	done = train_run(s, v.count, &train, &valid);
	tokens_free(&train);
	tokens_free(&valid);
	vocab_free(&v);
	return done;
}

/* The best weights, or the last where nothing was validated. */
static struct model load_best(const struct settings *s, const struct vocab *v, struct progress *p)
{
	struct model m = model_new(s, v->count, 1);

	if (!checkpoint_load("best", &m, NULL, p) && !checkpoint_load("checkpoint", &m, NULL, p))
		die("%s has no trained weights; run llm-train train first", s->dir);
	return m;
}

/* The text of the test; that of the validation where so little was held out that it has none. */
static struct tokens load_test(const struct settings *s, const struct vocab *v, const char **name)
{
	struct tokens test;

	*name = "test.txt";
	test = load_tokens(s, v, *name);
	if (test.n >= 2)
		return test;
	tokens_free(&test);
	*name = "heldout.txt";
	return load_tokens(s, v, *name);
}

static void do_eval(const struct settings *s, char **files)
{
	struct vocab v = load_vocab(s);
	const char *name;
	struct tokens test = load_test(s, &v, &name);
	struct progress p;
	struct model m = load_best(s, &v, &p);
	struct out o;

	(void)files;
	if (test.n < 2)
		die("%s/%s is empty; run llm-train text with a smaller --heldout", s->dir, name);
	o = out_open(s->dir, "results.txt");
	fprintf(o.f, "parameters %zu\nsteps %ld\nvalidation_loss %.6f\n", m.count, p.step, p.best);
	fprintf(o.f, "text %s\nbytes %zu\ntokens %zu\nbits_per_byte %.4f\n", name, test.bytes,
		test.n, train_bits(&m, &test));
	out_close(&o);
	printf("results are in %s/results.txt\n", s->dir);
	model_free(&m);
	tokens_free(&test);
	vocab_free(&v);
}

static void do_export(const struct settings *s, char **files)
{
	struct vocab v = load_vocab(s);
	struct progress p;
	struct model m = load_best(s, &v, &p);

	(void)files;
	gguf_save(&m, &v, s->dir, "model.gguf");
	printf("%s/model.gguf: step %ld\n", s->dir, p.step);
	model_free(&m);
	vocab_free(&v);
}

/* The most likely token, or one drawn from softmax(logits / temp). */
static int choose(const real *logits, int n, double temp, double u)
{
	double sum = 0;
	int best = 0;

	for (int i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	if (temp == 0)
		return best;
	for (int i = 0; i < n; i++)
		sum += exp((logits[i] - logits[best]) / temp);
	u *= sum;
	for (int i = 0; i < n; i++) {
		u -= exp((logits[i] - logits[best]) / temp);
		if (u < 0)
			return i;
	}
	return best;
}

static void do_sample(const struct settings *s, char **files)
{
	const uint16_t begin = VOCAB_BEGIN;
	int context = s->context, token = VOCAB_BEGIN;
	int32_t *ids = xalloc(context, sizeof(*ids));
	struct vocab v = load_vocab(s);
	struct progress p;
	struct model m = load_best(s, &v, &p);
	struct buf out = { 0 };

	(void)files;
	for (size_t i = 0, n = strlen(s->prompt); i < n; i += utf8_len(s->prompt + i, n - i))
		if (!utf8_len(s->prompt + i, n - i))
			die("--prompt is not UTF-8");
	buf_add(&out, &begin, sizeof(begin));
	vocab_encode(&v, s->prompt, strlen(s->prompt), &out);
	fputs(s->prompt, stdout);
	for (int made = 0; made < s->length && token != VOCAB_END; made++) {
		int n = out.len / 2, from = n > context ? n - context : 0;
		double u = nn_random(s->seed, made) * 0x1p-64;
		uint16_t next;

		memset(ids, 0, context * sizeof(*ids));
		for (int i = from; i < n; i++)
			ids[i - from] = ((uint16_t *)out.p)[i];
		token = choose(model_logits(&m, ids) + (size_t)(n - from - 1) * v.count, v.count,
			       s->temp, u);
		next = token;
		buf_add(&out, &next, sizeof(next));
		vocab_print(&v, token, stdout);
	}
	putchar('\n');
	free(ids);
	free(out.p);
	model_free(&m);
	vocab_free(&v);
}

/* Options into settings; what is left of argv are the files. */
static void parse(struct settings *s, int argc, char **argv)
{
	char **file = argv;

	for (int pass = 0; pass < 2; pass++) {
		/* The folder first: its settings come before the other options. */
		for (int i = 0; i < argc; i++) {
			if (strncmp(argv[i], "--", 2))
				continue;
			if (i + 1 == argc)
				die("%s needs a value", argv[i]);
			if (pass == 1 || !strcmp(argv[i], "--dir"))
				settings_set(s, argv[i] + 2, argv[i + 1]);
			i++;
		}
		if (pass == 0)
			settings_load(s, s->dir);
	}
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "--", 2))
			i++;
		else
			*file++ = argv[i];
	}
	*file = NULL;
}

static const struct {
	const char *name;
	void (*run)(const struct settings *s, char **files);
	bool files;	/* takes files */
} commands[] = {
	{ "text", do_text, true },
	{ "vocab", do_vocab, false },
	{ "init", do_init, false },
	{ "train", NULL, false },
	{ "eval", do_eval, false },
	{ "export", do_export, false },
	{ "sample", do_sample, false },
	{ "all", NULL, true },
};

static bool run(const char *command, const struct settings *s, char **files)
{
	bool all = !strcmp(command, "all");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(command, commands[i].name))
			continue;
		if (*files && !commands[i].files)
			die("%s takes no files, but was given '%s'", command, *files);
		if (commands[i].run) {
			alone(commands[i].run, s, files);
			return true;
		}
		if (all) {
			alone(do_text, s, files);
			alone(do_vocab, s, files);
		}
		if (!do_train(s))
			return false;
		if (all) {
			alone(do_eval, s, files);
			alone(do_export, s, files);
		}
		return true;
	}
	die("there is no command '%s'; llm-train --help lists them", command);
}

int main(int argc, char **argv)
{
	struct settings s;
	bool done;

	settings_init(&s);
	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(usage, argc < 2 ? stderr : stdout);
		settings_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	dist_init(&argc, &argv);
	nn_threads_init();
	parse(&s, argc - 2, argv + 2);
	done = run(argv[1], &s, argv + 2);
	dist_end();
	if (fflush(stdout))
		die("cannot write to standard output: %s", strerror(errno));
	return done ? 0 : 130;
}
