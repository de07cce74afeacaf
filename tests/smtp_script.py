"""The script of the mail server for tests: which rule applies at which step."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STEPS = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "after")
AT = frozenset({*STEPS, "rset", "quit", "command"})


@dataclass(slots=True, kw_only=True)
class Rule:
    """One line of the script; `smtp_server` says what each word means."""

    at: str
    every: int = 0
    match: str = ""
    message: int = 0
    every_message: int = 0
    nth: int = 0
    beyond: int = 0
    hurried: bool = False
    first_time: bool = False
    times: int = 0
    delay: float = 0.0
    reply: str = ""
    drop: bool = False
    accept: bool = False

    def __post_init__(self) -> None:
        if self.at not in AT:
            raise ValueError(f"at {self.at!r}: choose one of {', '.join(sorted(AT))}")


class Script:
    """The rules, and the counts they go by; shared by all connections of the process."""

    def __init__(self, rules: Iterable[Mapping[str, Any]]) -> None:
        self.rules: dict[str, list[Rule]] = {}
        for given in rules:
            rule = Rule(**given)
            self.rules.setdefault(rule.at, []).append(rule)
        self.reached: Counter[str] = Counter()
        self.used: Counter[int] = Counter()
        self.met: set[tuple[int, str]] = set()
        self.recipients: dict[str, int] = {}
        self.messages = 0

    def find(
        self, step: str, recipient: str, carried: int, *, hurried: bool = False
    ) -> Rule | None:
        self.reached[step] += 1
        for rule in self.rules.get(step, ()):
            if rule.hurried and not hurried:
                continue
            if self._applies(rule, step, recipient, carried):
                self.used[id(rule)] += 1
                self.met.add((id(rule), recipient))
                return rule
        return None

    def _applies(self, rule: Rule, step: str, recipient: str, carried: int) -> bool:
        ordinal = self.recipients.get(recipient, 0)
        return not (
            (rule.every and (ordinal == 0 or ordinal % rule.every))
            or (rule.match and not re.search(rule.match, recipient))
            or (rule.message and self.messages != rule.message)
            or (rule.every_message and self.messages % rule.every_message)
            or (rule.nth and self.reached[step] != rule.nth)
            or carried < rule.beyond
            or (rule.first_time and (id(rule), recipient) in self.met)
            or (rule.times and self.used[id(rule)] >= rule.times)
        )
