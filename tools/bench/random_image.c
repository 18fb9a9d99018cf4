// SPDX-License-Identifier: GPL-2.0
/*
 * random_image [-l LAYERS] [-w WIDTH] [-c CONTEXT] [-t f32|f16|q8_0] OUT.img
 *
 * Writes a Llama-shaped image with random weights, to measure with: about
 * 9 LAYERS WIDTH^2 of them.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiny_image.h"

static const struct {
	const char *name;
	__u32 type;
} types[] = {
	{ "f32", LLM_TENSOR_F32 },
	{ "f16", LLM_TENSOR_F16 },
	{ "q8_0", LLM_TENSOR_Q8_0 },
};

static void usage(void)
{
	fputs("usage: random_image [-l LAYERS] [-w WIDTH] [-c CONTEXT] [-t f32|f16|q8_0] OUT.img\n",
	      stderr);
	exit(2);
}

static __u32 parse_number(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value > 1 << 20)
		usage();
	return value;
}

static __u32 parse_type(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(text, types[i].name))
			return types[i].type;
	usage();
	return 0;
}

static int write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	int failed;

	if (!file) {
		fprintf(stderr, "random_image: %s: %s\n", path, strerror(errno));
		return 1;
	}
	failed = fwrite(bytes, 1, size, file) != size;
	failed |= fclose(file) != 0;
	if (failed) {
		fprintf(stderr, "random_image: %s: %s\n", path, strerror(errno));
		remove(path);
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct tiny_image_options options = { .seed = 1, .type = LLM_TENSOR_Q8_0 };
	size_t size;
	void *image;
	int c, status;

	while ((c = getopt(argc, argv, "l:w:c:t:")) != -1) {
		if (c == 'l')
			options.layers = parse_number(optarg);
		else if (c == 'w')
			options.width = parse_number(optarg);
		else if (c == 'c')
			options.context = parse_number(optarg);
		else if (c == 't')
			options.type = parse_type(optarg);
		else
			usage();
	}
	if (optind + 1 != argc)
		usage();
	image = tiny_image_build(&options, &size);
	if (!image) {
		fputs("random_image: there is no model of that shape, or not enough memory\n",
		      stderr);
		return 1;
	}
	status = write_file(argv[optind], image, size);
	free(image);
	return status;
}
