// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

static void usage(FILE *to)
{
	fputs("usage: random-model [OPTION...] OUT.gguf\n"
	      "       random-model -L\n\n"
	      "Writes a model with random weights.\n\n"
	      "  -a KIND     kind of model, one of those that -L lists; else llama\n"
	      "  -t TYPE     number format of the matrices, such as Q4_K; several, separated\n"
	      "              by commas, take turns; or Q4_K_M, llama.cpp's mix of Q4_K\n"
	      "              and Q6_K; else F32\n"
	      "  -l N        layers; else 4\n"
	      "  -w N        width; else 256\n"
	      "  -f N        width of the feed-forward part; else twice the width\n"
	      "  -n N        query heads; else 8\n"
	      "  -k N        key/value heads; else half of those\n"
	      "  -d N        columns of a head; else the width divided by the heads\n"
	      "  -v N        tokens of the vocabulary; else 1024\n"
	      "  -V KIND     kind of the vocabulary: spm, unigram, bpe, wordpiece or rwkv; else what\n"
	      "              the kind of model calls for: wordpiece or spm\n"
	      "  -p NAME     what splits texts for bpe, such as qwen2; else gpt-2\n"
	      "  -c N        positions of the context; else 2048\n"
	      "  -s N        seed of the random numbers; else 1\n"
	      "  -L          lists the kinds\n", to);
}

void die(const char *format, ...)
{
	va_list args;

	fputs("random-model: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void *must(void *memory)
{
	if (!memory)
		die("not enough memory");
	return memory;
}

static uint32_t number(const char *text, char option)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || !value || value > 1 << 24)
		die("-%c %s: not a number from 1 to %u", option, text, 1U << 24);
	return value;
}

static void set_types(struct sizes *s, char *names)
{
	char *name, *rest;

	s->mixed = !strcasecmp(names, "Q4_K_M");
	if (s->mixed)
		return;
	for (name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (s->type_count == MAX_TYPES)
			die("-t takes at most %d types", MAX_TYPES);
		s->types[s->type_count] = format_find(name);
		if (!s->types[s->type_count++])
			die("-t %s: not a type that is known, such as F16 or Q4_K", name);
	}
}

static void set(struct sizes *s, char option, char *argument)
{
	switch (option) {
	case 'a':
		s->kind = kind_find(argument);
		if (!s->kind)
			die("-a %s: not one of those that random-model -L lists", argument);
		break;
	case 't':
		set_types(s, argument);
		break;
	case 'l':
		s->layers = number(argument, option);
		break;
	case 'w':
		s->width = number(argument, option);
		break;
	case 'f':
		s->hidden = number(argument, option);
		break;
	case 'n':
		s->heads = number(argument, option);
		break;
	case 'k':
		s->kv_heads = number(argument, option);
		break;
	case 'd':
		s->head = number(argument, option);
		break;
	case 'v':
		s->vocab = number(argument, option);
		break;
	case 'V':
		s->tokenizer = argument;
		break;
	case 'p':
		s->pretokenizer = argument;
		break;
	case 'c':
		s->context = number(argument, option);
		break;
	case 's':
		s->seed = number(argument, option);
		break;
	}
}

static void complete(struct sizes *s)
{
	if (!s->type_count && !s->mixed)
		s->types[s->type_count++] = format_find("F32");
	if (!s->layers)
		s->layers = s->kind->layers ? s->kind->layers : 4;
	if (!s->hidden)
		s->hidden = 2 * s->width;
	if (!s->kv_heads)
		s->kv_heads = s->heads > 1 ? s->heads / 2 : 1;
	if (!s->head)
		s->head = s->width / s->heads;
	if (!s->tokenizer)
		s->tokenizer = s->kind->traits & XLM ? "unigram" :
			       s->kind->traits & ENCODER ? "wordpiece" : "spm";
	if (s->heads % s->kv_heads)
		die("%u query heads can't share %u key/value heads", s->heads, s->kv_heads);
	if (!s->head || s->head % 4)
		die("a head has %u columns, which is not a multiple of 4", s->head);
}

static void list(void)
{
	size_t i;

	for (i = 0; kind_at(i); i++)
		printf("%s\n", kind_at(i)->name);
}

int main(int argc, char **argv)
{
	struct sizes s = {
		.kind = kind_find("llama"), .width = 256, .heads = 8, .vocab = 1024,
		.context = 2048, .seed = 1, .pretokenizer = "gpt-2",
	};
	struct gguf *g;
	int c;

	while ((c = getopt(argc, argv, "a:t:l:w:f:n:k:d:v:V:p:c:s:Lh")) != -1) {
		if (c == 'L' || c == 'h') {
			if (c == 'L')
				list();
			else
				usage(stdout);
			return 0;
		}
		if (c == '?') {
			usage(stderr);
			return 2;
		}
		set(&s, c, optarg);
	}
	if (optind + 1 != argc) {
		usage(stderr);
		return 2;
	}
	complete(&s);
	g = gguf_new();
	vocab_add(g, &s);
	model_add(g, &s);
	gguf_write(g, argv[optind], s.seed);
	return 0;
}
