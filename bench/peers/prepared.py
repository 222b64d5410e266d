# SPDX-License-Identifier: Apache-2.0
"""What a peer makes of a model before it can load it: Tercet's engine, MNN's and ncnn's own files. Kept, and made again when the
model, the peer or the settings change."""
import hashlib
import json
import os
import pathlib
import shutil

import foreign
import machine
import models
import peers
import samples
from process import HERE, Process


def identity(path):
    info = os.stat(path)
    return [str(path), info.st_size, info.st_mtime_ns]


def drop_old_timings(timings, tercet):
    """Times of an older program's kernels would have the new one choose by what is gone."""
    if os.path.exists(timings) and os.path.exists(tercet) and os.stat(timings).st_mtime < os.stat(tercet).st_mtime:
        os.remove(timings)


def place_of(entry, precision, model, folder):
    name = entry.form or entry.name
    return pathlib.Path(folder) / model.path.stem / (name if precision == peers.BASELINE else f"{name}-{precision}")


def kept_answer(note, key):
    """What an earlier preparation said, if it was of the same and its files are there."""
    if not note.exists():
        return None
    kept = json.loads(note.read_text())
    same = kept["key"] == json.loads(json.dumps(key)) and all(map(os.path.exists, kept["answer"]["files"].values()))
    return kept["answer"] if same else None


def prepare(entry, arguments, version, model, precision, folder, settings):
    """The answer of worker.py's `prepare`. process.Failed if the peer cannot take this model. The note is written last: without it, what
    lies there counts as cut off."""
    place = place_of(entry, precision, model, folder)
    note = place / "prepared.json"
    task = {"model": str(model.path), "folder": str(place), "input_shapes": model.inputs, "precision": precision}
    code = b"".join((HERE / f"{name}.py").read_bytes() for name in (entry.module, "static_qdq"))
    key = [version, identity(model.path), precision, hashlib.sha256(code).hexdigest()]
    if precision == "int8":
        task |= {"calibration": samples.calibration_files(model, pathlib.Path(folder)), "transformer": model.name in models.TRANSFORMERS}
        key += [[identity(file) for file in task["calibration"].values()], machine.package_version(entry.quantizer) if entry.quantizer else None]
    if not entry.package:  # tuned for a number of threads, by this very program
        drop_old_timings(settings.timings, settings.tercet)
        task |= {"threads": settings.threads, "timings": str(settings.timings)}
        key += [settings.threads, identity(settings.tercet)]
    if answer := kept_answer(note, key):
        return answer
    shutil.rmtree(place, ignore_errors=True)  # or what an earlier try left would pass for this one's
    place.mkdir(parents=True)
    with Process(entry.module, arguments, place / "log.txt") as worker:
        if not entry.package:
            foreign.wait_until_quiet(settings.patience)
        watch = foreign.Watch([worker.pid])
        answer = worker.ask("prepare", **task) | {"foreign_cores": round(watch.cores(), 3)}
    part = note.with_suffix(".part")
    part.write_text(json.dumps({"key": key, "answer": answer}, indent=1))
    os.replace(part, note)
    return answer
