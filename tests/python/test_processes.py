"""Clients and other processes: forks, process pools, and copies of what a client hands out."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest

import orochi
from orochi import (
    AuthenticationFailed,
    ConnectionLost,
    GiteaError,
    HubUnreachable,
    NotConnected,
    OrochiClient,
    RegistrationRefused,
    RequestRefused,
    RequestTimeout,
    UnsupportedByHub,
)
from tests.python.hub import DEADLINE

EXAMPLES = [
    AuthenticationFailed("the hub refused the token"),
    ConnectionLost("the connection was lost"),
    GiteaError("GITEA_API_ERROR", "repository does not exist", None, 404),
    HubUnreachable("cannot reach the hub"),
    NotConnected("not connected"),
    RegistrationRefused("NAME_IN_USE", "alice is online", 1.0),
    RequestRefused("INVALID_CHANNEL", "no channel", 2.5, 418),
    RequestTimeout("no answer"),
    UnsupportedByHub("an old hub"),
]


def in_child(work) -> int:
    """Runs it in a forked child; the child's exit code, or a failed test where the child hangs."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            signal.alarm(int(DEADLINE / 2))
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def connected(hub, name):
    """A loop of its own with a connected client."""
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    client = hub.client(name)
    loop.run_until_complete(client.connect())
    try:
        yield loop, client
    finally:
        loop.run_until_complete(client.disconnect())
        loop.close()


async def say(port: int, name: str) -> int | None:
    async with OrochiClient(name, "127.0.0.1", port, timeout=DEADLINE / 3) as client:
        return (await client.send("#general", f"from {name}", timeout=DEADLINE / 3)).seq


def say_in_pool(port: int, name: str) -> int | None:
    return asyncio.run(say(port, name))


def refuse_in_pool(port: int) -> None:
    async def refused() -> None:
        async with OrochiClient("pooled", "127.0.0.1", port) as client:
            await client.send("#not a channel", "x")

    asyncio.run(refused())


def test_fork_child_has_clients_of_its_own(hub):
    with connected(hub, "parent") as (loop, client):
        assert in_child(lambda: asyncio.run(say(hub.port, "child")) or 1) == 1
        # The parent goes on as if nothing had happened.
        assert loop.run_until_complete(client.send("#general", "still here")).seq == 2


def test_fork_child_is_refused_its_parents_client_at_once(hub):
    with connected(hub, "parent") as (loop, client):

        async def use() -> int:
            calls = [client.send("#general", "x"), client.who(), anext(client.listen()), client.connect()]
            for call in calls:
                with pytest.raises(NotConnected, match=f"process {os.getppid()}"):
                    await call
            assert client.state == "closed"
            await client.disconnect()
            return 0

        assert in_child(lambda: asyncio.run(use())) == 0
        assert list(loop.run_until_complete(client.who())) == ["parent"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork_pool_of_a_program_with_a_client_works(hub):
    fork = multiprocessing.get_context("fork")
    with connected(hub, "parent"), fork.Pool(2) as pool:
        seqs = pool.starmap_async(say_in_pool, [(hub.port, f"pool-{number}") for number in range(6)])
        assert set(seqs.get(DEADLINE)) == {1, 2, 3, 4, 5, 6}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_exception_of_a_pool_reaches_its_caller_whole(hub):
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=fork) as pool, pytest.raises(RequestRefused) as refused:
        pool.submit(refuse_in_pool, hub.port).result(DEADLINE)
    assert refused.value.code == "INVALID_CHANNEL"
    with fork.Pool(1) as pool, pytest.raises(RequestRefused, match="INVALID_CHANNEL"):
        pool.apply_async(refuse_in_pool, (hub.port,)).get(DEADLINE)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_exception_copies_keep_type_text_and_attributes(error):
    error.add_note("a note")
    for remade in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(remade), str(remade), vars(remade)) == (type(error), str(error), vars(error))
        assert remade.__notes__ == ["a note"]


def test_exception_examples_are_all_there_are():
    named = {name for name in orochi.__all__ if isinstance(getattr(orochi, name), type)}
    kinds = {name for name in named if issubclass(getattr(orochi, name), orochi.OrochiError)}
    assert kinds - {"OrochiError"} == {type(error).__name__ for error in EXAMPLES}


async def test_message_and_receipt_go_to_other_processes_and_a_client_does_not(hub):
    async with hub.client("alice", token="secret") as alice, hub.client("bob") as bob:
        receipt = await alice.send("#general", "hello", {"n": 1})
        message = await anext(bob.listen())
        assert pickle.loads(pickle.dumps(receipt)) == receipt
        for remade in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
            assert remade == message
            assert (remade.seq, remade.metadata) == (receipt.seq, {"n": 1})
            with pytest.raises(NotConnected):
                await remade.reply("no client")
        for copied in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="token"):
                copied(alice)
