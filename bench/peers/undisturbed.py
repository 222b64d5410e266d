# SPDX-License-Identifier: Apache-2.0
"""Measures again what something else disturbed."""
import dataclasses
import typing

@dataclasses.dataclass(frozen=True)
class Outcome:
    answer: typing.Any
    foreign_cores: float
    disturbed: bool
    attempts: int


def undisturbed(measure, watch, before_repeating, repeats):
    """`measure()` while a fresh `watch()` looks on: the first attempt that nothing disturbed, or else, after `repeats` more, the least
    disturbed."""
    seen = []
    for attempt in range(1 + repeats):
        if attempt:
            before_repeating()
        looking = watch()
        answer = measure()
        outcome = Outcome(answer, looking.cores(), looking.disturbed(), attempt + 1)
        if not outcome.disturbed:
            return outcome
        seen.append(outcome)
    return dataclasses.replace(min(seen, key=lambda o: o.foreign_cores), attempts=len(seen))


def trusted(measurements):
    """Those that nothing disturbed, or all if there are none of these; and whether that leaves doubt: no more than half were quiet."""
    quiet = [m for m in measurements if not m["disturbed"]]
    return quiet or measurements, 2 * len(quiet) <= len(measurements)
