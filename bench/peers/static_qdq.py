# SPDX-License-Identifier: Apache-2.0
"""INT8 as onnxruntime's documentation advises for x86: static, Q/DQ, after its preprocessing, weights int8 per channel. Activations are uint8,
for which its kernels are made (int8 ones ran at a half to a quarter of the speed, often below FP32, with VNNI as without). Without VNNI
products saturate in 16 bits; then weights keep to 7 bits (`reduce_range`)."""
import os
import pathlib

import machine
import samples

EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")  # sums that do not saturate


def saturates(flags):
    return "avx2" in flags and not any(f in flags for f in EXACT)


def quantize(model, folder, calibration):
    """(the file, what was done in words)"""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = samples.one_by_one(calibration)

        def get_next(self):
            return next(self.rest, None)

    reduced = saturates(machine.processor(pathlib.Path("/proc/cpuinfo").read_text())["flags"])
    plain, made = os.path.join(folder, "preprocessed.onnx"), os.path.join(folder, "qdq.onnx")
    quant_pre_process(model, plain, skip_symbolic_shape=True)  # which wants another package and helps shapes that are not known
    quantize_static(plain, made, Reader(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    per_channel=True, reduce_range=reduced)
    os.remove(plain)
    return made, f"static Q/DQ: activations uint8, weights int8 per channel{' in 7 bits, without VNNI' if reduced else ''}"
