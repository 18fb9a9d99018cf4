#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes the tables of lib/unicode.h from the Unicode Character Database.

scripts/unicode-tables.py categories UnicodeData.txt VERSION >lib/unicode_categories.c

and likewise for lowercase and decomposed.

UnicodeData.txt is in Debian's package unicode-data, in the version that the
tokenizers' expressions are tested with; UAX #44 describes it.
"""

import sys

WIDTH = 100


def read(path):
    """Yields code point ranges with the fields of the file."""
    first = None
    with open(path, encoding="ascii") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(";")
            point = int(fields[0], 16)
            if fields[1].endswith(", First>"):
                first = point
                continue
            yield first if first is not None else point, point, fields
            first = None


def categories(entries):
    """Where runs of one category, or of none, begin."""
    runs = []
    end = 0
    for first, last, fields in entries:
        name = f"'{fields[2][0]}'"
        if first > end and (not runs or runs[-1][1] != "0"):
            runs.append((end, "0"))
        if not runs or runs[-1][1] != name:
            runs.append((first, name))
        end = last + 1
    runs.append((end, "0"))
    return [f"{{ {first:#x}, {name} }}" for first, name in runs]


def mappings(pairs):
    """Runs of one difference, or of one result."""
    runs = []
    for point, result in pairs:
        if runs:
            first, last, step, delta = runs[-1]
            if result == first + delta and (step == 0 or first == last) and point == last + 1:
                runs[-1] = [first, point, 0, delta]
                continue
            if result - point == delta and point - last <= 2 and (
                    first == last or step == point - last):
                runs[-1] = [first, point, point - last, delta]
                continue
        runs.append([point, point, 1, result - point])
    return [f"{{ {a:#x}, {b:#x}, {step}, {delta} }}" for a, b, step, delta in runs]


def lowercase(entries):
    return mappings((first, int(fields[13], 16)) for first, _, fields in entries if fields[13])


def decomposed(entries):
    """The first code point of each full canonical decomposition."""
    base = {first: int(fields[5].split()[0], 16) for first, _, fields in entries
            if fields[5] and not fields[5].startswith("<")}
    # Hangul syllables: The Unicode Standard, section 3.12.
    base.update({0xac00 + i: 0x1100 + i // 588 for i in range(11172)})
    for point, result in base.items():
        while result in base:
            result = base[result]
        base[point] = result
    return mappings(sorted(base.items()))


def write(kind, name, count, texts):
    print(f"\nconst struct unicode_{kind} {name}[] = {{")
    line = ""
    for text in texts:
        # A tab is eight columns wide.
        if line and len(line) + len(text) + 10 > WIDTH:
            print(f"\t{line}")
            line = ""
        line += (" " if line else "") + text + ","
    print(f"\t{line}\n}};")
    print(f"const size_t {count} = ARRAY_SIZE({name});")


def main():
    tables = {
        "categories": ("category", "unicode_category_count", categories),
        "lowercase": ("mapping", "unicode_lowercase_count", lowercase),
        "decomposed": ("mapping", "unicode_decomposed_count", decomposed),
    }
    if len(sys.argv) != 4 or sys.argv[1] not in tables:
        sys.exit("usage: unicode-tables.py categories|lowercase|decomposed UnicodeData.txt VERSION")
    kind, count, runs = tables[sys.argv[1]]
    print("// SPDX-License-Identifier: LGPL-2.1-or-later")
    print(f"/* Written by scripts/unicode-tables.py from UnicodeData.txt of Unicode {sys.argv[3]}. */")
    print('#include "macros.h"')
    print('#include "unicode.h"')
    write(kind, f"unicode_{sys.argv[1]}", count, runs(list(read(sys.argv[2]))))


main()
