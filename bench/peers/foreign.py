# SPDX-License-Identifier: Apache-2.0
"""Notices what else used the processor while a peer was measured: the machine's busy time less the peer's own (and ours), from
/proc, in ticks. Time that the hypervisor kept away (`steal`) is somebody else's, too."""
import os
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ALLOWED = 0.05        # of one core
TICK_NOISE = 3        # both counts are rounded; less than this proves nothing


def busy_ticks(stat):
    """From the text of /proc/stat, over all cores."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.split("\n", 1)[0].split()[1:9])
    return user + nice + system + irq + softirq + steal


def process_ticks(stat):
    """From the text of /proc/PID/stat, with children that have ended; the name in it may hold anything."""
    fields = stat.rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15]))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


class Watch:
    """From its making on. `own` are processes whose time is not foreign."""

    def __init__(self, own, read_text=read, clock=time.monotonic):
        self.own, self.read_text, self.clock = [*own, "self"], read_text, clock
        self.start, self.before = clock(), self.foreign_ticks()

    def foreign_ticks(self):
        machine = busy_ticks(self.read_text("/proc/stat"))
        return machine - sum(process_ticks(self.read_text(f"/proc/{pid}/stat")) for pid in self.own)

    def ticks(self):
        return max(0, self.foreign_ticks() - self.before)

    def cores(self):
        """How many cores the others kept busy, on average."""
        return self.ticks() / TICKS_PER_S / max(self.clock() - self.start, 1e-9)

    def disturbed(self):
        return self.ticks() > max(TICK_NOISE, ALLOWED * (self.clock() - self.start) * TICKS_PER_S)


def wait_until_quiet(patience_s, own=(), window_s=0.25, sleep=time.sleep):
    """Returns once nobody else is at work, or after about `patience_s`; whether it became quiet."""
    for _ in range(max(1, int(patience_s / window_s))):
        watch = Watch(own)
        sleep(window_s)
        if not watch.disturbed():
            return True
    return False


def wait_until_idle(pid, limit_s=3.0, sleep=time.sleep, read_text=read):
    """Some peers' threads spin a while after a run: the next one's turn comes when they sleep."""
    ticks, still = process_ticks(read_text(f"/proc/{pid}/stat")), 0
    for _ in range(int(limit_s / 0.03)):
        sleep(0.03)
        now = process_ticks(read_text(f"/proc/{pid}/stat"))
        still = still + 1 if now == ticks else 0
        if still == 2:
            return True
        ticks = now
    return False
