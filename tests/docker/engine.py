"""Docker as a person uses it: the two commands, and queries to them."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.python.hub import clean_environment

__all__ = ["IMAGE", "ROOT", "TOKEN", "Stack", "compose_command", "run", "why_no_engine"]

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "scitex-orochi"
TOKEN = "a-token-for-tests"


def run(*command: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs one command. The test judges its exit code and output."""
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout, check=False)


def compose_command() -> list[str] | None:
    """Compose as Docker's plugin, or the older program of its own."""
    if shutil.which("docker") and run("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def why_no_engine() -> str | None:
    """Returns the missing requirement of these tests; None if nothing is missing."""
    if shutil.which("docker") is None:
        return "docker is not installed: https://docs.docker.com/engine/install"
    if run("docker", "info").returncode != 0:
        return "no Docker engine answers: start it, or allow this user to use it"
    return None if compose_command() else "docker compose is missing: install Docker's compose plugin"


class Stack:
    """The services of `docker compose up -d`, as a project of its own with ports that the system chose."""

    def __init__(self, **env: str) -> None:
        given = {"OROCHI_TOKEN": TOKEN, "OROCHI_PORT": "0", "OROCHI_DASHBOARD_PORT": "0", **env}
        self.env = clean_environment(given)
        self.project = f"orochi-test-{uuid.uuid4().hex[:12]}"

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One compose command."""
        command = compose_command()
        assert command is not None
        return run(*command, "--project-name", self.project, *arguments, env=self.env)

    def up(self) -> None:
        """Starts it and waits until Docker calls it healthy."""
        started = self.compose("up", "-d", "--no-build")
        assert started.returncode == 0, started.stderr
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Waits until Docker reports it as healthy; Docker checks once a second."""
        name = self.container
        # Events are asked for from this start on: what came since is not missed, and the death of a former
        # run of the same container is not taken for this one's.
        started = self.inspect("{{.State.StartedAt}}")
        if self.inspect("{{.State.Health.Status}}") == "healthy":
            return
        events = subprocess.Popen(
            ["docker", "events", "--since", started, "--filter", f"container={name}", "--format", "{{.Action}}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in events.stdout or ():
                if line.strip() == "health_status: healthy" and self.inspect("{{.State.Health.Status}}") == "healthy":
                    return
                assert not line.startswith("die"), run("docker", "logs", name).stderr
        finally:
            events.kill()
            events.communicate()

    @property
    def container(self) -> str:
        """The container's id."""
        return self.compose("ps", "-q", "orochi").stdout.strip()

    def inspect(self, template: str) -> str:
        """One value of `docker inspect`."""
        return run("docker", "inspect", "--format", template, self.container).stdout.strip()

    def port(self, inside: int) -> int:
        """The host's port for one of the container's."""
        return int(self.compose("port", "orochi", str(inside)).stdout.strip().rsplit(":", 1)[1])

    def http(self, path: str) -> Any:
        """A GET with the token."""
        url = f"http://127.0.0.1:{self.port(8559)}{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def down(self) -> None:
        """Removes it all, its volume too."""
        self.compose("down", "--volumes")
