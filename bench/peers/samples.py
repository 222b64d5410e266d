# SPDX-License-Identifier: Apache-2.0
"""What the models are fed: pictures for trained ones, where there are any, and otherwise values in [0, 1) as pictures have them, or integers
below LIMITS. INT8 is calibrated on samples of the same kind, never on those that are run and compared."""
import gzip
import hashlib
import os
import pathlib

LIMITS = {"input_ids": 2000}  # integers lie below; 2 for others, such as masks and types
CALIBRATION = 64              # samples
PICTURES = 400                # read of a file, at most
CALIBRATION_SEED = 8          # beside the number of the input; the batch stands there otherwise, together with a 0


def picture_file(name, test_data):
    """Of what the model `name` was trained for; None if there is none here. `test_data` may be None."""
    files = {"fashion_mnist_cnn": pathlib.Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")}
    if test_data:
        files["cifar10_vgg"] = pathlib.Path(test_data) / "data/cifar10/sample.csv"
    file = files.get(name)
    return file if file and file.exists() else None


def pictures(file, shape):
    """In [0, 1], each of `shape`: IDX (gzip) or CSV with a row per picture after a head and an id."""
    import numpy
    if file.suffix == ".gz":
        with gzip.open(file) as f:
            count = int.from_bytes(f.read(16)[4:8], "big")
            data = numpy.frombuffer(f.read(min(count, PICTURES) * 28 * 28), numpy.uint8)
    else:
        data = numpy.loadtxt(file, delimiter=",", skiprows=1, max_rows=PICTURES, dtype=numpy.float32)[:, 1:]
    return data.reshape(-1, *shape).astype(numpy.float32) / 255


def random_values(name, shape, element, seed):
    import numpy
    random = numpy.random.default_rng(seed)
    return random.random(shape, numpy.float32) if element == "float32" else random.integers(0, LIMITS.get(name, 2), shape, numpy.int64)


def inputs(model, batch):
    """The same for every peer: {input: array}. Of pictures, every second one, over and over."""
    if model.pictures:
        name, dims, _ = model.inputs[0]
        shown = pictures(model.pictures, dims)[0::2]
        return {name: shown[[i % len(shown) for i in range(batch)]]}
    return {name: random_values(name, (batch, *dims), element, [i, batch]) for i, (name, dims, element) in enumerate(model.inputs)}


def calibration(model):
    """{input: array}; of pictures, the others."""
    if model.pictures:
        name, dims, _ = model.inputs[0]
        return {name: pictures(model.pictures, dims)[1::2][:CALIBRATION]}
    return {name: random_values(name, (CALIBRATION, *dims), element, [i, 0, CALIBRATION_SEED]) for i, (name, dims, element) in enumerate(model.inputs)}


def write_inputs(model, batch, folder):
    """{input: NPY file}"""
    import numpy
    files = {}
    for i, (name, values) in enumerate(inputs(model, batch).items()):
        files[name] = str(folder / f"{model.name}-input{i}-batch{batch}.npy")
        numpy.save(files[name], values)
    return files


def calibration_files(model, folder):
    """{input: NPY file}. Kept, under names that change with this code and with the pictures."""
    code = pathlib.Path(__file__).read_bytes()
    if model.pictures:
        info = os.stat(model.pictures)
        code += f"{model.pictures} {info.st_size} {info.st_mtime_ns}".encode()
    stem = f"{model.path.stem}-calibration-{hashlib.sha256(code).hexdigest()[:8]}"
    files = {name: folder / f"{stem}-{i}.npy" for i, (name, _, _) in enumerate(model.inputs)}
    if not all(file.exists() for file in files.values()):
        import numpy
        for name, values in calibration(model).items():
            part = files[name].with_suffix(".part")
            with open(part, "wb") as f:
                numpy.save(f, values)
            os.replace(part, files[name])
    return {name: str(file) for name, file in files.items()}


def one_by_one(files):
    """For calibrators that ask for batches: {input: array [1, ...]} per sample of calibration_files()."""
    import numpy
    arrays = {name: numpy.load(file, mmap_mode="r") for name, file in files.items()}
    for i in range(min(map(len, arrays.values()))):
        yield {name: numpy.array(x[i:i + 1]) for name, x in arrays.items()}
