#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
parity.py [-p POSITIONS] [-x TEXT] [-s SEED:...] [-t TYPE:...] [-k KV:...] [KIND...]
parity.py [-p POSITIONS] [-x TEXT] [-k KV:...] -m FILE.gguf [-m FILE.gguf...]

How far our log-probabilities are from llama.cpp's: for each kind of random model
(tools/random), number format of the weights, and of keys and values, a row with the
mean and the largest difference of the log-probabilities of a text's tokens, how often
both find the same token the likeliest, and both perplexities; for encoders the cosine
between a text's vectors, for what ranks the scores of documents. Then the same between
two builds of llama.cpp's own back end, its portable one and the one it chooses here, and
how many times theirs our mean is. With several seeds a row is of as many models, and
tells of how many times in the least and the most of them: a roundings' difference that
is more with one seed and less with another is chance.

With -m the same for files instead, such as trained models: a row has the name of one and
the formats of its weights, but for F32 where there are others; of the text, README.md or
that of -x, it has as much as the file's context holds. Random models find many tokens
about as likely as the likeliest, so that it is another one more often than with those.

LLAMA_CPP says where llama-server is: a folder that has it, or a chroot of a
distribution that has it in /usr/bin (only there can the portable build be chosen,
and only by root). Without it, it is looked for on the PATH.
"""
import argparse
import glob
import http.client
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
RANDOM_MODEL = os.path.join(TOP, "tools/random/build/random-model")
LLMCTL = os.path.join(TOP, "tools/llmctl/llmctl")
TYPES = ["F32", "F16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"]
# Of the others one kind is enough: the product is the same for all.
OTHER_TYPES = ["BF16", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q5_K", "IQ4_NL", "IQ4_XS",
               "MXFP4", "Q4_K,Q6_K,F16"]
VOCAB = 1024
# A likeliest token that leads the second by so much is clear.
LEAD = 0.1
# In others a rounding flips with the order of a sum, and changes the next one's input.
UNROUNDED = ["F32", "F16"]
# What a row has to keep: a mean difference, of weights in blocks instead what two builds
# of llama.cpp have between them; how often the likeliest token is the same; a cosine.
MOST_MEAN = 0.001
LEAST_SAME = 0.99
LEAST_COSINE = 0.9999
NOTES = """
llama.cpp computes without flash attention, which sums in half precision on CPUs, but
where keys and values are in q8_0, which it can't do without. Weights in blocks and
in BF16: rounding activations to eight bits flips with the order of a sum, in llama.cpp's
own back ends too, so they are compared with keys and values in f32, where nothing else
is rounded.
"clear" is how often both find the same token the likeliest where it leads by %g or more.
Encoders' keys and values are f32: llama.cpp computes a text of theirs whole, without a
cache, and rounds neither.
llama.cpp takes GELU from a table in half precision. With weights in F32 we compute it as
it is, on purpose; with all others, which round its result in any case, as the table has it.
With f16 llama.cpp rounds the probabilities of attention to half precision when their
sum is known; we keep them as they are, on purpose: it would take a second pass over
the keys. The last rows, with f16 and q8_0, show what that does.
""" % LEAD
# Where we differ on purpose.
REMARKS = {
    "mistral": "llama.cpp ignores the window that a file of this architecture asks for",
}


# Of these the vectors of a text are compared.
ENCODERS = ["bert", "nomic-bert"]
# Of these the scores of documents.
RANKERS = ["bert-rank", "xlm-roberta-rank", "qwen3-rank"]
DOCUMENTS = ["The kernel schedules them, and keeps users apart.", "", "42",
             "a text that has \u00e9\u4e16 in it, and goes on for some more words"]
VECTOR_TEXT = "Many processes share one copy of the weights, and the kernel schedules them."


# A row that fails with these fails alone.
FAILURES = (RuntimeError, subprocess.CalledProcessError, OSError, http.client.HTTPException)


class Peer:
    """llama.cpp: where it is, and where it sees files."""

    def __init__(self, folder):
        self.root = None
        if folder and os.path.exists(os.path.join(folder, "usr/bin/llama-server")):
            self.root = os.path.abspath(folder)
            self.server = "/usr/bin/llama-server"
        elif folder:
            self.server = os.path.join(folder, "llama-server")
        else:
            self.server = shutil.which("llama-server")
        self.work = tempfile.mkdtemp(prefix="llm-parity-",
                                     dir=self.root and os.path.join(self.root, "tmp"))
        self.portable = self.find_portable()

    def there(self):
        path = (self.root or "") + (self.server or "")
        return bool(path) and os.access(path, os.X_OK)

    def find_portable(self):
        """The folder of the back ends, and a folder that has the portable one alone."""
        found = self.root and os.geteuid() == 0 and glob.glob(
            os.path.join(self.root, "usr/lib/*/ggml/backends*/libggml-cpu-x64.so"))
        if not found:
            return None
        alone = os.path.join(self.work, "portable")
        os.mkdir(alone)
        shutil.copy(found[0], alone)
        return os.path.dirname(found[0]), alone

    def command(self, model, port, portable, task, kv):
        seen = model[len(self.root):] if self.root else model
        command = [self.server, "-m", seen, "--host", "127.0.0.1", "--port", str(port),
                   "-c", "2048", "-np", "1", "-t", "1", "--swa-full", "--no-warmup",
                   "-fa", "on" if kv == "q8_0" else "off", "-ctk", kv, "-ctv", kv]
        if task:
            command += [task, "-ub", "512"]
        if self.root:
            command = ["chroot", self.root] + command
        # It must not stay when this is killed.
        command = ["setpriv", "--pdeathsig", "KILL"] + command
        if portable:
            script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", script, "sh", self.portable[1],
                       self.portable[0]] + command
        return command

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)


class Server:
    """llama-server with one model."""

    def __init__(self, peer, model, portable=False, task=None, kv="f16"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.log = open(os.path.join(peer.work, "log"), "w+b")
        self.process = subprocess.Popen(peer.command(model, port, portable, task, kv),
                                        stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self.connection = self.connect(port)
            self.facts = self.ask("GET", "/v1/models")["data"][0]["meta"]
            self.letter = self.ask("POST", "/tokenize", {"content": "a"})["tokens"][-1]
        except BaseException:
            self.close()
            raise

    def connect(self, port):
        """The connection, when the model is there."""
        for _ in range(1500):
            if self.process.poll() is not None:
                break
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("GET", "/health")
                if json.load(connection.getresponse()).get("status") == "ok":
                    return connection
            except (OSError, ValueError, http.client.HTTPException):
                pass
            connection.close()
            time.sleep(0.02)
        raise RuntimeError("llama-server does not start: " + self.last_words())

    def last_words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-600:]

    def ask(self, method, path, question=None):
        self.connection.request(method, path, question and json.dumps(question),
                                {"Content-Type": "application/json"})
        return json.load(self.connection.getresponse())

    def next_token(self, tokens):
        """Log-probabilities of what follows, by token, the likeliest, and its lead.

        The token that is made has to be a letter, since no probabilities are told
        with half a character; they are those without that bias.
        """
        answer = self.ask("POST", "/completion", {
            "prompt": tokens, "n_predict": 1, "n_probs": self.facts["n_vocab"],
            "cache_prompt": True, "logit_bias": [[self.letter, 1000]],
        })
        top = answer["completion_probabilities"][0]["top_logprobs"]
        return ({entry["id"]: entry["logprob"] for entry in top}, top[0]["id"],
                top[0]["logprob"] - top[1]["logprob"])

    def score(self, tokens):
        scores = []
        for i in range(1, len(tokens)):
            logprobs, best, lead = self.next_token(tokens[:i])
            scores.append((logprobs[tokens[i]], best, lead))
        return scores

    def embed(self, text):
        return self.ask("POST", "/embedding", {"content": text})[0]["embedding"][0]

    def rank(self, query, documents):
        results = self.ask("POST", "/v1/rerank",
                           {"query": query, "documents": documents})["results"]
        return {entry["index"]: entry["relevance_score"] for entry in results}

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def our_scores(model, text, kv):
    output = subprocess.run([LLMCTL, "--host", "score", "--json", "--top", "1", "--kv", kv,
                             "-m", model, "-"],
                            input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    entries = json.loads(output)["tokens"]
    return ([e["token"] for e in entries],
            [(e["logprob"], e["top"][0]["token"]) for e in entries[1:]])


class Comparison:
    """Two lists of log-probabilities and likeliest tokens; of theirs also their leads."""

    def __init__(self, ours, theirs):
        differences = [abs(a[0] - b[0]) for a, b in zip(ours, theirs)]
        self.mean = sum(differences) / len(differences)
        self.most = max(differences)
        self.same = sum(a[1] == b[1] for a, b in zip(ours, theirs)) / len(ours)
        clear = [a[1] == b[1] for a, b in zip(ours, theirs) if b[2] >= LEAD]
        self.clear = sum(clear) / len(clear) if clear else 1
        self.perplexity = [math.exp(-sum(s[0] for s in scores) / len(scores))
                           for scores in (ours, theirs)]


class Row:
    """What was found for one kind, format and format of keys and values."""

    def __init__(self):
        self.ours, self.theirs, self.portable, self.times = [], [], [], []

    def add(self, ours, theirs, portable):
        self.ours += ours
        self.theirs += theirs
        self.portable += portable
        if portable:
            self.times.append(Comparison(ours, theirs).mean /
                              max(Comparison(portable, theirs).mean, 1e-9))

    def with_theirs(self):
        return Comparison(self.ours, self.theirs)

    def among_theirs(self):
        return Comparison(self.portable, self.theirs) if self.portable else None


def text_of(model, path, positions):
    """As much of a text as makes so many positions, BOS included."""
    with open(path, encoding="utf-8", errors="ignore") as file:
        text = file.read()
    low, high = 0, min(len(text), positions * 8)
    while low < high:
        middle = (low + high + 1) // 2
        tokens = subprocess.run([LLMCTL, "--host", "tokenize", "--json", "-m", model, "-"],
                                input=text[:middle].encode(), stdout=subprocess.PIPE,
                                check=True).stdout
        if len(json.loads(tokens)) < positions:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def score(peer, model, text, kv, row):
    tokens, ours = our_scores(model, text, kv)
    theirs = [[], []]
    for portable in [False, True] if peer.portable else [False]:
        with Server(peer, model, portable, kv=kv) as server:
            theirs[portable] = server.score(tokens)
    row.add(ours, *theirs)


def compare(peer, kind, types, kv, arguments, texts):
    model = os.path.join(peer.work, "model.gguf")
    row = Row()
    for seed in arguments.seeds.split(":"):
        subprocess.run([RANDOM_MODEL, "-a", kind, "-t", types, "-v", str(VOCAB), "-s", seed,
                        model], check=True)
        # The vocabularies are of the seed, too.
        if seed not in texts:
            texts[seed] = text_of(model, arguments.text, arguments.positions)
        score(peer, model, texts[seed], kv, row)
    return row


def types_of(path):
    """The number formats of a file's weights, the most frequent first."""
    facts = subprocess.run([LLMCTL, "info", "--json", path], stdout=subprocess.PIPE,
                           check=True).stdout
    counts = [entry.split() for entry in json.loads(facts)["types"].split(", ")]
    names = [name for name, count in sorted(counts, key=lambda entry: -int(entry[1]))]
    # Norms are in F32 in any case.
    return ",".join([name for name in names if name != "F32"] or names)


