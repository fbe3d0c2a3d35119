"""The process around us: importing segdemo, and using it, changes nothing for others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer
from safetensors.torch import save

from segdemo.architectures.unet import UNet, UNetConfig

ROOT = Path(__file__).resolve().parent.parent.parent
REPO = "alice/cells"

# Prints, line by line, what differs in the process from before, each time after we did something.
SCRIPT = """
import os, sys

def others():
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import _http, _runtime, _xet
    client = get_session()
    return {
        **{f"constants.{name}": value for name, value in vars(constants).items()
           if isinstance(value, str | int | float | bool | None)},
        "client": client, "closed": client.is_closed, "timeout": client.timeout,
        "hooks": {name: tuple(hooks) for name, hooks in client.event_hooks.items()},
        "transport": client._transport, "cookies": dict(client.cookies),
        "factory": _http._GLOBAL_CLIENT_FACTORY,
        "async factory": _http._GLOBAL_ASYNC_CLIENT_FACTORY,
        "get_session": get_session,
        "xet": _runtime.is_xet_available(), "xet session": _xet._GLOBAL_XET_HOLDER._session,
        "environment": dict(os.environ),
    }

def told(when):
    now = others()
    for name in now.keys() | before.keys():
        if now.get(name) != before.get(name):
            print(when, name, before.get(name), now.get(name), sep=" | ")

before = others()
import segdemo
told("after the import")
segdemo.from_pretrained
told("after the name")
segdemo.from_pretrained(sys.argv[1])
told("after a call")
try:
    segdemo.from_pretrained("alice/none")
except segdemo.errors.HubError:
    told("after a failure")
print("done")
"""


@pytest.fixture
def hub_with_a_network(hub_server: HubServer) -> HubServer:
    network = UNet(UNetConfig.standard(width=4, depth=1))
    hub_server.add(REPO, {"model.safetensors": save(dict(network.state_dict()))})
    return hub_server


def printed(script: str, server: HubServer, folder: Path) -> list[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "SEGDEMO"))
    }
    environment |= {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", script, REPO]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


def test_the_hub_client_of_others_is_as_before_an_import_and_a_call(hub_with_a_network, tmp_path):
    hub_with_a_network.offer_xet()
    assert printed(SCRIPT, hub_with_a_network, tmp_path) == ["done"]
