"""The container as the README starts it: it serves, keeps its log, stops in order, and runs without privileges."""

from __future__ import annotations

from pathlib import Path

from orochi import OrochiClient
from tests.docker.engine import TOKEN, Stack, run

# Figures that the project promises.
IMAGE_BYTES_MAX = 20_000_000
RESIDENT_KB_MAX = 12 * 1024


def client(stack: Stack, name: str) -> OrochiClient:
    return OrochiClient(name, "127.0.0.1", stack.port(9559), token=TOKEN)


async def test_what_was_said_outlives_a_killed_and_a_removed_container(stack: Stack) -> None:
    stack.up()
    async with client(stack, "alice") as alice, client(stack, "bob") as bob:
        await alice.send("#general", "hello @bob")
        message = await anext(bob.listen())
        assert (message.sender, message.content) == ("alice", "hello @bob")
    assert [row["content"] for row in stack.http("/api/history/general")] == ["hello @bob"]
    run("docker", "kill", stack.container)
    stack.up()
    async with client(stack, "alice") as alice:
        assert [row["content"] for row in await alice.query_history("#general")] == ["hello @bob"]
    # As an upgrade does it: a new container on the same volume.
    stack.compose("rm", "--stop", "--force", "orochi")
    stack.up()
    assert [row["content"] for row in stack.http("/api/history/general")] == ["hello @bob"]


def test_it_is_small_and_runs_as_nobody_on_a_read_only_system(stack: Stack) -> None:
    assert int(run("docker", "image", "inspect", "--format", "{{.Size}}", "scitex-orochi").stdout) < IMAGE_BYTES_MAX
    stack.up()
    status = Path(f"/proc/{stack.inspect('{{.State.Pid}}')}/status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(facts["Uid"].split()) == {"10001"}
    assert int(facts["CapEff"], 16) == 0
    assert int(facts["VmRSS"].split()[0]) < RESIDENT_KB_MAX
    assert stack.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"


def test_only_this_machine_reaches_it(stack: Stack) -> None:
    stack.up()
    published = stack.inspect("{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}")
    assert published.split() == ["127.0.0.1", "127.0.0.1"]


def test_it_stops_in_order_when_it_is_told(stack: Stack) -> None:
    stack.up()
    container = stack.container
    # The time that docker-compose.yml gives it is 5 s; 137 would be the kill after that.
    assert stack.compose("stop").returncode == 0
    assert run("docker", "inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip() == "0"


def test_without_a_token_it_says_how_to_give_one(image: str) -> None:
    alone = run("docker", "run", "--rm", image)
    assert alone.returncode == 2
    assert "set OROCHI_TOKEN to a secret" in alone.stderr


def test_compose_looks_after_a_running_hub_without_the_token(stack: Stack) -> None:
    stack.up()
    shell = Stack(OROCHI_TOKEN="")
    shell.project = stack.project
    assert stack.container in shell.compose("ps", "--quiet").stdout
    logs = shell.compose("logs")
    assert (logs.returncode, "9559" in logs.stdout) == (0, True)
    assert shell.compose("down").returncode == 0
    assert stack.compose("ps", "--quiet").stdout == ""


def test_a_volume_that_can_not_take_the_log_is_named(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for mount, cause in [
        (["--volume", f"{tmp_path}:/data"], "cannot open the log /data/orochi.db: Permission denied"),
        (["--tmpfs", "/data:ro"], "cannot open the log /data/orochi.db: Read-only file system"),
        (["--tmpfs", "/data:size=40k,uid=10001"], "the disk is full; free some space and try again"),
    ]:
        ended = run("docker", "run", "--rm", "--env", f"OROCHI_TOKEN={TOKEN}", *mount, image)
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1
        assert cause in ended.stderr


def test_a_port_that_is_taken_is_named(stack: Stack) -> None:
    stack.up()
    taken = stack.port(9559)
    second = Stack(OROCHI_PORT=str(taken))
    try:
        refused = second.compose("up", "-d", "--no-build")
        assert refused.returncode != 0
        assert f"127.0.0.1:{taken}" in refused.stderr
    finally:
        second.down()
