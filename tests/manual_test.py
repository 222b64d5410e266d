#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual page and the completions hold all that --help shows, and shells complete by them. Shells are used as people use them: over
a terminal, with keys.

    python3 manual_test.py --tercet build/release/tercet --root .
"""

import argparse
import functools
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # nothing is left in the source folder

arguments = None


@functools.cache
def tercet(*words):
    return subprocess.run([arguments.tercet, *words], capture_output=True, text=True, timeout=60, check=True).stdout


def verbs():
    return re.findall(r"^  (\w+) ", tercet("--help").split("Subcommands:")[1].split("\n\n")[0], re.M)


def help_of(verb):
    """What `tercet VERB --help` shows: the names of options, line by line, and what stands by itself."""
    text = tercet(*([verb] if verb else []), "--help")
    options = [found.split(",") for found in re.findall(r"^  (-\S+)", text, re.M)]
    places = re.findall(r"^Positionals:\n((?:  .*\n)+)", text, re.M)
    return options, re.findall(r"^  (\S+) ", "".join(places), re.M)


def plain(roff):
    for escape, character in [(r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(rs", "\\"), (r"\(ti", "~"), (r"\(ha", "^"), (r"\&", "")]:
        roff = roff.replace(escape, character)
    return re.sub(r"\\f[BIR]", "", roff)


class Manual(unittest.TestCase):
    def entries(self, verb):
        """The lines that name options in the parts of the page that are about a verb."""
        page = plain(tercet("--man"))
        parts = re.split(r"^\.S[SH] (.*)\n", page, flags=re.M)[1:]
        about = []
        for title, part in zip(parts[::2], parts[1::2]):
            of_several = re.fullmatch(r"\S.* \((.*)\)", title)
            if title == (verb or "OPTIONS") or (of_several and verb in of_several[1].split(", ")):
                about += re.findall(r"^\.TP\n(.*)\n(.*)", part, re.M)
        return about

    def test_has_every_verb_and_option_of_the_help(self):
        self.assertGreater(len(verbs()), 8)
        for verb in ["", *verbs()]:
            options, places = help_of(verb)
            entries = self.entries(verb)
            named = {name for line, _ in entries for name in re.findall(r"-[\w-]+", line)}
            for names in options:
                if verb and "--help" in names:
                    continue  # stands once, among the program's
                with self.subTest(verb=verb, names=names):
                    self.assertLessEqual(set(names), named)
            for place in places:
                self.assertIn(place, [line for line, _ in entries])
            self.assertTrue(all(text and not text.startswith(".") for _, text in entries), verb)

    def test_shows_the_examples_of_the_help(self):
        page = plain(tercet("--man"))
        for verb in ["", *verbs()]:
            for example in re.findall(r"^  (tercet .*)", tercet(*([verb] if verb else []), "--help"), re.M):
                self.assertIn(f"\n{example}\n", page)

    def test_names_every_variable_of_the_environment(self):
        sources = [f for folder in ["cli", "src"] for f in pathlib.Path(arguments.root, folder).rglob("*.cpp") if not f.name.endswith("_test.cpp") and f.name != "testing.cpp"]
        variables = {name for f in sources for name in re.findall(r'"(TERCET_[A-Z_]+)"', f.read_text())}
        self.assertLessEqual({"TERCET_MAX_ISA", "TERCET_PYTHON"}, variables)
        environment = tercet("--man").split(".SH ENVIRONMENT")[1].split(".SH")[0]
        for variable in variables:
            self.assertIn(variable, environment)

    def test_is_whole_or_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([arguments.tercet, "--man"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("disk full", done.stderr)

    def test_has_its_sections_in_order(self):
        self.assertEqual([s for s in re.findall(r"^\.SH (.*)", tercet("--man"), re.M) if s != "OPTIONS OF SEVERAL VERBS"],
                         ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "VERBS", "ENVIRONMENT", "EXIT STATUS", "FILES", "EXAMPLES", "SEE ALSO"])

    def test_formatters_find_no_fault(self):
        checks = {"mandoc": ["-T", "lint", "-W", "warning"], "groff": ["-ww", "-man", "-z"]}
        present = [name for name in checks if shutil.which(name)]
        if not present:
            self.skipTest("neither mandoc nor groff is installed")
        for name in present:
            done = subprocess.run([name, *checks[name]], input=tercet("--man"), capture_output=True, text=True, timeout=60, check=False)
            found = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
            self.assertEqual(found, [], name)


class Shell:
    """A shell on a terminal. Its prompt is the character \\3; `answer` prints the words of a line behind \\1."""

    def __init__(self, folder, words, environment):
        self.terminal, other = pty.openpty()
        self.process = subprocess.Popen(words, cwd=folder, stdin=other, stdout=other, stderr=other, start_new_session=True,
                                        env={"PATH": os.environ["PATH"], "HOME": folder, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
        os.close(other)
        self.until("\3")

    def until(self, end):
        text = ""
        while end not in text:
            if not select.select([self.terminal], [], [], 60)[0]:
                raise AssertionError(f"the shell says no more than {text!r}")
            text += os.read(self.terminal, 65536).decode(errors="replace")
        return text

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def words(self, line, key):
        """The line's words after that key."""
        os.write(self.terminal, f"{line}{key}\x01answer \r".encode())
        text = self.until("\3")
        return re.findall(r"<([^>]*)>", text[text.rindex("\1"):])


