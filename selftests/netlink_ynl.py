#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Drives the module with the kernel's own netlink client, tools/net/ynl, from our
specification, and holds header and policies against it.
"""

import errno
import os
import subprocess
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))


def find_up(path):
    """The file at a path below a folder that this one is in."""
    folder = os.path.realpath(HERE)
    while not os.path.exists(os.path.join(folder, path)):
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    return os.path.join(folder, path)


def skip(why):
    """Ends the program, all of it skipped."""
    print(f"1..0 # SKIP {why}")
    sys.exit(4)


SOURCE = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LLM_KERNEL_SOURCE", "")
SPEC = find_up("uapi/specs/llm.yaml")
HEADER = find_up("uapi/linux/llm_netlink.h")
GGUF = find_up("models/austen-kjv.gguf")
MODEL = "ynl-test"
YNL = os.path.join(SOURCE, "tools/net/ynl/pyynl")
if not os.path.isdir(YNL):
    skip("no kernel sources with tools/net/ynl")
try:
    import jsonschema  # noqa: F401, pylint: disable=unused-import
    import yaml
except ImportError as error:
    skip(f"{error.name} is not installed")
sys.path.insert(0, os.path.join(SOURCE, "tools/net/ynl"))
from pyynl.lib import YnlFamily, NlError  # noqa: E402, pylint: disable=wrong-import-position

SCHEMA = os.path.join(SOURCE, "Documentation/netlink/genetlink.yaml")


def header_agrees():
    """The header is what the kernel's generator makes of the specification."""
    with tempfile.TemporaryDirectory() as folder:
        specs = os.path.join(folder, "Documentation/netlink/specs")
        os.makedirs(specs)
        open(os.path.join(folder, "MAINTAINERS"), "w", encoding="utf-8").close()
        shutil.copy(SPEC, specs)
        for schema in os.listdir(os.path.dirname(SCHEMA)):
            if schema.endswith(".yaml"):
                shutil.copy(os.path.join(os.path.dirname(SCHEMA), schema),
                            os.path.dirname(specs))
        made = os.path.join(folder, "llm_netlink.h")
        subprocess.run([sys.executable, os.path.join(YNL, "ynl_gen_c.py"),
                        "--spec", os.path.join(specs, "llm.yaml"), "--mode", "uapi",
                        "--header", "-o", made], check=True)
        with open(made, encoding="utf-8") as one, open(HEADER, encoding="utf-8") as other:
            return one.read() == other.read()


def check_policy(spec, attributes, names, policy):
    """Whether a policy takes exactly these attributes, with the limits they have."""
    kinds = {"string": "nul-string", "nest": "nested"}
    if set(names) != set(policy):
        print(f"# {sorted(names)} is not {sorted(policy)}")
        return False
    for name in names:
        attribute, has = attributes[name], policy[name]
        limits = attribute.get("checks", {})
        wanted = {"max-length": limits.get("max-len"), "min-value": limits.get("min"),
                  "max-value": limits.get("max")}
        if has["type"] != kinds.get(attribute["type"], attribute["type"]):
            print(f"# {name}: {has}")
            return False
        for key, value in wanted.items():
            if value is not None and has.get(key) != value:
                print(f"# {name}: {key} is {has.get(key)}, not {value}")
                return False
        if attribute["type"] == "nest":
            inner = spec[attribute["nested-attributes"]]
            if not check_policy(spec, inner, [x for x in inner if x != "pad"],
                                has["policy"]):
                return False
    return True


def policies_agree(ynl):
    """The kernel's policies are those that the specification says."""
    with open(SPEC, encoding="utf-8") as stream:
        spec = yaml.safe_load(stream)
    sets = {s["name"]: {a["name"]: a for a in s["attributes"]} for s in spec["attribute-sets"]}
    good = True
    for operation in spec["operations"]["list"]:
        if "do" not in operation:
            continue
        names = operation["do"]["request"]["attributes"]
        policy = ynl.get_policy(operation["name"], "do").to_dict()
        if not check_policy(sets, sets[operation["attribute-set"]], names, policy):
            print(f"# of {operation['name']}")
            good = False
    return good


def messages_of(ynl, request, seconds=60):
    """The messages of a request, to its end."""
    found = []
    for message in ynl.poll_ntf(duration=seconds):
        if message["msg"].get("id") == request:
            found.append(message)
            if message["name"] == "done":
                break
    return found


