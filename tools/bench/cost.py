#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
cost.py FILE.gguf

Prints what a token costs: bytes of weights that are read, all but the table of
embeddings, and multiply-adds, those of matrices alone.
"""
import struct
import sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, file):
        self.file = file

    def number(self, form):
        return struct.unpack("<" + form, self.file.read(struct.calcsize(form)))[0]

    def string(self):
        return self.file.read(self.number("Q"))

    def skip(self, kind):
        """Passes over a value."""
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            kind, count = self.number("I"), self.number("Q")
            if kind in SIZES:
                self.file.seek(count * SIZES[kind], 1)
            else:
                for _ in range(count):
                    self.skip(kind)
        else:
            self.file.seek(SIZES[kind], 1)


def tensors(reader):
    """Pairs of name, dimensions and offset."""
    reader.file.seek(8)
    count, keys = reader.number("Q"), reader.number("Q")
    for _ in range(keys):
        reader.string()
        reader.skip(reader.number("I"))
    for _ in range(count):
        name = reader.string().decode()
        shape = [reader.number("Q") for _ in range(reader.number("I"))]
        reader.number("I")
        yield name, shape, reader.number("Q")


def main():
    with open(sys.argv[1], "rb") as file:
        found = sorted(tensors(Reader(file)), key=lambda tensor: tensor[2])
        data = (file.tell() + 31) // 32 * 32
        end = file.seek(0, 2) - data
    ends = [offset for _, _, offset in found[1:]] + [end]
    tied = all(name != "output.weight" for name, _, _ in found)
    size = products = 0
    for (name, shape, offset), end in zip(found, ends):
        if name == "token_embd.weight" and not tied:
            continue
        size += end - offset
        if len(shape) > 1:
            product = 1
            for dimension in shape:
                product *= dimension
            products += product
    print(size, products)


main()
