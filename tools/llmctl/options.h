/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>

/** enum option_kind - what an option takes, and the type of its target */
enum option_kind {
	OPTION_END,	/* ends a table */
	OPTION_FLAG,	/* nothing; bool */
	OPTION_TEXT,	/* a text; const char * */
	OPTION_WHOLE,	/* a whole number from 0 on; __u64 */
	OPTION_NUMBER,	/* a number; double */
	OPTION_CALL,	/* a text that option.take makes something of */
};

/**
 * struct option - one option of a command
 * @kind: what it takes
 * @name: long name, without dashes, or NULL
 * @letter: short name, or 0
 * @target: where it goes
 * @least: least it may be, for OPTION_WHOLE and OPTION_NUMBER
 * @most: most it may be
 * @take: for OPTION_CALL: takes the value, returns whether it is well-formed
 * @wanted: for OPTION_CALL: what a well-formed value is, for when it is not
 * @value: what the value is called in the help
 * @help: what it is for; a newline begins another line
 */
struct option {
	enum option_kind kind;
	const char *name;
	char letter;
	void *target;
	double least;
	double most;
	bool (*take)(void *target, const char *text);
	const char *wanted;
	const char *value;
	const char *help;
};

/** OPTION_UNSET - an OPTION_WHOLE that was not given, if it begins as this. */
#define OPTION_UNSET UINT64_MAX

/**
 * struct operands - what a command line holds beside options
 * @values: the operands in order
 * @count: how many
 * @help: whether --help was there
 */
struct operands {
	char **values;
	int count;
	bool help;
};

/**
 * options_parse() - parses a command line
 * @tables: tables of options, each ended by OPTION_END; the last followed by NULL
 * @argc: words
 * @argv: words; the operands are moved to its front
 * @operands: the operands
 *
 * Options and operands may be mixed; "--" ends the options; "-" is an operand.
 * Long options are written --name VALUE or --name=VALUE, short ones -l VALUE.
 * Return: whether it is well-formed; if not the user has been told why.
 */
bool options_parse(const struct option *const *tables, int argc, char **argv,
		   struct operands *operands);

/**
 * options_help() - describes options on stdout
 * @tables: as for options_parse()
 */
void options_help(const struct option *const *tables);

/**
 * parse_whole() - a whole number and nothing else
 * @text: decimal digits
 * @least: least it may be
 * @most: most it may be
 * @value: the number
 *
 * Return: whether it is one.
 */
bool parse_whole(const char *text, __u64 least, __u64 most, __u64 *value);

/**
 * parse_number() - a finite number and nothing else
 * @text: digits, perhaps with a sign, a fraction and an exponent
 * @least: least it may be
 * @most: most it may be
 * @value: the number
 *
 * Return: whether it is one.
 */
bool parse_number(const char *text, double least, double most, double *value);

#endif /* OPTIONS_H */
