# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re


class Error(Exception):
    """What was given is at fault: a file, a model, an option's value, an array. As text it is one line, "where: what; what to do".

    `what` says what is wrong, `where` names file and node, outermost first, and `fix` what can be done; the last two may be empty.
    """

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        line = (f"{self.where}: " if self.where else "") + self.what + (f"; {self.fix}" if self.fix else "")
        return re.sub(r"[\x00-\x1f\x7f]", " ", line)  # models name their nodes as they like
