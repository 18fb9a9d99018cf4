#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
record.py MODEL WHO [PREFIX]

Makes samples of what "llmctl bench --json" or "llama-bench -o json" prints on
standard input: lines of model, who, figure, value and, of llama.cpp, the settings,
with tabs between. Of llama.cpp's settings the fastest counts. The figures' names
begin with PREFIX.
"""
import json
import sys


def of_llmctl(entry):
    """The figures of one test, as pairs of name and value."""
    rate, first = entry["tokens_per_second"], entry["first_token_ms"]
    if entry["test"] == "pp":
        return [("prompt", rate), ("first", first)]
    if entry["context"]:
        return [(f"context_{entry['context']}", rate),
                (f"read_{entry['context']}", entry["context"] / first * 1e3)]
    if entry["sessions"] > 1:
        return [(f"sessions_{entry['sessions']}", rate)]
    return [("decode", rate), ("first_short", first)]


def of_llama(entries):
    """The best of all settings for each figure, as name, value and settings."""
    best = {}
    for entry in entries:
        depth = entry.get("n_depth", 0)
        if entry["n_gen"]:
            name = f"context_{depth}" if depth else "decode"
        else:
            name = "prompt"
        settings = f"-t {entry['n_threads']} --poll {entry['poll']}"
        if entry["avg_ts"] > best.get(name, (0,))[0]:
            best[name] = (entry["avg_ts"], settings)
    return [(name, *found) for name, found in best.items()]


def main():
    model, who = sys.argv[1:3]
    prefix = sys.argv[3] if len(sys.argv) > 3 else ""
    text = sys.stdin.read()
    if not text.strip():
        sys.exit(f"record.py: {who} has measured nothing of {model}")
    entries = json.loads(text)
    if who == "llama":
        figures = of_llama(entries)
    else:
        figures = [(*figure, "") for entry in entries for figure in of_llmctl(entry)]
    for name, value, settings in figures:
        print(model, who, prefix + name, f"{value:.3f}", settings, sep="\t")


main()
