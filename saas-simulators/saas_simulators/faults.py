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
    "row_lock": "refuses rows as locked, each with `probability`, where a request has more than `rows_over`",
    "job_failure": "ends a bulk job as Failed, by `policy` TooManyLockFailure or Timeout, `after` chunks of 200 rows",
}
ROW_KINDS = frozenset({"row_lock"})  # asked for each row by the vendor, not once for the request
JOB_KINDS = frozenset({"job_failure"})  # asked for each chunk of a job by the vendor
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
    rows_over: int = 0
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
        if not self._fits(method, path):
            return False
        return self._draw_one()

    def draw_rows(self, method: str, path: str, rows: int) -> list[int]:
        """Decide which of the rows of a request are hit, one draw for each."""
        return [row for row in range(rows) if self._draw_one()] if self._fits(method, path) else []

    def _fits(self, method: str, path: str) -> bool:
        return not (self.method and self.method != method) and self._pattern.fullmatch(path) is not None

    def _draw_one(self) -> bool:
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
            ordinary = [rule for rule in self.rules if rule.kind not in ROW_KINDS | JOB_KINDS]
            return [rule for rule in ordinary if rule.draw(method, path)]

    def draw_job(self, path: str) -> FaultRule | None:
        """Return the first rule that ends the job at this path now; its `method`, if any, is PATCH, which closed it."""
        if not self.rules:
            return None
        with self._lock:
            hits = [rule for rule in self.rules if rule.kind in JOB_KINDS and rule.draw("PATCH", path)]
        return hits[0] if hits else None

    def draw_rows(self, method: str, path: str, rows: int, request_rows: int) -> frozenset[int]:
        """Return which of `rows` rows, part of a request of `request_rows`, are hit by rules for rows."""
        if not self.rules:
            return frozenset()
        with self._lock:
            fitting = [rule for rule in self.rules if rule.kind in ROW_KINDS and request_rows > rule.rows_over]
            return frozenset(row for rule in fitting for row in rule.draw_rows(method, path, rows))


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
    numbers["rows_over"] = rule.rows_over
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
