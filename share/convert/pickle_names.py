# SPDX-License-Identifier: Apache-2.0
"""What a pickle would call, found without running it: it names every class and function that loading it imports. Standard library only."""
import pickletools
import zipfile

# What PyTorch writes for tensors by themselves: nothing here makes a module.
TENSORS = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
           "torch._utils._rebuild_qtensor", "torch.nn.parameter.Parameter", "torch.Size", "torch.device", "torch._tensor._rebuild_from_type_v2",
           "torch.serialization._get_layout", "builtins.set"}


def names(file):
    """The names in one pickle, in order, each once; `file` stands behind it afterwards. ValueError if it is damaged."""
    found, strings, memo = [], [], {}
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in ("GLOBAL", "INST"):
            found.append(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL" and len(strings) >= 2:
            found.append(f"{strings[-2]}.{strings[-1]}")
        elif opcode.name == "MEMOIZE" and strings:
            memo[len(memo)] = strings[-1]
        elif opcode.name in ("BINGET", "LONG_BINGET") and argument in memo:
            strings.append(memo[argument])
        elif isinstance(argument, str) and "UNICODE" in opcode.name:
            strings.append(argument)
    return list(dict.fromkeys(found))


def torch_names(path):
    """The names in a file of torch.save, of today's form (a zip archive) or of that before PyTorch 1.6 (pickles one after another)."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            (member,) = [n for n in archive.namelist() if n.endswith("/data.pkl")]
            with archive.open(member) as f:
                return names(f)
    with open(path, "rb") as f:
        for _ in range(3):  # magic number, version, what system it was made on
            names(f)
        return names(f)


def only_tensors(found):
    """Whether these names make tensors, and nothing that could compute."""
    return all(name in TENSORS or name.startswith("torch.") and name.count(".") == 1 for name in found)
