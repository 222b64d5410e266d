# SPDX-License-Identifier: Apache-2.0
"""onnxruntime, without its optimizations, in a process of its own: it may crash on what we make, too."""
import multiprocessing

LIMIT_S = 60


class Refused(Exception):
    """Why the reference has no result."""


def serve(connection):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    while True:
        try:
            model, feeds = connection.recv()
        except EOFError:
            return
        results, reason = [], None
        try:
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as e:  # pylint: disable=broad-except
            connection.send(([], str(e)))
            continue
        for feed in feeds:
            try:
                results.append(run(onnxruntime, session, feed))
            except Exception as e:  # pylint: disable=broad-except
                results.append(None)
                reason = str(e)
        connection.send((results, reason))


def run(onnxruntime, session, feed):
    """Inputs of bf16 have no type of NumPy's own, and go through onnxruntime's."""
    import ml_dtypes
    import numpy as np
    values = {}
    for name, x in feed.items():
        if x.dtype == ml_dtypes.bfloat16:
            values[name] = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(x.view(np.uint16), 16)
        else:
            values[name] = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(x).reshape(x.shape))
    return [np.array(value.numpy()) for value in session.run_with_ort_values(None, values)]


class Reference:
    def __init__(self):
        self.child = None

    def start(self):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.child = context.Process(target=serve, args=(theirs,), daemon=True)
        self.child.start()
        theirs.close()

    def run(self, model, feeds):
        """Per feed (name to array) a list of arrays, or None where it is refused; Refused if none is left."""
        if self.child is None:
            self.start()
        try:
            self.connection.send((model, feeds))
            if not self.connection.poll(LIMIT_S):
                raise Refused(f"no answer in {LIMIT_S} s")
            results, reason = self.connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as e:
            self.stop()
            raise Refused("its process ended") from e
        except Refused:
            self.stop()
            raise
        if not any(r is not None for r in results):
            raise Refused(reason or "no inputs")
        return results

    def stop(self):
        if self.child is not None:
            self.connection.close()
            self.child.kill()
            self.child.join()
            self.child = None
