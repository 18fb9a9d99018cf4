// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "regex.h"
#include "unicode.h"

/* Where the reading of an expression is. The first error stays. */
struct parser {
	struct regex *regex;
	struct regex_sets *sets;
	const char *at;
	int error;
};

static void fail(struct parser *p, int error)
{
	if (!p->error)
		p->error = error;
}

static bool take(struct parser *p, const char *text)
{
	size_t length = strlen(text);

	if (p->error || strncmp(p->at, text, length))
		return false;
	p->at += length;
	return true;
}

/* Makes room for an instruction at a place; what lies behind it moves. */
static void insert(struct parser *p, size_t place, enum regex_op op, int a, int b)
{
	struct regex *regex = p->regex;

	if (regex->count == REGEX_MAX_INSNS)
		fail(p, -EINVAL);
	if (p->error)
		return;
	memmove(&regex->insns[place + 1], &regex->insns[place],
		(regex->count - place) * sizeof(regex->insns[0]));
	regex->insns[place] = (struct regex_insn) { op, a, b };
	regex->count++;
}

static void append(struct parser *p, enum regex_op op, int a, int b)
{
	insert(p, p->regex->count, op, a, b);
}

static bool same(const struct charset *a, const struct charset *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)));
}

/* The number of a settled set, which is taken over. */
static int add_set(struct parser *p, struct charset *set)
{
	size_t i;

	if (set->out_of_memory)
		fail(p, -ENOMEM);
	for (i = 0; i < p->sets->count && !same(&p->sets->sets[i], set); i++)
		;
	if (i == REGEX_MAX_SETS)
		fail(p, -EINVAL);
	if (p->error || i < p->sets->count) {
		charset_destroy(set);
		return i;
	}
	p->sets->sets[p->sets->count++] = *set;
	return i;
}

static __u32 read_point(struct parser *p)
{
	const unsigned char *at = (const unsigned char *)p->at;
	int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
	__u32 point = more ? *at & (0x3f >> more) : *at;

	if (!*at) {
		fail(p, -EINVAL);
		return 0;
	}
	while (more--) {
		at++;
		if ((*at & 0xc0) != 0x80) {
			fail(p, -EINVAL);
			return 0;
		}
		point = point << 6 | (*at & 0x3f);
	}
	p->at = (const char *)at + 1;
	return point;
}

/* A character, perhaps after a backslash. */
static __u32 read_character(struct parser *p)
{
	static const char letters[] = "rnt", meant[] = "\r\n\t";
	const char *found;

	if (!take(p, "\\"))
		return read_point(p);
	found = *p->at ? strchr(letters, *p->at) : NULL;
	if (found) {
		p->at++;
		return meant[found - letters];
	}
	if (strchr("pswdPSWDb", *p->at))
		fail(p, -EINVAL);
	return read_point(p);
}

/* Adds \s or \p{...}, if that is what comes. */
static bool read_class(struct parser *p, struct charset *set)
{
	char name;

	if (take(p, "\\s")) {
		unicode_add_spaces(set);
		return true;
	}
	if (!take(p, "\\p{"))
		return false;
	name = *p->at;
	if (name)
		p->at++;
	if (!unicode_add_category(set, name) || !take(p, "}"))
		fail(p, -EINVAL);
	return true;
}

static void read_range(struct parser *p, struct charset *set)
{
	__u32 first = read_character(p), last = first;

	if (*p->at == '-' && p->at[1] != ']') {
		p->at++;
		last = read_character(p);
	}
	if (last < first)
		fail(p, -EINVAL);
	charset_add(set, first, last);
}

/* What comes after the opening bracket. */
static void read_bracket(struct parser *p, struct charset *set)
{
	bool inverted = take(p, "^");
	struct charset other = { 0 };

	while (!p->error && *p->at != ']' && strncmp(p->at, "&&[", 3)) {
		if (!read_class(p, set))
			read_range(p, set);
	}
	charset_settle(set);
	if (take(p, "&&[")) {
		read_bracket(p, &other);
		charset_intersect(set, &other);
		charset_destroy(&other);
	}
	if (!take(p, "]"))
		fail(p, -EINVAL);
	if (inverted)
		charset_invert(set);
}