def compare_file(peer, path, kv, arguments):
    model = os.path.join(peer.work, "model.gguf")
    shutil.copyfile(path, model)
    with Server(peer, model, kv=kv) as server:
        positions = min(arguments.positions, server.facts["n_ctx_train"])
    row = Row()
    score(peer, model, text_of(model, arguments.text, positions), kv, row)
    return row


def compare_vectors(peer, kind, types):
    """The cosine between the vectors of a text."""
    model = os.path.join(peer.work, "model.gguf")
    subprocess.run([RANDOM_MODEL, "-a", kind, "-t", types, "-v", str(VOCAB), "-c", "512", model],
                   check=True)
    output = subprocess.run([LLMCTL, "--host", "embed", "--json", "-m", model, VECTOR_TEXT],
                            stdout=subprocess.PIPE, check=True).stdout
    ours = json.loads(output)["embeddings"][0]
    with Server(peer, model, task="--embeddings") as server:
        theirs = server.embed(VECTOR_TEXT)
    cosine = sum(a * b for a, b in zip(ours, theirs)) / math.hypot(*ours) / math.hypot(*theirs)
    print("%-19s %-14s f32  cosine %.7f%s" % (
        kind, types, cosine, "" if cosine > LEAST_COSINE else "   not above %g" % LEAST_COSINE),
        flush=True)


