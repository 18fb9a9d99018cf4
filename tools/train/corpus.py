#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes the text the shipped model is trained on, from Debian packages.

usage: corpus.py CACHE OUT

The packages are downloaded into CACHE once, with apt-get, and unpacked there,
not installed. OUT gets one file a book, UTF-8, documents (chapters) separated
by a line that holds a form feed.

  r-cran-janeaustenr  Jane Austen's six novels, 1811 to 1818
  bible-kjv-text      the King James Version, 1611; read by the program in bible-kjv
"""
import gzip
import os
import re
import struct
import subprocess
import sys
import zlib

PACKAGES = ("r-cran-janeaustenr", "bible-kjv-text", "bible-kjv")
SEPARATOR = "\n\f\n"


def fetch(cache):
    """Unpacks the packages below cache/root, downloading what is not there."""
    root = os.path.join(cache, "root")
    os.makedirs(root, exist_ok=True)
    for package in PACKAGES:
        def found(name=package):
            return [f for f in sorted(os.listdir(cache))
                    if f.startswith(name + "_") and f.endswith(".deb")]
        if not found():
            subprocess.run(["apt-get", "download", "-qq", package], cwd=cache, check=True)
        deb = os.path.join(cache, found()[-1])
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    return root


class Strings:
    """Reader of the part of R's XDR serialisation that character vectors use."""

    def __init__(self, data):
        if data[:2] != b"X\n":
            raise ValueError("not R's XDR format")
        self.data = data
        self.at = 2
        version = self.int()
        self.at += 8
        if version == 3:
            size = self.int()
            self.at += size

    def int(self):
        value = struct.unpack_from(">i", self.data, self.at)[0]
        self.at += 4
        return value

    def vector(self):
        if self.int() & 0xff != 16:
            raise ValueError("not a character vector")
        return [self.string() for _ in range(self.int())]

    def string(self):
        if self.int() & 0xff != 9:
            raise ValueError("not a string")
        size = self.int()
        self.at += size
        return self.data[self.at - size:self.at].decode("utf-8")


def lazy_data(folder):
    """Yields name and lines of each object of an R lazy-load database of texts."""
    with gzip.open(os.path.join(folder, "Rdata.rdx")) as f:
        index = f.read()
    with open(os.path.join(folder, "Rdata.rdb"), "rb") as f:
        base = f.read()
    # The index lists one (offset, length) pair of integers for each object,
    # then the names of the objects, in the same order.
    pair = struct.pack(">ii", 13, 2)
    spans = [struct.unpack_from(">ii", index, m.end())
             for m in re.finditer(re.escape(pair), index)]
    names = Strings.__new__(Strings)
    names.data, names.at = index, index.index(b"names") + 5
    for name, (offset, length) in zip(names.vector(), spans):
        raw = zlib.decompress(base[offset + 4:offset + length])
        yield name, Strings(raw).vector()


HEADING = re.compile(r"^\s*(CHAPTER|Chapter|VOLUME|Volume)\s+[IVXL\d]+\.?\s*$")


def chapters(lines):
    """Splits a novel at its chapter headings, which go, with all before the first."""
    parts, part = [], None
    for line in lines:
        if HEADING.match(line):
            if part:
                parts.append("\n".join(part).strip())
            part = []
        elif part is not None:
            part.append(line.rstrip())
    parts.append("\n".join(part).strip())
    return [p for p in parts if p]


def bible(root):
    """Yields name and chapters of the books; the verses of a chapter are one paragraph."""
    run = subprocess.run(
        [os.path.join(root, "usr/bin/bible"), "-f", "-p",
         os.path.join(root, "usr/lib"), "gen1:1-rev22:21"],
        check=True, capture_output=True, encoding="ascii", stdin=subprocess.DEVNULL)
    books = {}
    for line in run.stdout.splitlines():
        m = re.match(r"(\d?[A-Za-z]+)(\d+):\d+ (.*)", line)
        if m:
            book, chapter, verse = m.groups()
            books.setdefault(book, {}).setdefault(int(chapter), []).append(verse.strip())
    for name, parts in books.items():
        yield name.lower(), ["\n".join(verses) for verses in parts.values()]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: corpus.py CACHE OUT")
    cache, out = sys.argv[1:]
    os.makedirs(cache, exist_ok=True)
    os.makedirs(out, exist_ok=True)
    root = fetch(cache)
    austen = os.path.join(root, "usr/lib/R/site-library/janeaustenr/data")
    books = [("austen-" + n, chapters(lines)) for n, lines in lazy_data(austen)]
    books += [("kjv-" + n, parts) for n, parts in bible(root)]
    for name, parts in books:
        with open(os.path.join(out, name + ".txt"), "w", encoding="utf-8") as f:
            f.write(SEPARATOR.join(parts) + "\n")


if __name__ == "__main__":
    main()
