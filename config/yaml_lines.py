"""YAML read as text with line numbers, so that an error can say where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from engine.errors import EngineError

DEEPEST = 12
"""No file of ours nests deeper; libyaml's own composer overflows the stack on hostile depth."""

LARGEST = 64 * 1024 * 1024
"""Bytes; a plan of 100,000 actions takes about 40 MB."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class BadYaml(EngineError):
    """A YAML file that cannot be used, with the line where that is."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        self.source, self.line, self.reason = source, line, reason
        super().__init__(f"{source}, line {line}: {reason}.")


@dataclass(frozen=True, slots=True)
class Text:
    """A value as it was typed: `NO` is Norway and `007` keeps its noughts. Null is empty."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping; every entry is the line of its key, the key, and the value."""

    entries: tuple[tuple[int, str, "Node"], ...]
    line: int


Node = Text | Items | Entries


def read_yaml(path: Path) -> Node:
    """The tree of the one document in `path` (UTF-8). OSError if unreadable, else BadYaml."""
    if path.stat().st_size > LARGEST:
        raise BadYaml(path.name, 1, f"the file is larger than {LARGEST // 2**20} MB")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = f"byte {error.start + 1} is not UTF-8; save the file as UTF-8"
        raise BadYaml(path.name, line, reason) from None
    return parse_yaml(text, path.name)


def parse_yaml(text: str, source: str) -> Node:
    """The tree of the one document in `text`; `source` names it in errors. BadYaml if broken."""
    try:
        return _Builder(source).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (error.problem or "this is not YAML").rstrip(".")
        raise BadYaml(source, mark.line + 1 if mark else 1, reason) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadYaml(source, line, str(error.reason)) from None
    except UnicodeEncodeError as error:  # a lone surrogate never gets as far as libyaml
        line = text.count("\n", 0, error.start) + 1
        raise BadYaml(source, line, "a character that is half of a pair") from None


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read; `key` waits for its value."""

    line: int
    is_mapping: bool
    key: tuple[int, str] | None = None


class _Builder:
    def __init__(self, source: str) -> None:
        self._source = source
        self._stack: list[tuple[_Open, list[Node], list[tuple[int, str, Node]], set[str]]] = []
        self._root: Node | None = None

    def build(self, events: Iterator[yaml.Event]) -> Node:
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 1
            match event:
                case yaml.DocumentStartEvent() if self._root is not None:
                    raise BadYaml(self._source, line, "a second document begins; write only one")
                case yaml.AliasEvent():
                    raise BadYaml(self._source, line, "aliases (*name) are not read; write it out")
                case yaml.ScalarEvent():
                    self._add(_text(event, line), line)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._enter(line, is_mapping=isinstance(event, yaml.MappingStartEvent))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._leave()
        return self._root or Text("", 1)

    def _enter(self, line: int, *, is_mapping: bool) -> None:
        if len(self._stack) == DEEPEST:
            raise BadYaml(self._source, line, f"nested more than {DEEPEST} levels deep")
        if self._stack and self._stack[-1][0].is_mapping and self._stack[-1][0].key is None:
            raise BadYaml(self._source, line, "a key must be one word, not a list or a mapping")
        self._stack.append((_Open(line, is_mapping), [], [], set()))

    def _leave(self) -> None:
        closed, items, entries, _ = self._stack.pop()
        node: Node = (
            Entries(tuple(entries), closed.line)
            if closed.is_mapping
            else Items(tuple(items), closed.line)
        )
        self._add(node, closed.line)

    def _add(self, node: Node, line: int) -> None:
        if not self._stack:
            self._root = node
            return
        here, items, entries, keys = self._stack[-1]
        if not here.is_mapping:
            items.append(node)
        elif here.key is not None:
            entries.append((*here.key, node))
            here.key = None
        elif isinstance(node, Text):
            if node.text in keys:
                raise BadYaml(self._source, line, f"{node.text!r} stands twice in one mapping")
            keys.add(node.text)
            here.key = (line, node.text)


def _text(event: yaml.ScalarEvent, line: int) -> Text:
    is_plain = bool(event.implicit[0])
    return Text("" if is_plain and event.value in _NULLS else event.value, line)
