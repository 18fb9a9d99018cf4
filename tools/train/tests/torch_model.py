# SPDX-License-Identifier: GPL-2.0
"""The model of llm-train in PyTorch, from a run folder, for comparison."""
import math
import os
import struct
import subprocess

import torch
from torch.nn import functional as F


def settings(folder):
    with open(os.path.join(folder, "settings.txt"), encoding="utf-8") as f:
        pairs = dict(line.rstrip("\n").split(" ", 1) for line in f)
    return {k: float(v) if v.replace(".", "").replace("e-", "").isdigit() else v
            for k, v in pairs.items()}


def first_params(folder):
    """The parameters in the one shard of a checkpoint of step 0."""
    with open(os.path.join(folder, "checkpoint.0.0"), "rb") as f:
        magic, step, count, first, end, _ = struct.unpack("<8s5Q", f.read(48))
        assert magic == b"LLMTRAIN" and step == 0 and (first, end) == (0, count)
        return torch.frombuffer(bytearray(f.read(4 * count)), dtype=torch.float32).clone()


def batches(tool, folder, s):
    """int64 tensor: step, sequence, tokens and targets, position."""
    raw = subprocess.run([tool, folder], check=True, capture_output=True).stdout
    data = torch.frombuffer(bytearray(raw), dtype=torch.int32).long()
    return data.view(int(s["steps"]), int(s["batch"]), 2, int(s["context"]))


class Llama:
    """Plain functions over leaf tensors cut from the flat parameters."""

    def __init__(self, s, vocab, flat):
        self.s = s
        self.width, self.heads = int(s["width"]), int(s["heads"])
        self.kv = int(s["kv_heads"]) or self.heads
        self.dim = self.width // self.heads
        self.at, self.flat = 0, flat
        hidden, kv_width = int(s["hidden"]), self.kv * self.dim
        self.embed = self.take(vocab, self.width)
        self.layers = []
        for _ in range(int(s["layers"])):
            self.layers.append({
                "attn_norm": self.take(self.width),
                "qkv": self.take(self.width + 2 * kv_width, self.width),
                "out": self.take(self.width, self.width),
                "ffn_norm": self.take(self.width),
                "gate_up": self.take(2 * hidden, self.width),
                "down": self.take(self.width, hidden),
            })
        self.norm = self.take(self.width)
        assert self.at == len(flat)
        t = torch.arange(int(s["context"]), dtype=torch.float64)
        turn = s["theta"] ** (-torch.arange(0, self.dim, 2, dtype=torch.float64) / self.dim)
        angle = t[:, None] * turn[None, :]
        self.cos, self.sin = angle.cos().float(), angle.sin().float()
        self.mask = torch.full((len(t), len(t)), -math.inf).triu(1)

    def take(self, *shape):
        n = math.prod(shape)
        p = self.flat[self.at:self.at + n].view(shape).clone().requires_grad_()
        self.at += n
        return p

    def parameters(self):
        yield self.embed
        for layer in self.layers:
            yield from layer.values()
        yield self.norm

    def rms(self, x, w):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.s["eps"]) * w

    def turned(self, x):
        a, b = x[..., 0::2], x[..., 1::2]
        c, s = self.cos[None, :, None], self.sin[None, :, None]
        return torch.stack((a * c - b * s, a * s + b * c), -1).flatten(-2)

    def attend(self, x, layer):
        n, t = x.shape[:2]
        qkv = F.linear(x, layer["qkv"]).view(n, t, -1, self.dim)
        q, k, v = qkv.split((self.heads, self.kv, self.kv), 2)
        q, k = self.turned(q).transpose(1, 2), self.turned(k).transpose(1, 2)
        v = v.transpose(1, 2)
        if self.kv != self.heads:
            k = k.repeat_interleave(self.heads // self.kv, 1)
            v = v.repeat_interleave(self.heads // self.kv, 1)
        p = (q @ k.transpose(2, 3) / math.sqrt(self.dim) + self.mask).softmax(-1)
        return F.linear((p @ v).transpose(1, 2).reshape(n, t, -1), layer["out"])

    def loss(self, ids, targets):
        x = F.embedding(ids, self.embed)
        for layer in self.layers:
            x = x + self.attend(self.rms(x, layer["attn_norm"]), layer)
            gate, up = F.linear(self.rms(x, layer["ffn_norm"]), layer["gate_up"]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer["down"])
        logits = F.linear(self.rms(x, self.norm), self.embed)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def optimiser(s, model):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    kind, rate = s["optimiser"], s["rate"]
    decay = s["decay"] if kind == "adamw" else s["l2"]
    groups = [{"params": matrices, "weight_decay": decay},
              {"params": vectors, "weight_decay": 0.0}]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=s["beta1"])
    if kind == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, alpha=s["beta2"], eps=1e-8)
    maker = torch.optim.AdamW if kind == "adamw" else torch.optim.Adam
    return maker(groups, lr=rate, betas=(s["beta1"], s["beta2"]), eps=1e-8)
