# SPDX-License-Identifier: Apache-2.0
"""What the figures were measured on, and of what."""
import hashlib
import importlib.metadata
import os
import pathlib
import subprocess

FLAGS = ("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
         "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve")


def processor(cpuinfo):
    """From the text of /proc/cpuinfo."""
    fields = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    present = (fields.get("flags") or fields.get("Features") or "").split()
    name = fields.get("model name") or fields.get("CPU part") or "unknown"
    return {"processor": name, "family": fields.get("cpu family"), "model": fields.get("model"), "flags": [f for f in FLAGS if f in present]}


def describe():
    memory = next(line for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {**processor(pathlib.Path("/proc/cpuinfo").read_text()), "cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release,
            "memory_gb": round(int(memory.split()[1]) * 1024 / 1e9, 1)}


def package_version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def program_version(program, root):
    """Which program this was, and the commit that the checkout stands at (which it need not be built from)."""
    def output(*words):
        try:
            return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None
    if not os.path.exists(program):
        return None
    return {"version": output(program, "--version"), "sha256": hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()[:16],
            "checkout": output("git", "-C", str(root), "describe", "--always", "--dirty")}