class Completion:
    """What both shells have to do. ALL is the key that inserts all completions at once."""

    ALL = TAB = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ["model.onnx", "notes.txt", "cat photo.jpg"]:
            pathlib.Path(cls.folder, name).touch()
        pathlib.Path(cls.folder, "photos").mkdir()
        cls.shell = cls.start()
        cls.addClassCleanup(cls.shell.close)

    def completed(self, line):
        return [word.rstrip("/") for word in self.shell.words(f"tercet {line}", self.TAB)[1:]]  # zsh takes a folder's slash back

    def offered(self, line):
        """All that the last word of the line can become."""
        before = len(line.split(" ")) - 1
        return sorted(word.rstrip("/") for word in self.shell.words(f"tercet {line}", self.ALL)[1 + before:] if not word.startswith("."))

    def test_verbs(self):
        self.assertEqual(self.offered(""), sorted(verbs()))
        self.assertEqual(self.completed("bu"), ["build"])

    def test_every_option_of_the_help(self):
        for verb in ["", *verbs()]:
            for names in help_of(verb)[0]:
                for name in names:
                    if name.startswith("--"):  # what begins an option's name leads to that
                        offered = self.offered(f"{verb} {name[:-1]}".lstrip())
                        self.assertTrue(any(word.startswith(name) for word in offered), f"{verb} {name}: {offered}")

    def test_values(self):
        self.assertEqual(self.offered("--completion "), ["bash", "zsh"])
        self.assertEqual(self.offered("build --tune "), ["fast", "full", "none"])
        self.assertEqual(self.offered("build model.onnx --calibrator m"), ["minmax", "mse"])
        self.assertEqual(self.completed("build model.onnx --precision=in"), ["build", "model.onnx", "--precision=int8"])
        self.assertEqual(self.completed("compare --precisions fp32,in"), ["compare", "--precisions", "fp32,int8"])

    def test_values_that_are_anything(self):
        self.assertEqual(self.completed("build --threads m"), ["build", "--threads", "m"])

    def test_files(self):
        self.assertEqual(self.offered("build "), ["model.onnx", "photos"])
        self.assertEqual(self.offered("build --calib-data "), ["cat photo.jpg", "model.onnx", "notes.txt", "photos"])
        self.assertEqual(self.completed("build -o n"), ["build", "-o", "notes.txt"])
        self.assertEqual(self.completed("build --onnx=m"), ["build", "--onnx=model.onnx"])
        self.assertEqual(self.completed("inspect ~/n"), ["inspect", f"{self.folder}/notes.txt"])

    def test_folders(self):
        self.assertEqual(self.completed("run --output "), ["run", "--output", "photos"])
        self.assertEqual(self.completed("check photos p"), ["check", "photos", "photos"])

    def test_files_of_inputs_by_name(self):
        self.assertEqual(self.completed("run model.engine --input image=c"), ["run", "model.engine", "--input", "image=cat photo.jpg"])
        self.assertEqual(self.completed("run model.engine --input=image=c"), ["run", "model.engine", "--input=image=cat photo.jpg"])

    def test_lists_of_files(self):
        self.assertEqual(self.completed("compare --engines notes.txt,m"), ["compare", "--engines", "notes.txt,model.onnx"])


@unittest.skipUnless(shutil.which("bash"), "bash is not installed")
class Bash(Completion, unittest.TestCase):
    ALL, TAB = "\x1b*", "\t"

    @classmethod
    def start(cls):
        pathlib.Path(cls.folder, ".rc").write_text("PS1=$'\\3'\nanswer() { printf '\\1'; printf '<%s>' \"$@\"; printf '\\n'; }\n" + tercet("--completion", "bash"))
        return Shell(cls.folder, ["bash", "--noprofile", "--rcfile", ".rc", "-i"], {})

    def test_other_names_do_not_stand_in_the_way(self):
        self.assertEqual(self.completed("build --min-"), ["build", "--min-shapes"])
        self.assertEqual(self.completed("build --minS"), ["build", "--minShapes"])

    def test_works_without_a_terminal(self):
        script = "set -u\n" + tercet("--completion", "bash") + 'COMP_WORDS=(tercet build --precision "")\nCOMP_CWORD=3\n_tercet\necho "${COMPREPLY[@]}"\n'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual((done.stdout, done.stderr), ("fp32 fp16 bf16 int8 best\n", ""))


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(Completion, unittest.TestCase):
    ALL, TAB = "\x18a", "\t"

    @classmethod
    def start(cls):
        pathlib.Path(cls.folder, ".functions").mkdir()
        pathlib.Path(cls.folder, ".functions", "_tercet").write_text(tercet("--completion", "zsh"))
        pathlib.Path(cls.folder, ".zshrc").write_text(r"""
fpath=(~/.functions $fpath)
autoload -U compinit
compinit -D -u
zle -C insert-all complete-word _generic
zstyle ':completion:insert-all::::' completer _all_matches _complete
zstyle ':completion:insert-all:*' insert true
bindkey -e
bindkey '^Xa' insert-all
answer() { printf '\1'; printf '<%s>' "$@"; printf '\n' }
PS1=$'\3'
""")
        return Shell(cls.folder, ["zsh", "--no-globalrcs", "-i"], {"ZDOTDIR": cls.folder})

    def test_may_be_sourced(self):
        script = "autoload -U compinit; compinit -D -u\n" + tercet("--completion", "zsh") + "\nprint $_comps[tercet]"
        done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual((done.stdout, done.stderr), ("_tercet\n", ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tercet", required=True)
    parser.add_argument("--root", required=True)
    arguments, others = parser.parse_known_args()
    arguments.tercet = os.path.abspath(arguments.tercet)
    unittest.main(argv=[sys.argv[0], *others])
