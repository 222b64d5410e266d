# SPDX-License-Identifier: Apache-2.0
"""A worker's process, seen from the one that asks."""
import contextlib
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 1800


class Failed(Exception):
    """Why this peer has no figure here."""


class Process:
    """Ended by `with`. Everything the peer prints is in the log; how long one answer may take is bounded."""

    def __init__(self, module, arguments, log):
        self.log = log
        with open(log, "wb") as f:
            self.child = subprocess.Popen([sys.executable, "-B", HERE / "worker.py", module, *arguments], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=f, text=True)
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def ask(self, do, **task):
        clock = threading.Timer(LIMIT_S, self.child.kill)
        clock.start()
        try:
            self.child.stdin.write(json.dumps({"do": do, **task}) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            clock.cancel()
        if not line:
            raise Failed(f"{do}: the process ended with status {self.child.wait()}; {self.last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{do}: {answer['error']}")
        return answer

    def last_words(self):
        lines = pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"