def compare_scores(peer, kind, types):
    """What documents score for a query."""
    model = os.path.join(peer.work, "model.gguf")
    subprocess.run([RANDOM_MODEL, "-a", kind, "-t", types, "-v", str(VOCAB), "-c", "512", model],
                   check=True)
    output = subprocess.run([LLMCTL, "--host", "rerank", "--json", "-m", model, VECTOR_TEXT] +
                            DOCUMENTS, stdout=subprocess.PIPE, check=True).stdout
    ours = {entry["index"]: entry["relevance_score"] for entry in json.loads(output)}
    with Server(peer, model, task="--rerank") as server:
        theirs = server.rank(VECTOR_TEXT, DOCUMENTS)
    most = max(abs(ours[i] - theirs[i]) for i in ours)
    print("%-19s %-14s -    scores %s, at most %.6f from theirs%s" % (
        kind, types, " ".join("%.5f" % ours[i] for i in range(len(DOCUMENTS))), most,
        "   above %g" % MOST_MEAN if types in UNROUNDED and most > MOST_MEAN else ""),
        flush=True)


def usual_kv(types):
    return "f16" if types in UNROUNDED else "f32"


def missed(types, kv, ours, own):
    """What a row does not keep, in words; those that only show something keep all."""
    words = []
    if kv != usual_kv(types):
        return words
    if types in UNROUNDED and ours.mean > MOST_MEAN:
        words.append("mean above %g" % MOST_MEAN)
    if types not in UNROUNDED and own and ours.mean > own.mean:
        words.append("mean above theirs")
    if ours.same < LEAST_SAME:
        words.append("top-1 below %g%%%s" % (100 * LEAST_SAME, ", as is theirs" if own and
                                             own.same < LEAST_SAME else ""))
    return words


