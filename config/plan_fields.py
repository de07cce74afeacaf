"""A mapping of a YAML plan, read key by key, with the line of whatever is refused."""

from collections.abc import Callable
from typing import TypeVar

from config.plan_cells import did_you_mean, split_list
from config.plan_values import RowError
from config.yaml_lines import Entries, Items, Node, Text
from engine.errors import reason_of

_Value = TypeVar("_Value")


class Fields:
    """One mapping of the file, read key by key; every refusal has its line."""

    def __init__(self, node: Entries, known: frozenset[str], errors: list[RowError]) -> None:
        self.line = node.line
        self._errors = errors
        self._nodes = {key: (line, value) for line, key, value in node.entries}
        for line, key, _ in node.entries:
            if key not in known:
                reason = f"not known here; known are {', '.join(sorted(known))}"
                self._add(line, key, "", reason + did_you_mean(key, known))

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def node(self, key: str) -> Node | None:
        return self._nodes[key][1] if key in self._nodes else None

    def one(self, key: str, read: Callable[[str], _Value], empty: _Value) -> _Value:
        """The value of `key`, or `empty` when it is missing, empty or refused."""
        match self.node(key):
            case None | Text(text=""):
                return empty
            case Text(text=raw):
                try:
                    return read(raw)
                except ValueError as error:
                    self.refuse(key, reason_of(error), raw)
            case _:
                self.refuse(key, "one text is needed here")
        return empty

    def needed(self, key: str, read: Callable[[str], str]) -> str:
        """As `one`, for what must not be missing."""
        line, value = self._nodes.get(key, (self.line, None))
        if value is None or (isinstance(value, Text) and not value.text):
            self._add(line, key, "", "this is needed here")
        return self.one(key, read, "")

    def several(self, key: str, read: Callable[[str], _Value]) -> tuple[_Value, ...]:
        """The values of a list, or of a text with semicolons or commas in it."""
        match self.node(key):
            case Items(items=items) if all(isinstance(one, Text) for one in items):
                texts = [one.text for one in items if isinstance(one, Text)]
            case Text(text=raw):
                texts = list(split_list(raw.replace(",", ";")))
            case None:
                texts = []
            case _:
                self.refuse(key, "a list of texts is needed here")
                texts = []
        values = []
        for text in texts:
            try:
                values.append(read(text))
            except ValueError as error:
                self.refuse(key, reason_of(error), text)
        return tuple(values)

    def refuse(self, key: str, reason: str, value: str = "") -> None:
        self._add(self._nodes[key][0], key, value, reason)

    def _add(self, line: int, key: str, value: str, reason: str) -> None:
        self._errors.append(RowError(row=line, column=key, value=value, reason=reason))