/* One character, or a set of them; the number of the set. */
static int read_set(struct parser *p)
{
	struct charset set = { 0 };

	if (take(p, "\\S")) {
		unicode_add_spaces(&set);
		charset_settle(&set);
		charset_invert(&set);
	} else if (take(p, "[")) {
		read_bracket(p, &set);
	} else if (!read_class(p, &set)) {
		__u32 point = read_character(p);

		charset_add(&set, point, point);
	}
	charset_settle(&set);
	return add_set(p, &set);
}

static void parse_alternatives(struct parser *p);

/* (?!x) is the same as: what comes is not in x, or nothing comes. */
static void parse_ahead(struct parser *p, bool inverted)
{
	struct charset set = { 0 };
	int number = read_set(p), i;

	if (p->error)
		return;
	for (i = 0; inverted && i < (int)p->sets->sets[number].count; i++)
		charset_add(&set, p->sets->sets[number].ranges[i].first,
			    p->sets->sets[number].ranges[i].last);
	if (inverted) {
		charset_invert(&set);
		number = add_set(p, &set);
	}
	append(p, REGEX_AHEAD, number, inverted);
	if (!take(p, ")"))
		fail(p, -EINVAL);
}

static void parse_atom(struct parser *p)
{
	struct charset nothing = { 0 };

	if (take(p, "(?:")) {
		parse_alternatives(p);
		if (!take(p, ")"))
			fail(p, -EINVAL);
	} else if (take(p, "(?=")) {
		parse_ahead(p, false);
	} else if (take(p, "(?!")) {
		parse_ahead(p, true);
	} else if (take(p, "$")) {
		append(p, REGEX_AHEAD, add_set(p, &nothing), 1);
	} else if (!*p->at || strchr("()*+?{}]|", *p->at)) {
		fail(p, -EINVAL);
	} else {
		append(p, REGEX_SET, read_set(p), 0);
	}
}

static int read_number(struct parser *p)
{
	int number = 0, digits = 0;

	for (; *p->at >= '0' && *p->at <= '9' && digits < 4; digits++)
		number = 10 * number + *p->at++ - '0';
	if (!digits)
		fail(p, -EINVAL);
	return number;
}

/* Repeats what was read from @atom on: the expression is read again as often. */
static void parse_counts(struct parser *p, const char *atom, size_t start)
{
	int least = read_number(p), most = least, i;
	size_t again;
	const char *end;

	if (take(p, ","))
		most = read_number(p);
	if (!take(p, "}") || !least || most < least)
		fail(p, -EINVAL);
	end = p->at;
	p->regex->count = start;
	for (i = 0; i < most && !p->error; i++) {
		again = p->regex->count;
		p->at = atom;
		parse_atom(p);
		if (i >= least)
			insert(p, again, REGEX_FORK, 1, p->regex->count - again + 1);
	}
	p->at = end;
}

static void parse_repeated(struct parser *p)
{
	size_t start = p->regex->count;
	const char *atom = p->at;
	int length;

	parse_atom(p);
	length = p->regex->count - start;
	if (take(p, "?")) {
		insert(p, start, REGEX_FORK, 1, length + 1);
	} else if (take(p, "*")) {
		insert(p, start, REGEX_FORK, 1, length + 2);
		append(p, REGEX_JUMP, -length - 1, 0);
	} else if (take(p, "+")) {
		append(p, REGEX_FORK, -length, 1);
	} else if (take(p, "{")) {
		parse_counts(p, atom, start);
	}
}

static void parse_alternatives(struct parser *p)
{
	size_t start = p->regex->count, jump;

	while (!p->error && *p->at && *p->at != '|' && *p->at != ')')
		parse_repeated(p);
	if (!take(p, "|"))
		return;
	insert(p, start, REGEX_FORK, 1, p->regex->count - start + 2);
	jump = p->regex->count;
	append(p, REGEX_JUMP, 0, 0);
	parse_alternatives(p);
	if (!p->error)
		p->regex->insns[jump].a = p->regex->count - jump;
}

int regex_parse(struct regex *regex, struct regex_sets *sets, const char *text)
{
	struct parser p = { .regex = regex, .sets = sets, .at = text };

	regex->count = 0;
	parse_alternatives(&p);
	append(&p, REGEX_MATCH, 0, 0);
	if (*p.at)
		fail(&p, -EINVAL);
	return p.error;
}

void regex_sets_destroy(struct regex_sets *sets)
{
	while (sets->count)
		charset_destroy(&sets->sets[--sets->count]);
}
