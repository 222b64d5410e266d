# SPDX-License-Identifier: Apache-2.0
"""Small models of PyTorch: python make_pytorch.py FOLDER"""
import os
import sys

import torch
from torch import nn

os.chdir(sys.argv[1])
with open("own_module.py", "w", encoding="utf-8") as f:  # a class that only a folder on Python's path knows
    f.write("""import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 10)

    def forward(self, image):
        x = torch.relu(self.norm(self.first(image)))
        return torch.softmax(self.last(x.mean((2, 3))), -1)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.last = nn.Embedding(50, 12), nn.Linear(12, 4)

    def forward(self, ids, scale):
        x = self.table(ids)
        return {"scores": self.last(x) * scale.unsqueeze(-1), "total": x.sum(1)}
""")
sys.path.insert(0, os.getcwd())
import own_module

torch.manual_seed(1)
net, words, image = own_module.Net().eval(), own_module.Words().eval(), torch.rand(2, 3, 16, 16)
torch.export.save(torch.export.export(net, (image,), dynamic_shapes={"image": {0: torch.export.Dim("batch")}}), "dynamic.pt2")
torch.export.save(torch.export.export(net, (image[:1],)), "fixed.pt2")
torch.jit.trace(net, image).save("traced.pt")
torch.jit.script(net).save("scripted.pt")
torch.save(net, "pickled.pt")
torch.save(words, "words.pt")
sequential = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)).eval()
torch.save(sequential, "sequential.pth", _use_new_zipfile_serialization=False)
torch.save(sequential.state_dict(), "state.pt")
torch.save({"epoch": 3, "model": sequential.state_dict()}, "checkpoint.pth", _use_new_zipfile_serialization=False)
