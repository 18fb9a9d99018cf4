#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
peer_tokens.py LIBLLAMA MODEL ROUNDS BYTES SHORTEST <TEXTS >LISTS

libllama's tokens of many texts, and how long they take: the same as token_lists does,
for tokens.py, which runs it where libllama is.
"""
import ctypes
import os
import struct
import sys
import time


class Parameters(ctypes.Structure):
    """llama_model_params of any version: larger than any, and never looked into."""
    _fields_ = [("bytes", ctypes.c_uint64 * 128)]


def open_vocab(library, model):
    library.llama_log_set(CALLBACK, None)
    library.llama_backend_init()
    library.llama_model_default_params.restype = Parameters
    library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Parameters]
    library.llama_model_load_from_file.restype = ctypes.c_void_p
    library.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    library.llama_model_get_vocab.restype = ctypes.c_void_p
    library.llama_tokenize.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32,
        ctypes.c_bool, ctypes.c_bool]
    handle = library.llama_model_load_from_file(model.encode(),
                                                library.llama_model_default_params())
    if not handle:
        sys.exit("peer_tokens: llama.cpp does not load %s" % model)
    return library.llama_model_get_vocab(handle)


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def CALLBACK(_level, _text, _data):
    """Nothing is logged."""


def tokenize(library, vocab, text, rounds, length, shortest):
    room = 16 * len(text) + 16
    tokens = (ctypes.c_int32 * room)()
    calls = 1 + length // (len(text) + shortest)
    best = 1 << 62
    for _ in range(rounds):
        start = time.monotonic_ns()
        for _ in range(calls):
            count = library.llama_tokenize(vocab, text, len(text), tokens, room, False, False)
        best = min(best, (time.monotonic_ns() - start) // calls)
    return best, tokens[:count]


def main():
    library = ctypes.CDLL(sys.argv[1])
    # What the library prints must not be among the lists.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    vocab = open_vocab(library, sys.argv[2])
    while len(head := sys.stdin.buffer.read(4)) == 4:
        text = sys.stdin.buffer.read(struct.unpack("=I", head)[0])
        best, tokens = tokenize(library, vocab, text, *map(int, sys.argv[3:6]))
        out.write(struct.pack("=QI%dI" % len(tokens), best, len(tokens), *tokens))
    out.flush()
    # Its destructors are of no use.
    os._exit(0)


if __name__ == "__main__":
    main()
