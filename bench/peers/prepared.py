# SPDX-License-Identifier: Apache-2.0
"""What a peer makes of a model before it can load it: Tercet's engine, MNN's and ncnn's own files. Kept, and made again when the
model, the peer or the settings change."""
import json
import os
import pathlib

import foreign
from process import Process


def identity(path):
    info = os.stat(path)
    return [str(path), info.st_size, info.st_mtime_ns]


def drop_old_timings(timings, tercet):
    """Times of an older program's kernels would have the new one choose by what is gone."""
    if os.path.exists(timings) and os.path.exists(tercet) and os.stat(timings).st_mtime < os.stat(tercet).st_mtime:
        os.remove(timings)


def prepare(entry, arguments, version, model, folder, settings):
    """The answer of worker.py's `prepare`. process.Failed if the peer cannot take this model."""
    place = pathlib.Path(folder) / model.path.stem / entry.name
    place.mkdir(parents=True, exist_ok=True)
    note = place / "prepared.json"
    task = {"model": str(model.path), "folder": str(place), "input_shapes": model.inputs, "precision": settings.precision}
    key = [version, identity(model.path), settings.precision]
    if not entry.package:  # tuned for a number of threads, by this very program
        drop_old_timings(settings.timings, settings.tercet)
        task |= {"threads": settings.threads, "timings": str(settings.timings)}
        key += [settings.threads, identity(settings.tercet)]
    if note.exists():
        kept = json.loads(note.read_text())
        if kept["key"] == json.loads(json.dumps(key)):
            return kept["answer"]
    note.unlink(missing_ok=True)
    with Process(entry.module, arguments, place / "log.txt") as worker:
        if not entry.package:
            foreign.wait_until_quiet(settings.patience)
        watch = foreign.Watch([worker.pid])
        answer = worker.ask("prepare", **task) | {"foreign_cores": round(watch.cores(), 3)}
    note.write_text(json.dumps({"key": key, "answer": answer}, indent=1))
    return answer
