// SPDX-License-Identifier: GPL-2.0
/* See settings.h. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "util.h"

/**
 * struct setting - one row of the table
 * @name: option, and key in the file
 * @at: member of &struct settings
 * @init: default
 * @words: allowed words, between bars; %NULL for any text; unused for numbers
 * @min: smallest number
 * @max: largest number; equal to @min for text
 * @whole: only whole numbers
 * @keep: belongs in the file
 * @help: what it does
 */
struct setting {
	const char *name;
	size_t at;
	const char *init;
	const char *words;
	double min;
	double max;
	bool whole;
	bool keep;
	const char *help;
};

#define AT(name) #name, offsetof(struct settings, name)
#define TEXT(name, init, words, keep, help) { AT(name), init, words, 0, 0, false, keep, help }
#define REAL(name, init, min, max, help) { AT(name), init, NULL, min, max, false, true, help }
#define INT(name, init, min, max, help) { AT(name), init, NULL, min, max, true, true, help }

static const struct setting table[] = {
	TEXT(dir, "run", NULL, false, "folder of the run"),
	TEXT(normalise, "prose", "|lines|prose|", true,
	     "lines: line ends, spaces before them; prose: also joins the lines of paragraphs"),
	INT(heldout, "50", 0, 1e6, "hold out every n-th document, to validate and test; 0: none"),
	INT(vocab, "2048", 260, 65535, "tokens in the vocabulary, 259 of them fixed"),
	INT(context, "256", 2, 65536, "tokens the model sees"),
	INT(width, "192", 2, 65536, "width of the model"),
	INT(layers, "4", 1, 80, "layers"),
	INT(heads, "6", 1, 1024, "query heads"),
	INT(kv_heads, "0", 0, 1024, "key and value heads; 0: as many as query heads"),
	INT(hidden, "512", 1, 262144, "width of the feed-forward part"),
	REAL(dropout, "0", 0, 0.99, "share of activations dropped"),
	REAL(theta, "10000", 1, 1e9, "base of the rotary frequencies"),
	REAL(eps, "1e-5", 1e-12, 1, "added to the mean square in the norms"),
	INT(seed, "1", 0, 4294967295.0, "of the weights, the order and the dropout"),
	INT(batch, "16", 1, 65536, "sequences in a step, over all processes"),
	INT(micro, "0", 0, 65536, "sequences at a time, gradients add up; 0: all of a process"),
	INT(steps, "1000", 1, 1e9, "steps"),
	TEXT(optimiser, "adamw", "|sgd|rmsprop|adam|adamw|", true, "sgd, rmsprop, adam, adamw"),
	REAL(rate, "2e-3", 0, 100, "learning rate"),
	TEXT(schedule, "cosine", "|constant|linear|cosine|step|", true,
	     "constant, linear, cosine, step: from the rate to its final share"),
	INT(warmup, "100", 0, 1e9, "steps in which the rate rises from 0"),
	REAL(final, "0.05", 0, 1, "share of the rate at the end; step: factor of each fall"),
	INT(every, "1000", 1, 1e9, "step schedule: steps between falls"),
	REAL(beta1, "0.9", 0, 0.9999999, "decay of the first moment; momentum of sgd"),
	REAL(beta2, "0.95", 0, 0.9999999, "decay of the second moment"),
	REAL(clip, "1", 0, 1e9, "largest norm of the gradient; 0: any"),
	REAL(l1, "0", 0, 100, "L1 penalty, of matrices"),
	REAL(l2, "0", 0, 100, "L2 penalty, of matrices"),
	REAL(decay, "0.1", 0, 100, "adamw: decoupled weight decay, of matrices"),
	INT(validate, "100", 1, 1e9, "steps between validations"),
	INT(patience, "0", 0, 1e9, "stop after so many validations without a better one; 0: never"),
	INT(checkpoint, "100", 1, 1e9, "steps between checkpoints"),
	INT(shards, "0", 0, 4096, "files a checkpoint is cut into; 0: one for each process"),
	TEXT(type, "q8_0", "|f32|f16|q8_0|", true, "weights in the exported file: f32, f16, q8_0"),
	TEXT(prompt, "It was", NULL, false, "sample: begins the text"),
	INT(length, "100", 1, 65536, "sample: tokens to add"),
	REAL(temp, "0", 0, 100, "sample: temperature; 0 takes the most likely token"),
};

#define COUNT (sizeof(table) / sizeof(table[0]))

static double *number(const struct settings *s, const struct setting *t)
{
	return (void *)((char *)s + t->at);
}

static char **text(const struct settings *s, const struct setting *t)
{
	return (void *)((char *)s + t->at);
}

static bool is_text(const struct setting *t)
{
	return t->min == t->max;
}

static void set_text(struct settings *s, const struct setting *t, const char *value)
{
	if (t->words) {
		size_t n = strlen(value) + 3;
		char *barred = xalloc(n, 1);

		snprintf(barred, n, "|%s|", value);
		if (strchr(value, '|') || !strstr(t->words, barred))
			die("--%s cannot be '%s': choose from %s", t->name, value, t->words);
		free(barred);
	}
	free(*text(s, t));
	*text(s, t) = strcpy(xalloc(strlen(value) + 1, 1), value);
}

static void set_number(struct settings *s, const struct setting *t, const char *value)
{
	char *end;
	double v = strtod(value, &end);

	if (end == value || *end || !(v >= t->min && v <= t->max) || (t->whole && v != floor(v)))
		die("--%s cannot be '%s': give a %snumber from %g to %g", t->name, value,
		    t->whole ? "whole " : "", t->min, t->max);
	*number(s, t) = v;
}

void settings_set(struct settings *s, const char *name, const char *value)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct setting *t = &table[i];

		if (strcmp(name, t->name))
			continue;
		if (is_text(t))
			set_text(s, t, value);
		else
			set_number(s, t, value);
		return;
	}
	die("there is no option --%s; llm-train --help lists them", name);
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < COUNT; i++)
		settings_set(s, table[i].name, table[i].init);
}

void settings_load(struct settings *s, const char *dir)
{
	char *path = path_in(dir, "settings.txt"), line[4096];
	FILE *f = fopen(path, "r");

	if (!f) {
		free(path);
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		char *space = strchr(line, ' ');

		line[strcspn(line, "\n")] = 0;
		if (!space)
			die("%s has a line without a value: '%s'", path, line);
		*space = 0;
		settings_set(s, line, space + 1);
	}
	fclose(f);
	free(path);
}

void settings_save(const struct settings *s)
{
	struct out o = out_open(s->dir, "settings.txt");

	for (size_t i = 0; i < COUNT; i++) {
		const struct setting *t = &table[i];

		if (!t->keep)
			continue;
		if (is_text(t))
			fprintf(o.f, "%s %s\n", t->name, *text(s, t));
		else
			fprintf(o.f, "%s %.17g\n", t->name, *number(s, t));
	}
	out_close(&o);
}

void settings_help(FILE *f)
{
	for (size_t i = 0; i < COUNT; i++)
		fprintf(f, "  --%-11s %s [%s]\n", table[i].name, table[i].help, table[i].init);
}
