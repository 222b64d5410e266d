# SPDX-License-Identifier: Apache-2.0
"""What a user can do something about."""


class Refused(Exception):
    def __init__(self, what, fix):
        super().__init__(what)
        self.what, self.fix = what, fix


def reason(error):
    """An exception of a framework in one line: its first sentence that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    if isinstance(error, (KeyError, ModuleNotFoundError, AttributeError)) or len(text) < 12:
        text = f"{type(error).__name__}: {text}"
    return text if len(text) <= 300 else text[:297] + "..."