def streams(ynl):
    """A generation comes in pieces, in order, and says why it ended."""
    request = ynl.do("submit", {"text": ["Once upon"], "max-tokens": 20,
                                "sampling": {"temperature": 0}})["id"]
    messages = messages_of(ynl, request)
    at = 0
    for message in messages:
        if message["msg"]["offset"] != at:
            return False
        at += len(message["msg"].get("bytes", b""))
    done = messages[-1]["msg"]
    return done["tokens-out"] == 20 and done["reason"] == "length" and len(messages) > 1


def cancels(ynl):
    """A cancelled request ends with that reason; another cancel names the attribute."""
    done = {}
    # One that was over before is tried again.
    for _ in range(50):
        request = ynl.do("submit", {"text": ["Once upon"], "deadline-ms": 60000,
                                    "sampling": {"bias-tokens": [1, 2],
                                                 "bias-values": [-6553600, -6553600]}})["id"]
        try:
            ynl.do("cancel", {"id": request})
        except NlError:
            pass
        done = messages_of(ynl, request)[-1]["msg"]
        if done["reason"] == "cancelled":
            break
    try:
        ynl.do("cancel", {"id": request})
        return False
    except NlError as error:
        return done["reason"] == "cancelled" and \
            abs(error.error) == errno.ENOENT and "'.id'" in str(error)


def tells_events():
    """Who joined the group is told of requests."""
    with YnlFamily(SPEC, SCHEMA) as ynl:
        # The client binds its socket here, so nothing may be sent before.
        ynl.ntf_subscribe("requests")
        ynl.do("submit", {"text": ["Once"], "max-tokens": 2})
        wanted = {"request-queued", "request-started", "request-finished", "done"}
        for message in ynl.poll_ntf(duration=60):
            wanted.discard(message["name"])
            if not wanted:
                break
    return not wanted


def carries(ynl):
    """A text comes to a socket, a session's reply to it too, and both are counted."""
    with YnlFamily(SPEC, SCHEMA) as other:
        ynl.do("topic-open", {"name": "ynl/in", "overflow": "drop-oldest", "history": 2,
                              "share": {"subscribe", "publish"}})
        other.do("subscribe", {"name": "ynl/in"})
        other.do("subscribe", {"name": "ynl/out"})
        session = ynl.do("session-open", {"max-tokens": 4})["session"]
        ynl.do("subscribe", {"name": "ynl/in", "session": session, "reply-name": "ynl/out",
                             "turns": 1})
        ynl.do("publish", {"name": "ynl/in", "text": "Once upon", "hops": 1})
        came = {}
        for message in other.poll_ntf(duration=60):
            came[message["msg"]["name"]] = message["msg"]
            if len(came) == 2:
                break
        topics = {topic["name"]: topic for topic in ynl.dump("topic-get", {})}
        ynl.do("unsubscribe", {"name": "ynl/in"})
    return came["ynl/in"]["bytes"] == b"Once upon" and \
        came["ynl/out"]["session"] == session and came["ynl/out"]["hops"] == 0 and \
        topics["ynl/in"]["published"] == 1 and topics["ynl/in"]["kept"] == 1 and \
        topics["ynl/in"]["share"] == {"subscribe", "publish"} and \
        topics["ynl/out"]["delivered"] == 1


def run_tests(ynl):
    """Runs the tests. Returns whether one failed."""
    models = ynl.dump("model-get", {})
    tests = [
        ("the header agrees with the specification", header_agrees),
        ("the policies agree with it", lambda: policies_agree(ynl)),
        ("models are listed", lambda: MODEL in [model["name"] for model in models]),
        ("sessions are listed", lambda: isinstance(ynl.dump("session-get", {}), list)),
        ("a generation is streamed", lambda: streams(ynl)),
        ("a request is cancelled", lambda: cancels(ynl)),
        ("events are told", tells_events),
        ("topics carry texts", lambda: carries(ynl)),
    ]
    failed = False
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        good = test()
        failed = failed or not good
        print(f"{'ok' if good else 'not ok'} {number} {name}", flush=True)
    return failed


def main():
    """Loads a model, runs the tests, and unloads it."""
    subprocess.run(["llmctl", "load", "--default", "--name", MODEL, GGUF], check=True,
                   stdout=subprocess.DEVNULL)
    with YnlFamily(SPEC, SCHEMA) as ynl:
        failed = run_tests(ynl)
    for _ in range(100):
        if subprocess.run(["llmctl", "unload", MODEL], check=False,
                          capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    sys.exit(failed)


main()
