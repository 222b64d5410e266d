# SPDX-License-Identifier: Apache-2.0
"""Who takes part. To add one: a peer_NAME.py with a class Peer (worker.py says what it is asked), its packages, and a line here."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    name: str
    title: str
    module: str
    arguments: tuple = ()
    package: str = ""      # on PyPI, whose version is noted; empty: Tercet
    overlaps: bool = False  # several runs are in flight: throughput counts all, latency is no longer one caller's


ALL = (
    Entry("tercet", "Tercet", "peer_tercet", ("{tercet}", "1")),
    Entry("tercet_2", "Tercet 2 str.", "peer_tercet", ("{tercet}", "2"), overlaps=True),
    Entry("onnxruntime", "ORT", "peer_onnxruntime", package="onnxruntime"),
    Entry("openvino_latency", "OpenVINO lat.", "peer_openvino", ("latency",), "openvino"),
    Entry("openvino_throughput", "OpenVINO thr.", "peer_openvino", ("throughput",), "openvino", overlaps=True),
    Entry("mnn", "MNN", "peer_mnn", package="MNN"),
    Entry("ncnn", "ncnn", "peer_ncnn", package="ncnn"),
)
REFERENCE = next(e for e in ALL if e.name == "onnxruntime")  # whose outputs the others are held to

# One run at a time is compared with the same; two streams with the best that anyone reaches in any way.
CONTESTS = {
    "one stream": ("tercet", [e.name for e in ALL if e.package and not e.overlaps]),
    "two streams": ("tercet_2", [e.name for e in ALL if e.package]),
}
