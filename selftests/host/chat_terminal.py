#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
chat_terminal.py LLMCTL MODEL UNKNOWN

llmctl chat as somebody uses it who sits at a terminal: what is shown after each key.
MODEL has a chat template that is known, UNKNOWN has one that is not.
"""
import os
import pty
import select
import sys

# Only so that a failure ends.
PATIENCE = 120


class Terminal:
    """A program at a terminal."""

    def __init__(self, *command):
        self.pid, self.file = pty.fork()
        if not self.pid:
            os.execv(command[0], command)
        self.shown = b""

    def wait(self, text):
        """Waits until something is shown, and forgets all up to it."""
        while text not in self.shown:
            if not self.read():
                sys.exit("'%s' is not shown, but %r" % (text.decode(), self.shown[-300:]))
        before, _, self.shown = self.shown.partition(text)
        return before

    def read(self):
        if not select.select([self.file], [], [], PATIENCE)[0]:
            return False
        try:
            data = os.read(self.file, 65536)
        except OSError:
            data = b""
        self.shown += data
        return data

    def type(self, keys):
        os.write(self.file, keys)

    def status(self):
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def check(holds, what):
    if not holds:
        sys.exit(what)


def talk(llmctl, model):
    terminal = Terminal(llmctl, "--host", "chat", "-m", model, "--temp", "0", "-n", "400000")
    terminal.wait(b"> ")
    # The reply is streamed: some of it is there long before the last of it.
    terminal.type(b"no\x7f\x7fhi\n")
    terminal.wait(b"hi\r\n")
    while len(terminal.shown) < 50:
        check(terminal.read(), "there is no reply")
    terminal.type(b"\x03")
    terminal.wait(b"^C")
    terminal.wait(b"\r\n> ")
    # The conversation goes on; a line can be dropped too.
    terminal.type(b"/help\n")
    terminal.wait(b"/clear begins anew")
    terminal.wait(b"\r\n> ")
    terminal.type(b"forget it\x03")
    terminal.wait(b"(Ctrl-D ends)\r\n> ")
    terminal.type(b"/clear\n")
    terminal.wait(b"/clear\r\n> ")
    terminal.type(b"\x04")
    check(terminal.status() == 0, "it does not end well")


def refuse(llmctl, model):
    terminal = Terminal(llmctl, "--host", "chat", "-m", model)
    terminal.wait(b"chat template is not known; name one with --template")
    check(terminal.status() == 1, "what is not known does not fail")


talk(sys.argv[1], sys.argv[2])
refuse(sys.argv[1], sys.argv[3])
