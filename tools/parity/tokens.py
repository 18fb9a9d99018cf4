#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
tokens.py [-b BYTES] [-s SEED] [-v TOKENS] [-t [-k]] [KIND[:PRE-TOKENIZER]...]

Whether our tokenizers make the same tokens as llama.cpp's: for each kind of vocabulary
of random models (tools/random), and each way that the byte-level ones split texts, a
row with how many of many texts differ, what is first in the first that does, and how
fast both are. With -t a table of times instead: texts of 1 kB to 1 MB of ordinary and of
unkind sorts, in microseconds, ours and theirs; with -k those of LLM_IOC_TOKENIZE in a
User-Mode Linux, measured inside it, are between them. What the empty text takes is the
cost of a call alone: of a system call in that machine, of Python for llama.cpp.

The texts are made up from Python's tables of Unicode: words of twenty scripts, numbers,
punctuation, white space, emoji, code, each mixed with each; a part has its bytes broken.

LLAMA_CPP is as for parity.py. libllama is asked directly, with Python: in a chroot the
one that is there. Returns 1 where anything differs.
"""
import argparse
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata

from parity import RANDOM_MODEL, TOP, Peer

OURS = os.path.join(TOP, "tools/build/token_lists")
# On one CPU: a system call there goes from one process of the host to another and back, which
# takes some five times as long, or not, where they have two to choose from.
MACHINE = ["taskset", "-c", str(min(os.sched_getaffinity(0))),
           os.path.join(TOP, "selftests/vm/run"), "-k", "uml", "-c", "1", "-m"]
# The machine sees files of the host, and keeps what it writes below the checkout.
IN_MACHINE = 'exec "$1" /dev/llm "$2" "$3" "$4" <"$5" >"$6"'
# One for each way to split; the other names of lib/pretokenizer.c are other names of these.
PRETOKENIZERS = [
    "gpt-2", "roberta-bpe", "mpt", "llama-bpe", "dbrx", "qwen2", "qwen35", "smollm", "falcon",
    "default", "tekken", "gpt-4o", "bloom", "viking", "deepseek-coder", "deepseek-v3",
    "bailingmoe", "seed-coder", "exaone-moe",
]
KINDS = ["spm", "unigram", "wordpiece", "rwkv"] + ["bpe:" + name for name in PRETOKENIZERS]
# The quickest of so many rounds counts, each of so many bytes of text.
ROUNDS = 3
BYTES = 100000
# What a text counts as more than it has.
SHORTEST = 100
EFFORT = [str(ROUNDS), str(BYTES), str(SHORTEST)]
ONCE = ["1", "0", "1"]
# What times are measured of, and the microseconds after which nothing longer is.
SIZES = [1000, 10000, 100000, 1000000]
PATIENCE = 1e5
SCRIPTS = [
    "LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "HEBREW", "ARABIC", "DEVANAGARI", "BENGALI",
    "TAMIL", "TELUGU", "THAI", "LAO", "TIBETAN", "GEORGIAN", "ETHIOPIC", "KHMER", "HIRAGANA",
    "KATAKANA", "HANGUL", "CJK",
]
ENGLISH = """the of and to in a is that it was for on are as with his they at be this have
from or had by not but what all were we when your can said there use an each which don't
I'll you're we've he'd they'RE It'S I'm""".split()
CODE = [
    "if (x->next != NULL)\n\treturn 0;\n", "for (i = 0; i < n; i++) {\r\n    a[i] += 1e-5;\r\n}\n",
    "#include <stdio.h>\n\n", "def f(self, *args):\n        return {k: v for k, v in args}\n",
    "SELECT * FROM t WHERE a >= 10 AND b='x';\n", "https://example.org/a_b?c=%20#d ",
    "<div class=\"a\">&nbsp;</div>\n", "0xdeadBEEF ^ ~mask | (1U << 31)\n", "`$HOME/.x` && echo \\\"\n",
]
SPACES = [" ", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "    ", " \n ", "\u00a0", "\u3000",
          "\u2003", "\u200b", "\u0085", "\u2028", "\v", "\f", "\u2581", "\u00ad"]
BROKEN = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc3", b"\xe2\x82", b"\xe2\x96", b"\xed\xa0\x80", b"\xf0\x9f",
          b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"\xe0\x80\xaf",
          b"\0"]


