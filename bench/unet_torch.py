# SPDX-License-Identifier: Apache-2.0
"""Model files in PyTorch; the network itself is scripts/torch_unet.py."""
import json
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "scripts"))
from torch_unet import UNet


def load(path):
    """The network of a model file, with its weights."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        spec = json.loads(file.metadata()["unet"])["spec"]
        net = UNet(spec, inplace=True)
        net.load_state_dict({name: file.get_tensor(name) for name in file.keys()}, strict=False)
    return net
