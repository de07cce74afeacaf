"""The ladder as people write it: a YAML file, checked line by line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Never

from config.yaml_lines import BadYaml, Entries, Items, Node, Text, parse_yaml
from engine.errors import BadLadder
from engine.ladder import Addressee, Consent, Ladder, Rung, Via

DEFAULT_FILE: Final = Path(__file__).with_name("ladder.yaml")
"""The default ladder, commented: what `init` hands out to be changed."""

LARGEST: Final = 256 * 1024
"""Bytes; the default takes about two thousand."""

KINDS: Final = (
    "courtesy",
    "due_today",
    "reminder",
    "second_reminder",
    "stall_review",
    "agenda",
    "superior",
    "manager",
)
"""The kinds of words that a rung can use; each has a folder of templates."""

_MOST_DAYS = 1300  # five years of working days
_DELAYS = ("fair_warning", "acknowledge_within", "acknowledgement_lasts", "pause")
_LADDER_KEYS = ("name", "rungs", *_DELAYS)
_RUNG_KEYS = ("name", "days", "to", "kind", "via", "call_task", "release", "consent", "monthly")
# Names become part of the keys by which a notice is known; these signs are safe there.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,5})")
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
# Both are papers of one reader: a rung to anybody else would be said to nobody.
_PAPERS = {Via.AGENDA: Addressee.COMMITTEE, Via.DIGEST: Addressee.MANAGER}


def load_ladder(path_or_text: Path | str, source: str = "") -> Ladder:
    """
    The ladder in a file (a Path, UTF-8) or in a text (a str).

    `source` names it in errors; a file's own name where it is empty. Raises BadLadder with the
    line, the reason and what to do for everything that could not be followed as it stands.
    """
    if isinstance(path_or_text, Path):
        source = source or path_or_text.name
        text = _read(path_or_text, source)
    else:
        source, text = source or "ladder", path_or_text
        if len(text.encode(errors="replace")) > LARGEST:
            raise _too_large(source)
    try:
        return _Reader(source).ladder(parse_yaml(text, source))
    except BadYaml as error:
        remedy = "" if ";" in error.reason else "; write `key: value`, indented by spaces"
        raise BadLadder(error.source, error.line, f"{error.reason}{remedy}") from None


def _read(path: Path, source: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror}); check its name and who may read it"
        raise BadLadder(source, 1, reason) from None
    if len(raw) > LARGEST:
        raise _too_large(source)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadLadder(source, line, "a byte is not UTF-8; save the file as UTF-8") from None


def _too_large(source: str) -> BadLadder:
    return BadLadder(source, 1, f"a ladder takes at most {LARGEST // 1024} kB; is this the file?")


class _Reader:
    """Turns the tree of one source into a ladder, or says on which line it cannot."""

    def __init__(self, source: str) -> None:
        self._source = source

    def ladder(self, node: Node) -> Ladder:
        if not isinstance(node, Entries):
            self._refuse(node.line, "a ladder is a mapping with the keys name and rungs")
        given = self._mapping(node, "a ladder", _LADDER_KEYS, required=("name", "rungs"))
        listed = given["rungs"]
        if not isinstance(listed, Items) or not listed.items:
            self._refuse(listed.line, "rungs is a list of at least one rung, each behind a dash")
        rungs = tuple(self._rung(item) for item in listed.items)
        self._check_order(rungs, listed.items)
        delays = {
            key: self._number(key, given[key], least=0, most=_MOST_DAYS)
            for key in _DELAYS
            if key in given
        }
        return Ladder(name=self._name(given["name"]), rungs=rungs, **delays)

    def _rung(self, node: Node) -> Rung:
        if not isinstance(node, Entries):
            self._refuse(node.line, "a rung is a mapping with the keys name, days, to and kind")
        given = self._mapping(node, "a rung", _RUNG_KEYS, required=("name", "days", "to", "kind"))
        flags = {
            key: self._boolean(key, given[key])
            for key in ("call_task", "release", "monthly")
            if key in given
        }
        consent = self._consent(given, release=flags.get("release"))
        via = self._choice("via", given["via"], tuple(Via)) if "via" in given else Via.MESSAGE
        rung = Rung(
            name=self._name(given["name"]),
            days=self._number("days", given["days"], least=-_MOST_DAYS, most=_MOST_DAYS),
            to=self._addressees(given["to"]),
            kind=self._choice("kind", given["kind"], KINDS),
            via=Via(via),
            consent=consent,
            **flags,
        )
        self._check_words(rung, given)
        return rung

    def _consent(self, given: Mapping[str, Node], *, release: bool | None) -> Consent | None:
        if "consent" not in given:
            return None
        node = given["consent"]
        consent = Consent(self._choice("consent", node, tuple(Consent)))
        if release is False:
            reason = "consent is asked for, and release: false says that none is; leave one out"
            self._refuse(node.line, reason)
        return consent

    def _check_words(self, rung: Rung, given: Mapping[str, Node]) -> None:
        """Words must be true on the day they are said, and on a paper that their reader gets."""
        line = given["kind"].line
        if rung.kind == "due_today" and rung.days != 0:
            self._refuse(line, f"rung {rung.name}: due_today is said on day 0, not {rung.days}")
        if rung.kind == "courtesy" and rung.days > 0:
            self._refuse(line, f"rung {rung.name}: courtesy is said up to day 0, not {rung.days}")
        if rung.courtesy and rung.kind not in {"courtesy", "due_today"}:
            reason = f"{rung.kind} is said when a thing is late; give days above 0, or courtesy"
            self._refuse(line, f"rung {rung.name}: {reason}")
        reader = _PAPERS.get(rung.via)
        if reader and set(rung.to) != {reader}:
            reason = (
                f"via {rung.via} reaches the {reader} alone; write to: {reader}, or via: message"
            )
            self._refuse(given["via"].line, f"rung {rung.name}: {reason}")

    def _check_order(self, rungs: tuple[Rung, ...], nodes: tuple[Node, ...]) -> None:
        lines = {rung.name: node.line for rung, node in zip(rungs, nodes, strict=True)}
        names: set[str] = set()
        for position, (rung, node) in enumerate(zip(rungs, nodes, strict=True)):
            if rung.name in names:
                self._refuse(node.line, f"rung {rung.name} stands twice; give each its own name")
            names.add(rung.name)
            before = rungs[position - 1] if position else None
            if before and rung.days <= before.days:
                reason = f"day {rung.days} does not come after day {before.days} of {before.name}"
                self._refuse(node.line, f"rung {rung.name}: {reason}; put the rungs in order")
        going_up = next((rung for rung in rungs if rung.escalates), None)
        if going_up and not any(rung.reminds for rung in rungs):
            reason = "could never leave: no rung reminds the focal point before; add a reminder"
            self._refuse(lines[going_up.name], f"rung {going_up.name} {reason}")

    def _mapping(
        self, node: Entries, what: str, known: tuple[str, ...], *, required: tuple[str, ...]
    ) -> dict[str, Node]:
        for line, key, _ in node.entries:
            if key not in known:
                self._refuse(line, f"{what} has no key {_short(key)}; known: {', '.join(known)}")
        given = {key: value for _, key, value in node.entries}
        if missing := [key for key in required if key not in given]:
            self._refuse(node.line, f"{what} needs the key {missing[0]}; add it")
        return given

    def _addressees(self, node: Node) -> tuple[Addressee, ...]:
        nodes = node.items if isinstance(node, Items) else (node,)
        if not nodes:
            self._refuse(node.line, "to is empty; name at least one addressee")
        found = tuple(Addressee(self._choice("addressee", one, tuple(Addressee))) for one in nodes)
        if len(set(found)) < len(found):
            self._refuse(node.line, "an addressee stands twice in to; name each once")
        return found

    def _choice(self, key: str, node: Node, known: tuple[str, ...]) -> str:
        text = self._text(key, node)
        if text not in known:
            self._refuse(node.line, f"{key} {_short(text)} is not known; use {', '.join(known)}")
        return text

    def _name(self, node: Node) -> str:
        text = self._text("name", node)
        if not _NAME.fullmatch(text):
            reason = "takes letters, digits, - and _, a letter first, 40 at most"
            self._refuse(node.line, f"name {_short(text)} cannot be used; it {reason}")
        return text

    def _number(self, key: str, node: Node, *, least: int, most: int) -> int:
        text = self._text(key, node)
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            what = f"a whole number of working days from {least} to {most}"
            self._refuse(node.line, f"{key} {_short(text)} cannot be used; give {what}")
        return int(text)

    def _boolean(self, key: str, node: Node) -> bool:
        text = self._text(key, node)
        if text.lower() not in _BOOLEANS:
            self._refuse(node.line, f"{key} {_short(text)} cannot be used; give true or false")
        return _BOOLEANS[text.lower()]

    def _text(self, key: str, node: Node) -> str:
        if not isinstance(node, Text):
            self._refuse(node.line, f"{key} takes one value, not a list or a mapping")
        if not node.text:
            self._refuse(node.line, f"{key} is empty; give it a value or leave the key out")
        return node.text

    def _refuse(self, line: int, reason: str) -> Never:
        raise BadLadder(self._source, line, reason)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004 - one line's worth
