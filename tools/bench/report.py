#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
report.py FOLDER

Prints the tables of the samples in FOLDER/samples; models are in FOLDER too. Each
figure is a median. BENCH_JSON takes all with the least and the most, an object a
line, and BENCH_SVG a picture of the main table.
"""
import json
import os
import statistics
import subprocess
import sys

import chart

HERE = os.path.dirname(os.path.abspath(__file__))


class Figures:
    """All samples: the median by model, who measured and name of the figure."""

    def __init__(self, folder):
        self.folder = folder
        self.samples = {}
        with open(os.path.join(folder, "samples"), encoding="utf-8") as file:
            for line in file:
                model, who, name, value, *_ = line.rstrip("\n").split("\t")
                key = model, who, name
                self.samples.setdefault(key, []).append(float(value))
        self.costs = {}

    def models(self, *names):
        """Models with one of these figures, in the order they were measured in."""
        return list(dict.fromkeys(model for model, _, name in self.samples if name in names))

    def names(self, model, prefix):
        """Numbers that follow the prefix in the names of the model's figures."""
        return sorted({int(name[len(prefix):]) for one, _, name in self.samples
                       if one == model and name.startswith(prefix)})

    def get(self, model, who, name):
        """The median, or None."""
        found = self.samples.get((model, who, name))
        return statistics.median(found) if found else None

    def cost(self, model):
        """Bytes that a token reads, and its multiply-adds."""
        if model not in self.costs:
            path = os.path.join(self.folder, model.replace(":", "-") + ".gguf")
            output = subprocess.run([os.path.join(HERE, "cost.py"), path], check=True,
                                    capture_output=True, text=True).stdout
            self.costs[model] = [int(number) for number in output.split()]
        return self.costs[model]


