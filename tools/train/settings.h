/* SPDX-License-Identifier: GPL-2.0 */
/* Everything a run can be told, in one table: options, their help, the file. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include <stdio.h>

/*
 * What a run was told. Each member is the option of the same name, and
 * settings_help() tells what it means, its unit and its range.
 */
struct settings {
	char *dir;
	char *normalise;
	double heldout;
	double vocab;
	double context;
	double width;
	double layers;
	double heads;
	double kv_heads;
	double hidden;
	double dropout;
	double theta;
	double eps;
	double seed;
	double batch;
	double micro;
	double steps;
	char *optimiser;
	double rate;
	char *schedule;
	double warmup;
	double final;
	double every;
	double beta1;
	double beta2;
	double clip;
	double l1;
	double l2;
	double decay;
	double validate;
	double patience;
	double checkpoint;
	double shards;
	char *type;
	char *prompt;
	double length;
	double temp;
};

/**
 * settings_init - the defaults
 * @s: filled
 */
void settings_init(struct settings *s);

/**
 * settings_set - one setting
 * @s: changed
 * @name: without dashes
 * @value: text; dies with the range when it does not fit
 */
void settings_set(struct settings *s, const char *name, const char *value);

/**
 * settings_load - the settings a run folder was left with
 * @s: changed where the file says so
 * @dir: the folder; where it has no settings.txt nothing changes
 */
void settings_load(struct settings *s, const char *dir);

/**
 * settings_save - the opposite: settings.txt, everything needed to repeat the run
 * @s: settings
 */
void settings_save(const struct settings *s);

/**
 * settings_help - one line a setting
 * @f: open file
 */
void settings_help(FILE *f);

#endif
