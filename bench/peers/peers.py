# SPDX-License-Identifier: Apache-2.0
"""Who takes part. To add one: a peer_NAME.py with a class Peer (worker.py says what it is asked), its packages, and a line here."""
import dataclasses


PRECISIONS = ("fp32", "int8", "fp16")


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    title: str
    module: str
    arguments: tuple = ()
    package: str = ""      # on PyPI, whose version is noted; empty: Tercet
    overlaps: bool = False  # several runs are in flight: throughput counts all, latency is no longer one caller's
    precisions: tuple = ("fp32", "int8")  # in which it is measured
    form: str = ""         # those that share what is prepared have the same
    quantizer: str = ""    # the package that makes the INT8 form, if it is another one


ALL = (
    Entry("tercet", "Tercet", "peer_tercet", ("{tercet}", "1"), precisions=PRECISIONS),
    Entry("tercet_2", "Tercet 2 str.", "peer_tercet", ("{tercet}", "2"), overlaps=True, precisions=PRECISIONS),
    Entry("onnxruntime", "ORT", "peer_onnxruntime", package="onnxruntime"),
    Entry("openvino_latency", "OpenVINO lat.", "peer_openvino", ("latency",), "openvino", form="openvino", quantizer="nncf"),
    Entry("openvino_throughput", "OpenVINO thr.", "peer_openvino", ("throughput",), "openvino", overlaps=True, form="openvino", quantizer="nncf"),
    Entry("mnn", "MNN", "peer_mnn", package="MNN"),
    Entry("ncnn", "ncnn", "peer_ncnn", package="ncnn", precisions=("fp32",)),  # INT8 tools are not in its package
)
REFERENCE = next(e for e in ALL if e.name == "onnxruntime")  # whose outputs the others are held to

# One run at a time is compared with the same; two streams with the best that anyone reaches in any way.
CONTESTS = {
    "one stream": ("tercet", [e.name for e in ALL if e.package and not e.overlaps]),
    "two streams": ("tercet_2", [e.name for e in ALL if e.package]),
}
BASELINE = "fp32"
OWN_CONTESTS = {"own fp32": "tercet", "own fp32, two streams": "tercet_2"}  # the other precisions against what the same does in FP32
