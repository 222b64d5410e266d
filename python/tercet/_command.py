# SPDX-License-Identifier: Apache-2.0
"""What comes with the package: the program `tercet`, and files that TensorRT as a target takes."""
from __future__ import annotations

import os
import pathlib
import sys
from typing import NoReturn, Optional


def program() -> Optional[pathlib.Path]:
    file = pathlib.Path(__file__).with_name("bin") / "tercet"
    return file if file.exists() else None


def show_shared_files() -> None:
    """Lets the library find the files, which it looks for beside a program, and Python's is elsewhere."""
    os.environ.setdefault("TERCET_SHARE", str(pathlib.Path(__file__).with_name("share") / "tercet"))


def main() -> NoReturn:
    file = program()
    if file is None:
        sys.exit("tercet: error: the program is not in this installation of the package")
    os.execv(file, ["tercet", *sys.argv[1:]])
