# SPDX-License-Identifier: Apache-2.0
"""INT8 as the documentation of onnxruntime's quantize_static advises: static, Q/DQ, after its preprocessing, int8 weights; here per channel,
as all have them, of which it says that accuracy may gain and throughput loses a little. On x86 activations are uint8; without VNNI, where
products saturate in 16 bits, weights keep to 7 bits (`reduce_range`). Elsewhere both are int8. On x86 int8 activations would be far slower:
7 against 26 samples/s for ResNet-50 in a try with VNNI, less than FP32's 9."""
import os
import pathlib

import machine
import samples

EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")  # sums that do not saturate


def advice(flags):
    """For a processor: (type of activations, whether weights keep to 7 bits)."""
    if "avx2" not in flags:
        return "int8", False
    return "uint8", not any(f in flags for f in EXACT)


def quantize(model, folder, calibration):
    """(the file, what was done in words)"""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = samples.one_by_one(calibration)

        def get_next(self):
            return next(self.rest, None)

    activations, reduced = advice(machine.processor(pathlib.Path("/proc/cpuinfo").read_text())["flags"])
    kinds = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
    plain, made = os.path.join(folder, "preprocessed.onnx"), os.path.join(folder, "qdq.onnx")
    quant_pre_process(model, plain, skip_symbolic_shape=True)  # which wants another package and helps shapes that are not known
    quantize_static(plain, made, Reader(), quant_format=QuantFormat.QDQ, activation_type=kinds[activations],
                    weight_type=kinds["int8"], per_channel=True, reduce_range=reduced)
    os.remove(plain)
    return made, f"static Q/DQ: activations {activations}, weights int8 per channel{' in 7 bits, without VNNI' if reduced else ''}"
