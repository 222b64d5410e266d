# SPDX-License-Identifier: Apache-2.0
"""Where onnxruntime is known to deviate from the ONNX specification, or the specification leaves it open. A mismatch of a case
that has such a node is counted here, and is no failure."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Deviation:
    op: str
    when: object  # of the case and the node
    reason: str


KNOWN = []


def known(case):
    """The reason, or None."""
    for n in case.nodes:
        for d in KNOWN:
            if d.op == n.op and d.when(case, n):
                return f"{d.op}: {d.reason}"
    return None
