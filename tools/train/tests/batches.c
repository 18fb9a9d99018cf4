// SPDX-License-Identifier: GPL-2.0
/*
 * The batches of a run, for a trainer beside this one: batches DIR writes, for
 * each step and each of its sequences, context tokens and context targets,
 * int32, to standard output.
 */
#include <stdlib.h>

#include "data.h"
#include "settings.h"

int main(int argc, char **argv)
{
	struct settings s;
	struct vocab v;
	struct tokens t;
	int context;
	int32_t *ids;

	if (argc != 2)
		die("usage: batches DIR");
	settings_init(&s);
	settings_load(&s, argv[1]);
	v = vocab_load(path_in(argv[1], "vocab.txt"));
	t = tokens_new(&v, path_in(argv[1], "train.txt"));
	context = s.context;
	ids = xalloc(2 * (size_t)context, sizeof(*ids));
	for (uint64_t i = 0; i < s.steps * s.batch; i++) {
		tokens_sequence(&t, s.seed, context, i, ids, ids + context);
		fwrite(ids, sizeof(*ids), 2 * (size_t)context, stdout);
	}
	free(ids);
	return fflush(stdout) != 0;
}
