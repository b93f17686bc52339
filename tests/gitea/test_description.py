"""The stand-in and the hub against Gitea's own API description, a Swagger 2.0 file that is not part of the project."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.gitea.standin import Gitea
from tests.gitea.standin_routes import ROUTES
from tests.python.hub import Hub

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "gitea" / "openapi-subset.json"
# Gitea has these (they are in its full description), the cut that is used here does not.
NOT_IN_THE_CUT = {
    "GET /orgs/{org}/labels",
    "GET /repos/{owner}/{repo}/issues/{index}/comments",
    "POST /repos/{owner}/{repo}/issues/{index}/labels",
    "GET /repositories/{id}",
    "GET /user",
    "GET /users/{user}",
    "GET /users/{user}/repos",
    "GET /orgs/{org}",
    "GET /repos/{owner}/{repo}",
    "GET /repos/{owner}/{repo}/branches",
    "GET /repos/{owner}/{repo}/releases",
    "GET /repos/{owner}/{repo}/issues/comments",
    "GET /repos/{owner}/{repo}/commits/{sha}/pull",
    "GET /repos/{owner}/{repo}/pulls/{index}/reviews",
    "GET /repos/{owner}/{repo}/pulls/{index}/reviews/{review}/comments",
}
# Asked only where something is missing, or to tell what happened.
ASKED_ELSEWHERE = NOT_IN_THE_CUT - {
    "GET /orgs/{org}/labels",
    "GET /repos/{owner}/{repo}/issues/{index}/comments",
    "POST /repos/{owner}/{repo}/issues/{index}/labels",
}
JSON_TYPES = {"string": str, "boolean": bool, "array": list, "integer": int, "object": dict}


class Description:
    """The file's description of each route."""

    def __init__(self, text: str) -> None:
        self.file: dict[str, Any] = json.loads(text)

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """A route by its template."""
        operation: dict[str, Any] | None = self.file["paths"].get(path, {}).get(method.lower())
        return operation

    def find(self, method: str, path: str) -> tuple[str, dict[str, Any] | None]:
        """A route by a real path, with its template; one of fixed names before one with a name in it."""
        templates = sorted([*self.file["paths"], *(line.split()[1] for line in NOT_IN_THE_CUT)], key=lambda t: "{" in t)
        for template in templates:
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
                known = self.operation(method, template)
                if known is not None or f"{method} {template}" in NOT_IN_THE_CUT:
                    return template, known
        raise AssertionError(f"Gitea has no {method} {path}")

    def query(self, operation: dict[str, Any]) -> set[str]:
        """The names of its parameters in the address."""
        return {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}

    def body(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The schema of its body; empty where it takes none."""
        for one in operation.get("parameters", []):
            if one["in"] == "body":
                schema = one["schema"]
                named = schema.get("$ref", "").rsplit("/", 1)[-1]
                found: dict[str, Any] = self.file["definitions"][named] if named else schema
                return found
        return {}


@pytest.fixture(scope="module")
def description() -> Description:
    """The file, where there is one."""
    path = Path(os.environ.get("GITEA_OPENAPI", BESIDE))
    if not path.is_file():
        pytest.skip("Gitea's API description is not at hand: name its file in GITEA_OPENAPI to check against it")
    return Description(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_stand_in_takes_nothing_that_gitea_does_not(description: Description, route: Any) -> None:
    operation = description.operation(route.method, route.path)
    if f"{route.method} {route.path}" in NOT_IN_THE_CUT:
        assert operation is None
        return
    assert operation is not None
    assert route.query <= description.query(operation)
    schema = description.body(operation)
    # An empty comment is the stand-in's own answer.
    assert set(schema.get("required", [])) - {"body"} <= route.required
    for name, kind in route.body.items():
        assert JSON_TYPES[schema["properties"][name]["type"]] is kind


async def test_the_hub_asks_only_what_gitea_takes(description: Description, hub: Hub, gitea: Gitea) -> None:
    at = ("lab", "api")
    async with hub.client("alice") as alice:
        ask = alice.gitea
        number = (await ask.create_issue(*at, "t", body="b", labels=["bug"], assignees=["bob"]))["number"]
        await ask.edit_issue(*at, number, title="u", body="c")
        await ask.assign(*at, number, ["bot"])
        await ask.add_comment(*at, number, "x")
        await ask.close_issue(*at, number)
        await ask.reopen_issue(*at, number)
        await ask.list_issues(*at, state="all")
        await ask.get_issue(*at, number)
        await ask.list_comments(*at, number)
        await ask.add_labels(*at, number, ["team", "later"])
        await ask.list_labels(*at)
        await ask.list_pulls(*at)
        await ask.get_pull(*at, gitea.new_pull("lab/api", "Mend it")["number"])
        await ask.create_org("ops", description="d")
        await ask.create_repo("tools", org="ops", private=True)
        await ask.create_repo("own")
        await ask.list_repos("lab")
        await ask.list_repos()
        await ask.list_my_repos()
        await ask.get_version()
    asked = set()
    for method, path, query, body in gitea.taken:
        template, operation = description.find(method, path)
        asked.add(f"{method} {template}")
        if operation is None:
            continue
        assert query.keys() <= description.query(operation), path
        properties = description.body(operation).get("properties", {})
        for name, value in (body or {}).items():
            assert isinstance(value, JSON_TYPES[properties[name]["type"]]), (path, name)
    known = {f"{route.method} {route.path}" for route in ROUTES}
    assert asked == known - ASKED_ELSEWHERE, "every route of the stand-in is asked"
