# SPDX-License-Identifier: Apache-2.0
"""The table of operators: all operators_*.py, and patterns.py. An element-wise function is one line of operators_pointwise.py;
another operator a function of its own:

    @entry("Trilu", since=14)
    def trilu(m): ...

An operator that is not tested says why in LEFT_OUT; tests/differential/run names those that are in neither."""
import operators_attention
import operators_index
import operators_matrix
import operators_move
import operators_pointwise
import operators_reduce
import operators_signal
import operators_window
import patterns
from registry import TABLE

assert all((operators_attention, operators_index, operators_matrix, operators_move, operators_pointwise, operators_reduce, operators_signal,
            operators_window, patterns))

LEFT_OUT = {
    "CausalConvWithState": "onnxruntime's CPU provider has no kernel for it",
    "LinearAttention": "onnxruntime's CPU provider has no kernel for it",
    "SwiGLU": "onnxruntime's CPU provider has no kernel for it",
}


def operators():
    return {e.op for e in TABLE if not e.op.islower()}