def print_row(kind, types, kv, found):
    ours, own = found.with_theirs(), found.among_theirs()
    row = "%-19s %-14s %-4s %9.6f %9.6f %6.1f%% %6.1f%% %9.1f %9.1f" % (
        kind, types, kv, ours.mean, ours.most, 100 * ours.same, 100 * ours.clear,
        *ours.perplexity)
    if own:
        row += "   %9.6f %9.6f %6.1f%% %6.1f%%  x %.2f" % (
            own.mean, own.most, 100 * own.same, 100 * own.clear, ours.mean / max(own.mean, 1e-9))
        if len(found.times) > 1:
            row += " (%.2f-%.2f)" % (min(found.times), max(found.times))
    words = missed(types, kv, ours, own) + ([REMARKS[kind]] if kind in REMARKS else [])
    print(row + "   " + "; ".join(words), flush=True)


def rows(arguments):
    """The rows of the table: kind, types of the weights, type of keys and values."""
    kinds = arguments.kinds or subprocess.run(
        [RANDOM_MODEL, "-L"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    types = arguments.types.split(":") if arguments.types else TYPES
    others = OTHER_TYPES if not arguments.types and "llama" in kinds else []
    formats = arguments.kv.split(":") if arguments.kv else []
    for kind, name in ([(kind, name) for kind in kinds for name in types] +
                       [("llama", name) for name in others]):
        for kv in formats or [usual_kv(name)]:
            yield kind, name, kv
    if others and not formats:
        for name in types + others:
            if name not in UNROUNDED:
                yield "llama", name, "f16"
        for name in types:
            yield "llama", name, "q8_0"


def print_files(peer, arguments):
    """A row for each file and type of keys and values; returns whether any failed."""
    failed = False
    for path in arguments.files:
        name = os.path.basename(path).removesuffix(".gguf")
        try:
            types = types_of(path)
            for kv in arguments.kv.split(":") if arguments.kv else [usual_kv(types)]:
                print_row(name, types, kv, compare_file(peer, path, kv, arguments))
        except FAILURES as error:
            print("%-19s failed: %s" % (name, error), flush=True)
            failed = True
    return failed


def print_rows(peer, arguments):
    """The rows of random models; returns whether any failed."""
    failed = False
    texts = {}
    for kind, types, kv in rows(arguments):
        try:
            if kind in ENCODERS:
                compare_vectors(peer, kind, types)
            elif kind in RANKERS:
                compare_scores(peer, kind, types)
            else:
                print_row(kind, types, kv, compare(peer, kind, types, kv, arguments, texts))
        except FAILURES as error:
            print("%-19s %-14s %-4s failed: %s" % (kind, types, kv, error), flush=True)
            failed = True
    return failed


def main():
    parser = argparse.ArgumentParser(description="compares log-probabilities with llama.cpp's")
    parser.add_argument("-p", dest="positions", type=int, default=512, help="positions of text")
    parser.add_argument("-x", dest="text", default=os.path.join(TOP, "README.md"),
                        help="the text")
    parser.add_argument("-m", dest="files", action="append", metavar="FILE",
                        help="compare this file, not random models")
    parser.add_argument("-s", dest="seeds", default="1", help="of models, separated by colons")
    parser.add_argument("-t", dest="types", help="number formats, separated by colons")
    parser.add_argument("-k", dest="kv", help="formats of keys and values, likewise")
    parser.add_argument("kinds", nargs="*", help="kinds of random-model")
    arguments = parser.parse_args()
    peer = Peer(os.environ.get("LLAMA_CPP"))
    failed = False
    try:
        if not peer.there():
            print("parity: skipped: no llama-server; LLAMA_CPP=DIR says where it is")
            return 0
        print("%-19s %-14s %-4s %9s %9s %7s %7s %9s %9s   %s" % (
            "kind", "types", "kv", "mean", "largest", "top-1", "clear", "our ppl", "their ppl",
            "llama.cpp: portable against chosen back end; ours against theirs"))
        show = print_files if arguments.files else print_rows
        failed = show(peer, arguments)
        print(NOTES, end="")
    finally:
        peer.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
