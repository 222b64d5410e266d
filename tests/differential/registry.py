# SPDX-License-Identifier: Apache-2.0
"""The entries of the table (table.py): functions that add a node, or several, to a Maker."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    op: str       # the operator; a pattern's name is in lower case
    make: object
    since: int
    until: int    # the last operator set that has it
    weight: float


TABLE = []


def entry(op, since=1, until=10_000, weight=1.0):
    def register(make):
        TABLE.append(Entry(op, make, since, until, weight))
        return make
    return register
