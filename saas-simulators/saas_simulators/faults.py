"""Faults on request: rules, per path, seeded, that decide what goes wrong with which request."""

from __future__ import annotations

import fnmatch
import random
import re
import threading
from dataclasses import dataclass, field, fields
from typing import Any

# Each kind, and what it does. `before` faults leave the store untouched; `after` faults let the write commit.
KINDS = {
    "latency": "waits `seconds` (plus up to `jitter_seconds`) and then goes on",
    "429": "refuses as over the limit; `policy` and `retry_after` as given",
    "500": "fails before anything is written",
    "502": "fails before anything is written",
    "503": "fails before anything is written",
    "504": "fails before anything is written",
    "502_after_commit": "writes, then answers 502",
    "html_error": "answers with an HTML page and `status` (503) before anything is written",
    "cut_before": "closes the connection before anything is written",
    "cut_after": "writes, then closes the connection without a reply",
    "truncated": "writes, then sends half of the reply and closes",
    "timeout": "writes, then holds the reply for `seconds`",
    "apply_later": "writes only after `seconds`, even if the client has gone; with `cut`, hangs up at once",
    "expired_token": "refuses the credential as expired (401)",
    "423": "refuses: the resource is locked",
    "477": "refuses: the account is being moved, with `retry_after`",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class FaultRuleError(ValueError):
    """A rule of `PUT /_simulator/faults` cannot be used as it is."""


@dataclass(slots=True)
class FaultRule:
    """One rule; `path` is a glob in which `*` also matches slashes, `path_regex` a full match."""

    kind: str
    path: str = "*"
    path_regex: str | None = None
    method: str | None = None
    probability: float = 1.0
    seed: int | None = None
    after: int = 0
    times: int | None = None
    seconds: float = 1.0
    jitter_seconds: float = 0.0
    retry_after: float | None = None
    policy: str = "TEN_SECONDLY_ROLLING"
    status: int = 503
    cut: bool = False
    matched: int = field(default=0, init=False)
    injected: int = field(default=0, init=False)
    _random: random.Random = field(default_factory=random.Random, init=False, repr=False)
    _pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""), init=False, repr=False)

    def prepare(self, position: int) -> None:
        """Check the values, compile the path and start the rule's own random sequence."""
        for problem in _problems(self):
            msg = f"Fault rule {position}: {problem}"
            raise FaultRuleError(msg)
        self._pattern = re.compile(self.path_regex or fnmatch.translate(self.path))
        self._random = random.Random(self.seed if self.seed is not None else position)  # noqa: S311 - not for secrets

    def draw(self, method: str, path: str) -> bool:
        """Decide whether this request is hit; one draw per matching request, whatever other rules do."""
        if (self.method and self.method != method) or not self._pattern.fullmatch(path):
            return False
        self.matched += 1
        is_hit = self._random.random() < self.probability
        if not is_hit or self.matched <= self.after or (self.times is not None and self.injected >= self.times):
            return False
        self.injected += 1
        return True

    def wait_s(self) -> float:
        """Return the seconds to wait for this request."""
        return self.seconds + (self._random.uniform(0, self.jitter_seconds) if self.jitter_seconds else 0.0)

    def as_json(self) -> dict[str, Any]:
        """Return the rule with its counters."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}


class FaultPlan:
    """The rules in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.rules: list[FaultRule] = []

    def replace(self, rules: object) -> None:
        """Put new rules in force, all or none.

        Raises:
            FaultRuleError: A rule is unknown, misspelt or out of range; names the rule and the remedy.
        """
        if not isinstance(rules, list):
            msg = "Faults: expected a JSON list of rules; send [] to remove all."
            raise FaultRuleError(msg)
        parsed = [_parse(rule, position) for position, rule in enumerate(rules)]
        with self._lock:
            self.rules = parsed

    def draw(self, method: str, path: str) -> list[FaultRule]:
        """Return the rules that hit this request, in their order."""
        if not self.rules:
            return []
        with self._lock:
            return [rule for rule in self.rules if rule.draw(method, path)]


def _parse(rule: object, position: int) -> FaultRule:
    known = {f.name for f in fields(FaultRule) if f.init}
    if not isinstance(rule, dict) or "kind" not in rule:
        msg = f"Fault rule {position}: expected an object with 'kind', one of {', '.join(KINDS)}."
        raise FaultRuleError(msg)
    if unknown := sorted(set(rule) - known):
        msg = f"Fault rule {position}: unknown field {unknown[0]!r}. Known: {', '.join(sorted(known))}."
        raise FaultRuleError(msg)
    parsed = FaultRule(**{**rule, "kind": str(rule["kind"])})
    parsed.prepare(position)
    return parsed


def _problems(rule: FaultRule) -> list[str]:
    """Return what is wrong with a rule's values."""
    found = []
    if rule.kind not in KINDS:
        found.append(f"unknown kind {rule.kind!r}. Known: {', '.join(KINDS)}.")
    if rule.method is not None and rule.method not in METHODS:
        found.append(f"'method' is {rule.method!r}; expected one of {', '.join(METHODS)}.")
    numbers = {"probability": rule.probability, "after": rule.after, "seconds": rule.seconds, "times": rule.times or 0}
    found += [
        f"{name!r} is {value!r}; expected a number that is not negative."
        for name, value in numbers.items()
        if not isinstance(value, (int, float)) or value < 0
    ]
    try:
        re.compile(rule.path_regex or "")
    except (re.error, TypeError) as error:
        found.append(f"'path_regex' is not a regular expression: {error}.")
    return found
