"""Routes for scripts that prepare a server, which the hub does not use: a label, and a webhook, which delivers each
opened issue.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import urllib.request
import uuid
from typing import Any

from tests.gitea import standin_shapes as shapes
from tests.gitea.standin_answers import Answers, Names, Refused

__all__ = ["Prepared"]


class Prepared(Answers):
    """A server that takes labels and webhooks."""

    def __init__(self) -> None:
        super().__init__()
        # Of each repository: what its webhooks are told, as `config` of Gitea's API.
        self.hooks: dict[str, list[dict[str, str]]] = {}

    def new_label(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        label = shapes.label(self.next_id(), body["name"]) | {"color": body["color"].removeprefix("#")}
        self.labels.setdefault(self.name_of(names), []).append(label)
        return 201, label

    def new_hook(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        if body["type"] != "gitea" or not {"url", "content_type", "secret"} <= body["config"].keys():
            raise Refused(422, "Invalid hook type or config")
        self.hooks.setdefault(self.name_of(names), []).append(body["config"])
        shown = {name: value for name, value in body["config"].items() if name != "secret"}
        return 201, {"id": self.next_id(), "type": "gitea", "active": True, "events": body["events"], "config": shown}

    def new_issue(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        status, issue = super().new_issue(names, query, body)
        full = self.name_of(names)
        told = {"action": "opened", "number": issue["number"], "issue": issue, "sender": issue["user"]}
        for hook in self.hooks.get(full, []):
            told["repository"] = self._repository(full)
            threading.Thread(target=_deliver, args=(hook, json.dumps(told).encode()), daemon=True).start()
        return status, issue


def _deliver(hook: dict[str, str], body: bytes) -> None:
    """Once, as Gitea does."""
    headers = {
        "Content-Type": "application/json",
        "X-Gitea-Event": "issues",
        "X-Gitea-Delivery": str(uuid.uuid4()),
        "X-Gitea-Signature": hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest(),
    }
    # A hub that is away is not notified again.
    with contextlib.suppress(OSError):
        urllib.request.urlopen(urllib.request.Request(hook["url"], body, headers), timeout=5).close()
