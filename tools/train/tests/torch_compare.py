#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""torch_compare.py BATCHES DIR: repeats the run in DIR in PyTorch.

Prints the largest relative difference of the losses in log.csv; ends with
status 1 when it is 1e-4 or more. The run has one constant rate.
"""
import csv
import os
import sys

import torch
import torch_model


def main():
    tool, folder = sys.argv[1:]
    s = torch_model.settings(folder)
    assert s["schedule"] == "constant" and s["warmup"] == 0
    with open(os.path.join(folder, "vocab.txt"), "rb") as f:
        vocab = 259 + len(f.read().splitlines())
    with open(os.path.join(folder, "log.csv"), encoding="ascii") as f:
        losses = [float(row["loss"]) for row in csv.DictReader(f)]
    model = torch_model.Llama(s, vocab, torch_model.first_params(folder))
    optim = torch_model.optimiser(s, model)
    worst = 0.0
    for step, batch in enumerate(torch_model.batches(tool, folder, s)):
        loss = model.loss(batch[:, 0], batch[:, 1])
        optim.zero_grad()
        loss.backward()
        if s["clip"]:
            torch.nn.utils.clip_grad_norm_(list(model.parameters()), s["clip"])
        optim.step()
        worst = max(worst, abs(loss.item() - losses[step]) / losses[step])
    assert len(losses) == s["steps"]
    print(f"{s['optimiser']}: {len(losses)} losses, first {losses[0]:.6f}, last {losses[-1]:.6f}, "
          f"largest relative difference {worst:.2e}")
    sys.exit(not worst < 1e-4)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
