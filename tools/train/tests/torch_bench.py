#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""torch_bench.py BATCHES DIR: the steps of the run in DIR in PyTorch, on two threads.

Prints the tokens a second of the median step, the first two left out.
"""
import os
import statistics
import sys
import time

import torch
import torch_model


def main():
    tool, folder = sys.argv[1:]
    s = torch_model.settings(folder)
    with open(os.path.join(folder, "vocab.txt"), "rb") as f:
        vocab = 259 + len(f.read().splitlines())
    model = torch_model.Llama(s, vocab, torch_model.first_params(folder))
    optim = torch_model.optimiser(s, model)
    times = []
    for batch in torch_model.batches(tool, folder, s):
        begun = time.monotonic()
        loss = model.loss(batch[:, 0], batch[:, 1])
        optim.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(model.parameters()), s["clip"])
        optim.step()
        loss.item()
        times.append(time.monotonic() - begun)
    print(f"{s['batch'] * s['context'] / statistics.median(times[2:]):.0f}")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