class Writer:
    """Makes texts up."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.letters = {script: [] for script in SCRIPTS}
        signs = []
        for point in range(0x20, 0x20000):
            character = chr(point)
            script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
            kind = unicodedata.category(character)[0]
            if kind in "LM" and script in self.letters:
                self.letters[script].append(character)
            elif kind in "PSNM":
                signs.append(character)
        self.signs = signs
        self.parts = [self.english, self.english, self.word, self.word, self.word, self.number,
                      self.punctuation, self.sign, self.emoji, self.code, self.space]

    def english(self):
        return self.random.choice(ENGLISH)

    def word(self):
        letters = self.letters[self.random.choice(SCRIPTS)]
        # Half of the words are of the first letters, which are the usual ones.
        if self.random.random() < 0.5:
            letters = letters[:80]
        word = "".join(self.random.choices(letters, k=self.random.randint(1, 9)))
        return self.random.choice([word, word, word.title(), word.upper(),
                                   unicodedata.normalize("NFD", word)])

    def number(self):
        digits = self.random.choice(["0123456789"] * 3 + [
            "\u0660\u0661\u0662\u0663", "\u0966\u0967\u0968", "\u00b2\u00bd\u2167", "\uff11\uff12"])
        return "".join(self.random.choices(digits, k=self.random.randint(1, 8)))

    def punctuation(self):
        return "".join(self.random.choices("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                                           k=self.random.randint(1, 4)))

    def sign(self):
        return "".join(self.random.choices(self.signs, k=self.random.randint(1, 3)))

    def emoji(self):
        one = chr(self.random.randint(0x1f300, 0x1f6ff))
        return self.random.choice([
            one, one + "\ufe0f", one + chr(0x1f3fb + self.random.randrange(5)),
            one + "\u200d" + chr(self.random.randint(0x1f466, 0x1f469)), "\U0001f1e9\U0001f1ea",
            "\u0031\ufe0f\u20e3"])

    def code(self):
        return self.random.choice(CODE)

    def space(self):
        return "".join(self.random.choices(SPACES, k=self.random.randint(1, 4)))

    def broken(self, text):
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(text) + 1)
            text = self.random.choice([
                text[:at] + self.random.choice(BROKEN) + text[at:],
                text[:at] + text[at + 1:],
                text[:at] + bytes([self.random.randrange(256)]) + text[at + 1:],
                text[:at]])
        return text

    def text(self, parts):
        text = ""
        for _ in range(parts):
            text += self.random.choice(self.parts)()
            if self.random.random() < 0.7:
                text += self.random.choice(SPACES[:10])
        text = text.encode()
        return self.broken(text) if self.random.random() < 0.25 else text

    def texts(self, length):
        """Texts of few parts and of many, so many bytes together."""
        texts = []
        while length > 0:
            texts.append(self.text(1 << self.random.randrange(9)))
            length -= len(texts[-1])
        return texts


def sorts(writer, length):
    """Ordinary texts and texts that hurt tokenizers, by name."""
    mixed = b"".join(writer.texts(length))
    words = " ".join(writer.random.choices(ENGLISH, k=length // 4)).encode()
    return {
        "nothing": b"",
        "English words": words[:length],
        "mixed scripts": mixed[:length],
        "one letter": b"a" * length,
        "one word": bytes(writer.random.choices(b"abcdefghijklmnopqrstuvwxyz", k=length)),
        "spaces": b" " * length,
        "newlines": b"\n" * length,
        "digits": b"1" * length,
        "emoji": "\U0001f600".encode() * (length // 4),
        "broken": b"\xf0" * length,
    }


class Lists:
    """Tokens of texts, and nanoseconds each took."""

    def __init__(self, data):
        self.times, self.tokens = [], []
        at = 0
        while at < len(data):
            time, count = struct.unpack_from("=QI", data, at)
            self.times.append(time)
            self.tokens.append(struct.unpack_from("=%dI" % count, data, at + 12))
            at += 12 + 4 * count


def packed(texts):
    return b"".join(struct.pack("=I", len(text)) + text for text in texts)


def run(command, texts):
    result = subprocess.run(command, input=packed(texts), stdout=subprocess.PIPE, check=False)
    if result.returncode:
        raise RuntimeError("%s ends with status %d" % (os.path.basename(command[0]),
                                                       result.returncode))
    return Lists(result.stdout)


class Vocabulary:
    """A random model for the sake of its vocabulary, and who reads it."""

    def __init__(self, peer, kind, size):
        name, _, pretokenizer = kind.partition(":")
        self.model = os.path.join(peer.work, "model.gguf")
        subprocess.run([RANDOM_MODEL, "-V", name, "-p", pretokenizer or "default", "-v", str(size),
                        "-w", "32", "-n", "4", "-l", "1", self.model], check=True)
        script = os.path.join(peer.work, "peer_tokens.py")
        shutil.copy(os.path.join(TOP, "tools/parity/peer_tokens.py"), script)
        self.theirs = ["python3", script, self.library(peer), self.model]
        if peer.root:
            inside = [part.removeprefix(peer.root) for part in self.theirs]
            self.theirs = ["chroot", peer.root] + inside

    def kernel(self, texts):
        """What the kernel makes of them: through files, since a console is slow."""
        path = os.path.join(os.path.dirname(self.model), "texts")
        with open(path, "wb") as file:
            file.write(packed(texts))
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(OURS)) as lists:
            subprocess.run(MACHINE + [self.model, "--", "sh", "-c", IN_MACHINE, "sh", OURS,
                                      *EFFORT, path, lists.name], check=True)
            return Lists(lists.read())

    @staticmethod
    def library(peer):
        beside = os.path.join(os.path.dirname(peer.server or ""), "libllama.so")
        return beside if not peer.root and os.path.exists(beside) else "libllama.so.0"

    def both(self, texts):
        return (run([OURS, self.model, *ONCE], texts), run(self.theirs + ONCE, texts))


def explain(text, ours, theirs):
    at = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]),
              min(len(ours), len(theirs)))
    return "  from token %d on: %s, not %s, of %r" % (at, ours[at:at + 6], theirs[at:at + 6],
                                                      text[:200])


def compare(peer, kind, arguments, texts):
    ours, theirs = Vocabulary(peer, kind, arguments.tokens).both(texts)
    wrong = [i for i in range(len(texts)) if ours.tokens[i] != theirs.tokens[i]]
    size = sum(map(len, texts))
    print("%-19s %6d texts %8d bytes %8d tokens %6d differ   %6.1f %6.1f MB/s" % (
        kind, len(texts), size, sum(map(len, theirs.tokens)), len(wrong),
        1000 * size / sum(ours.times), 1000 * size / sum(theirs.times)), flush=True)
    if wrong:
        i = min(wrong, key=lambda i: len(texts[i]))
        print(explain(texts[i], ours.tokens[i], theirs.tokens[i]))
    return bool(wrong)


def times(command, texts):
    """Microseconds of each text, not a number where the command fails."""
    try:
        return [time / 1000 for time in run(command + EFFORT, texts).times]
    except RuntimeError:
        if len(texts) == 1:
            return [math.nan]
        return [times(command, [text])[0] for text in texts]


def measure(peer, kind, arguments, texts):
    """Texts of each sort, from short to long: what grows as the square is not waited for."""
    vocabulary = Vocabulary(peer, kind, arguments.tokens)
    print("%s: microseconds, ours%s and theirs, for %s bytes" % (
        kind, ", the kernel's" if arguments.kernel else "",
        ", ".join("%d" % size for size in SIZES)))
    every = [text for sizes in texts for text in sizes.values()]
    ours = [times([OURS, vocabulary.model], every)]
    if arguments.kernel:
        ours.append([time / 1000 for time in vocabulary.kernel(every).times])
    ours = zip(*ours)
    rows = {name: [] for name in texts[0]}
    for sizes in texts:
        waited = [name for name, row in rows.items() if not row or row[-1] < PATIENCE]
        theirs = dict(zip(waited, times(vocabulary.theirs,
                                        [sizes[name] for name in waited])))
        for name in sizes:
            rows[name] += [*next(ours), theirs.get(name, math.nan)]
    for name, row in rows.items():
        print("  %-14s" % name + "".join("%10.1f" % number for number in row), flush=True)


def main():
    parser = argparse.ArgumentParser(description="compares tokens with llama.cpp's")
    parser.add_argument("-b", dest="bytes", type=int, default=1000000, help="bytes of text")
    parser.add_argument("-s", dest="seed", type=int, default=1, help="of the texts")
    parser.add_argument("-v", dest="tokens", type=int, default=49152, help="of a vocabulary")
    parser.add_argument("-t", dest="times", action="store_true", help="measure times")
    parser.add_argument("-k", dest="kernel", action="store_true", help="the kernel's, too")
    parser.add_argument("kinds", nargs="*", help="spm, unigram, wordpiece, bpe:gpt-2, ...")
    arguments = parser.parse_args()
    peer = Peer(os.environ.get("LLAMA_CPP"))
    failed = 0
    try:
        if not peer.there():
            print("tokens: skipped: no llama-server; LLAMA_CPP=DIR says where it is")
            return 0
        writer = Writer(arguments.seed)
        texts = [sorts(writer, size) for size in SIZES] if arguments.times else \
            writer.texts(arguments.bytes)
        for kind in arguments.kinds or KINDS:
            try:
                if arguments.times:
                    measure(peer, kind, arguments, texts)
                else:
                    failed |= compare(peer, kind, arguments, texts)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print("%-19s failed: %s" % (kind, error), flush=True)
                failed = 1
    finally:
        peer.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
