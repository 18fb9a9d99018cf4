// SPDX-License-Identifier: GPL-2.0
/* See checkpoint.h. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "dist.h"
#include "util.h"

#define PARTS 3	/* parameters, first moment, second moment */

/**
 * struct shard - what a shard begins with; the three slices follow
 * @magic: "LLMTRAIN"
 * @step: steps done
 * @count: parameters of the whole model
 * @from: first parameter of the slices
 * @to: one past the last
 * @sum: checksum of the slices
 */
struct shard {
	char magic[8];
	uint64_t step;
	uint64_t count;
	uint64_t from;
	uint64_t to;
	uint64_t sum;
};

static uint64_t add_sum(uint64_t h, const float *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, p + i, sizeof(bits));
		h = (h ^ bits) * 0x100000001b3;	/* FNV-1a, by words */
	}
	return h;
}

static void shard_name(char *out, size_t n, const char *name, long step, int i)
{
	snprintf(out, n, "%s.%ld.%d", name, step, i);
}

static void save_shard(const char *name, const struct model *m, const struct optim *o,
		       const struct progress *p, int i, int shards)
{
	const float *parts[PARTS] = { m->params, o->m, o->v };
	struct shard s = {
		.magic = "LLMTRAIN", .step = p->step, .count = m->count,
		.from = m->count * i / shards, .to = m->count * (i + 1) / shards,
		.sum = 0xcbf29ce484222325,
	};
	char file[64];
	struct out out;

	shard_name(file, sizeof(file), name, p->step, i);
	out = out_open(m->s->dir, file);
	for (int k = 0; k < PARTS; k++)
		s.sum = add_sum(s.sum, parts[k] + s.from, s.to - s.from);
	fwrite(&s, sizeof(s), 1, out.f);
	for (int k = 0; k < PARTS; k++)
		fwrite(parts[k] + s.from, sizeof(float), s.to - s.from, out.f);
	out_close(&out);
}

/* Reads the list; false when there is none. */
static bool load_list(const char *name, const char *dir, struct progress *p, int *shards)
{
	char *path = path_in(dir, name);
	FILE *f = fopen(path, "r");
	bool had = f;
	int got;

	if (!f && errno != ENOENT)
		die("cannot open %s: %s", path, strerror(errno));
	if (f) {
		got = fscanf(f, "step %ld\nbest %la\nworse %ld\nshards %d\n", &p->step, &p->best,
			     &p->worse, shards);
		if (got != 4 || p->step < 0 || *shards < 1)
			die("%s is damaged; remove it to begin anew", path);
		fclose(f);
	}
	free(path);
	return had;
}

/* Removes the shards of that name that are not of the step, also those of a run that died. */
static void remove_others(const char *name, const char *dir, long step, int shards)
{
	size_t n = strlen(dir) + strlen(name) + 16;
	char *pattern = xalloc(n, 1), *end;
	glob_t found;

	snprintf(pattern, n, "%s/%s.[0-9]*.[0-9]*", dir, name);
	if (glob(pattern, 0, NULL, &found)) {
		free(pattern);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *numbers = found.gl_pathv[i] + strlen(dir) + strlen(name) + 2;
		long of = strtol(numbers, &end, 10), shard = *end == '.' ? atol(end + 1) : 0;

		if (of != step || shard >= shards)
			unlink(found.gl_pathv[i]);
	}
	globfree(&found);
	free(pattern);
}

void checkpoint_save(const char *name, const struct model *m, const struct optim *o,
		     const struct progress *p)
{
	int shards = m->s->shards ? m->s->shards : dist_size();
	struct out out;

	for (int i = dist_rank(); i < shards; i += dist_size())
		save_shard(name, m, o, p, i, shards);
	dist_barrier();
	if (dist_rank() == 0) {
		out = out_open(m->s->dir, name);
		fprintf(out.f, "step %ld\nbest %a\nworse %ld\nshards %d\n", p->step, p->best,
			p->worse, shards);
		out_close(&out);
		remove_others(name, m->s->dir, p->step, shards);
	}
	dist_barrier();
}

static void load_shard(const char *name, struct model *m, struct optim *o, long step, int i)
{
	char file[64], *path;
	float *parts[PARTS] = { m->params, o ? o->m : NULL, o ? o->v : NULL };
	const float *data;
	struct buf b;
	struct shard s;
	size_t n;

	shard_name(file, sizeof(file), name, step, i);
	path = path_in(m->s->dir, file);
	b = file_read(path);
	if (b.len < sizeof(s))
		die("%s is damaged: it is too short", path);
	memcpy(&s, b.p, sizeof(s));
	data = (const void *)(b.p + sizeof(s));
	n = s.to - s.from;
	if (memcmp(s.magic, "LLMTRAIN", 8) || s.from > s.to || s.to > s.count ||
	    b.len != sizeof(s) + PARTS * n * sizeof(float) ||
	    s.sum != add_sum(0xcbf29ce484222325, data, PARTS * n) || s.step != (uint64_t)step)
		die("%s is damaged; restore it, or remove the checkpoint to begin anew", path);
	if (s.count != m->count)
		die("%s holds %ju parameters, the model %zu; use the settings it was made with",
		    path, (uintmax_t)s.count, m->count);
	for (int k = 0; k < PARTS; k++)
		if (parts[k])
			memcpy(parts[k] + s.from, data + k * n, n * sizeof(float));
	free(b.p);
	free(path);
}

bool checkpoint_load(const char *name, struct model *m, struct optim *o, struct progress *p)
{
	int shards;

	if (!load_list(name, m->s->dir, p, &shards))
		return false;
	for (int i = 0; i < shards; i++)
		load_shard(name, m, o, p->step, i);
	return true;
}
