"""The surface that code for scitex-orochi 0.1.0 relies on, compared with that package: arguments, and variables."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys

import pytest

from orochi import Message, OrochiClient
from tests.interop.old import python
from tests.python.hub import clean_environment

# Run by 0.1.0's Python: the parameters of each public call, in order, with their defaults as JSON where they have one.
SIGNATURES = """
import inspect, json
from orochi import {name}
calls = {{
    name: [(p.name, repr(p.default)) for p in inspect.signature(call).parameters.values()]
    for name, call in vars({name}).items()
    if callable(call) and (name == "__init__" or not name.startswith("_"))
}}
print(json.dumps(calls))
"""


@pytest.mark.parametrize("kind", [OrochiClient, Message], ids=lambda kind: kind.__name__)
async def test_code_for_the_old_package_runs_unchanged(kind):
    process = await asyncio.create_subprocess_exec(
        str(python()),
        "-c",
        SIGNATURES.format(name=kind.__name__),
        env=clean_environment(),
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    old = json.loads(printed)
    assert "__init__" in old
    for name, parameters in old.items():
        new = list(inspect.signature(getattr(kind, name)).parameters.values())
        if name == "from_json":
            parameters = parameters[-1:]
        assert [parameter.name for parameter in new[: len(parameters)]] == [named for named, _ in parameters], name
        for parameter in new[len(parameters) :]:
            assert parameter.kind is parameter.KEYWORD_ONLY or parameter.default is not parameter.empty, name
        for parameter, (_, default) in zip(new, parameters, strict=False):
            if "class" not in default and "factory" not in default:
                assert repr(parameter.default) == default, f"{name}({parameter.name})"


@pytest.mark.parametrize(
    ("variables", "port", "token"),
    [
        ({}, 9559, ""),
        ({"OROCHI_PORT": "1", "OROCHI_TOKEN": "a"}, 1, "a"),
        ({"OROCHI_PORT": "1", "SCITEX_OROCHI_PORT": "2", "OROCHI_TOKEN": "a", "SCITEX_OROCHI_TOKEN": "b"}, 2, "b"),
        ({"OROCHI_PORT": "1", "SCITEX_OROCHI_PORT": "", "OROCHI_TOKEN": ""}, 1, ""),
    ],
)
def test_variables_have_their_order(variables, port, token):
    script = "from orochi import config; print(config.PORT, config.OROCHI_TOKEN, config.HOST, config.DB_PATH)"
    ran = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(variables), capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"{port} {token} 127.0.0.1 /data/orochi.db\n"