def show(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def ratio(a, b):
    return a / b if a and b else None


def line(*cells):
    print(f"{cells[0]:<12}{cells[1]:<26}" + "".join(f" {cell:>12}" for cell in cells[2:]).rstrip())


def share_of_reading(figures, model, rate):
    """What part of the read speed of memory so many tokens a second take."""
    speed = figures.get(model, "machine", "read")
    return ratio(rate and rate * figures.cost(model)[0] / 1e9, speed)


def share_of_peak(figures, model, rate, suffix=""):
    """What part of the peak of multiply-adds, of the kind that the type takes."""
    kind = ("float" if model.endswith(("F16", "BF16", "F32")) else "int8") + suffix
    peak = figures.get(model, "machine", kind)
    return ratio(rate and rate * figures.cost(model)[1] / 1e9, peak)


MAIN = [("prompt", "prompt of 512"), ("decode", "generating"),
        ("sessions_8", "8 sessions, all tokens"), ("loop_decode", "generating beside loops"),
        ("compile_decode", "generating beside compilers"),
        ("first_short", "ms to the first token")]


def limit_cells(figures, model, name, host):
    """The share of what the machine can do, and of what."""
    if name == "prompt":
        kind = "float" if model.endswith("F16") else "int8"
        return show(share_of_peak(figures, model, host), 2), \
            f"of {show(figures.get(model, 'machine', kind), 0)} Gmac/s"
    if name == "decode":
        return show(share_of_reading(figures, model, host), 2), \
            f"of {show(figures.get(model, 'machine', 'read'))} GB/s"
    return "", ""


def main_table(figures):
    line("model", "tokens/s", "host", "module", "llama.cpp", "host/llama", "module/llama",
         "module/host", "host takes")
    for model in figures.models(*[name for name, _ in MAIN]):
        title = model
        for name, words in MAIN:
            host, module, llama = (figures.get(model, who, name)
                                   for who in ("host", "module", "llama"))
            if host is None and module is None and llama is None:
                continue
            line(title, words, show(host), show(module), show(llama), show(ratio(host, llama), 2),
                 show(ratio(module, llama), 2), show(ratio(module, host), 2),
                 *limit_cells(figures, model, name, host))
            title = ""
        idle, busy = (figures.get(model, "module", name) for name in ("decode", "loop_decode"))
        if busy:
            line("", "beside loops / idle", "", show(ratio(busy, idle), 2))
        one, eight = (figures.get(model, "module", name) for name in ("decode", "sessions_8"))
        if eight:
            host = ratio(figures.get(model, "host", "sessions_8"),
                         figures.get(model, "host", "decode"))
            line("", "8 sessions / one", show(host, 2), show(ratio(eight, one), 2))


def avx2_table(figures):
    models = [model for model in figures.models("prompt", "decode")
              if figures.get(model, "avx2", "decode")]
    if not models:
        return
    print("\nwith AVX2 alone (llama.cpp with all it can use):\n")
    line("model", "tokens/s", "host", "llama.cpp", "host/llama", "host takes")
    for model in models:
        prompt, decode = (figures.get(model, "avx2", name) for name in ("prompt", "decode"))
        kind = "float_avx2" if model.endswith("F16") else "int8_avx2"
        llama = figures.get(model, "llama", "prompt")
        line(model, "prompt of 512", show(prompt), show(llama), show(ratio(prompt, llama), 2),
             show(share_of_peak(figures, model, prompt, "_avx2"), 2),
             f"of {show(figures.get(model, 'machine', kind), 0)} Gmac/s")
        llama = figures.get(model, "llama", "decode")
        line("", "generating", show(decode), show(llama), show(ratio(decode, llama), 2),
             show(share_of_reading(figures, model, decode), 2),
             f"of {show(figures.get(model, 'machine', 'read'))} GB/s")


def sessions_table(figures, model):
    counts = figures.names(model, "sessions_")
    if len(counts) < 2:
        return
    print(f"\n{model}, sessions at once, tokens/s of all:\n")
    line("", "", *[str(count) for count in [1] + counts])
    for who in ("host", "module"):
        rates = [figures.get(model, who, "decode")] + \
            [figures.get(model, who, f"sessions_{count}") for count in counts]
        line(who, "", *[show(rate) for rate in rates])


def contexts_table(figures, model):
    lengths = figures.names(model, "context_")
    if not lengths:
        return
    print(f"\n{model}, after so many tokens, tokens/s:\n")
    line("", "", *[str(length) for length in lengths])
    for who in ("host", "module", "llama"):
        line(who, "generating",
             *[show(figures.get(model, who, f"context_{length}")) for length in lengths])
        if who != "llama":
            line("", "reading them",
                 *[show(figures.get(model, who, f"read_{length}")) for length in lengths])


def slices_table(figures, model):
    if figures.get(model, "module", "slice_within") is None:
        return
    print(f"\n{model}, slices; beside them slices that only read the clock:\n")
    line("", "", "within, %", "99%, us", "99.9%, us", "longest, us")
    for who in ("module", "machine"):
        line(who, "", *[show(figures.get(model, who, "slice_" + name), digits)
                        for name, digits in (("within", 3), ("99", 0), ("999", 0),
                                             ("longest", 1))])


def load_table(figures, model):
    load, cat = (figures.get(model, "module", name) for name in ("load", "cat"))
    if load is None:
        return
    print(f"\n{model}, in the machine:\n")
    print(f"load time        {load:.2f} s, reading the file {cat:.2f} s")
    for what, name in (("model's", "model"), ("session's", "session")):
        got, least = (figures.get(model, "module", f"{name}_{key}") for key in ("memory", "least"))
        if got and least:
            print(f"{what:<10}memory {got / 2**20:.1f} MiB, {got / least * 100 - 100:.2f}% above "
                  f"the least, {least / 2**20:.1f} MiB")


def write_json(figures, path):
    with open(path, "w", encoding="utf-8") as file:
        for (model, who, name), values in figures.samples.items():
            json.dump({"model": model, "who": who, "figure": name,
                       "median": statistics.median(values), "least": min(values),
                       "most": max(values), "rounds": len(values)}, file)
            file.write("\n")


def main():
    figures = Figures(sys.argv[1])
    main_table(figures)
    avx2_table(figures)
    contexts = [name for _, _, name in figures.samples if name.startswith("context_")]
    for model in figures.models("sessions_2", *contexts, "slice_within", "load"):
        sessions_table(figures, model)
        contexts_table(figures, model)
        slices_table(figures, model)
        load_table(figures, model)
    if os.environ.get("BENCH_JSON"):
        write_json(figures, os.environ["BENCH_JSON"])
    if os.environ.get("BENCH_SVG"):
        with open(os.environ["BENCH_SVG"], "w", encoding="utf-8") as file:
            file.write(chart.draw(figures))


main()
