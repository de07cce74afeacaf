"""Which column of somebody's own spreadsheet is which column of a plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from config.plan_cells import did_you_mean, split_list
from config.plan_columns import COLUMNS, DAYS, LISTS, REQUIRED, Record
from config.plan_days import last_day_of_month
from config.yaml_lines import BadYaml, Entries, Node, Text, read_yaml

_SETTINGS = ("column", "constant", "default", "values", "split", "month", "format")
_MEMORY = 8_192
_SAMPLE_DAY = date(2026, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    Where one plan column comes from; `line` is that of the map.

    Either `column`, the user's own name for it, or `constant`. `default` stands in for an empty
    cell, `values` translates whole cells and leaves others as they are. `split` separates several.
    `to_day` turns a cell into an ISO day where it can, and leaves it to be refused where not.
    """

    line: int
    column: str = ""
    constant: str = ""
    default: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    to_day: Callable[[str], str] | None = None

    def text(self, cell: str) -> str:
        """What the plan column holds where the user's column holds `cell`."""
        text = cell.strip() or self.default
        text = self.values.get(text, text)
        return self.to_day(text) if self.to_day and text else text


@dataclass(frozen=True, slots=True)
class PlanMap:
    """A map file, read: plan column → where it comes from. `name` is the file's, for errors."""

    name: str
    sources: Mapping[str, Source]

    def check(self, header: Sequence[str]) -> None:
        """BadYaml at the line that names a column which the file does not have."""
        for source in self.sources.values():
            if source.column and source.column not in header:
                hint = did_you_mean(source.column, header)
                reason = f"the plan has no column {source.column!r}{hint}"
                raise BadYaml(self.name, source.line, reason)

    def record(self, row: int, cells: Mapping[str, str]) -> Record:
        """The record behind one row of the user's own columns."""
        texts, lists = dict[str, str](), dict[str, tuple[str, ...]]()
        for column, source in self.sources.items():
            text = source.constant or source.text(cells[source.column])
            if source.split:
                lists[column] = split_list(text, source.split)
            else:
                texts[column] = text
        return Record(row=row, cells=texts, lists=lists, names=self._names())

    def _names(self) -> Mapping[str, str]:
        return {column: source.column or column for column, source in self.sources.items()}


def read_map(path: Path) -> PlanMap:
    """
    Read a map file; its form is told in `docs/plan-files.md`.

    OSError when it cannot be opened; BadYaml, with the line, when it cannot be used.
    """
    tree = read_yaml(path)
    if not isinstance(tree, Entries):
        raise BadYaml(path.name, 1, "a map is a list of lines such as `action: My column`")
    sources = {}
    for line, column, node in tree.entries:
        if column not in COLUMNS:
            hint = did_you_mean(column, COLUMNS)
            raise BadYaml(path.name, line, f"a plan has no column {column!r}{hint}")
        sources[column] = _source(path.name, line, column, node)
    if missing := [column for column in REQUIRED if column not in sources]:
        raise BadYaml(path.name, 1, f"the map does not say where to find {', '.join(missing)}")
    return PlanMap(path.name, sources)


def _source(name: str, line: int, column: str, node: Node) -> Source:
    match node:
        case Text(text=own) if own:
            return Source(line=line, column=own)
        case Entries(entries=settings) if settings:
            given = {key: (at, value) for at, key, value in settings}
            return _settings(name, line, column, given)
    raise BadYaml(name, line, f"say what {column} comes from, such as {{column: My column}}")


def _settings(name: str, line: int, column: str, given: Mapping[str, tuple[int, Node]]) -> Source:
    for key, (at, _) in given.items():
        if key not in _SETTINGS:
            hint = did_you_mean(key, _SETTINGS)
            raise BadYaml(name, at, f"{key!r} is no setting of a column{hint}")
    texts = {
        key: _text(name, at, key, value) for key, (at, value) in given.items() if key != "values"
    }
    if ("column" in texts) == ("constant" in texts):
        raise BadYaml(name, line, f"{column} needs either `column` or `constant`")
    if "constant" in texts and len(given) > 1 and set(given) != {"constant", "split"}:
        raise BadYaml(name, line, f"{column} is a constant and takes no other setting")
    if "split" in texts and column not in LISTS:
        raise BadYaml(name, given["split"][0], f"{column} names only one and cannot be split")
    return Source(
        line=line,
        column=texts.get("column", ""),
        constant=texts.get("constant", ""),
        default=texts.get("default", ""),
        values=_values(name, *given["values"]) if "values" in given else {},
        split=texts.get("split", ""),
        to_day=_to_day(name, column, texts, given),
    )


def _text(name: str, line: int, key: str, node: Node) -> str:
    # A separator may be a blank or a line break, so nothing is trimmed here.
    if isinstance(node, Text) and node.text:
        return node.text
    raise BadYaml(name, line, f"{key} needs a text")


def _values(name: str, line: int, node: Node) -> Mapping[str, str]:
    if not isinstance(node, Entries):
        raise BadYaml(name, line, "values is a mapping such as {NS: agreed, C: verified}")
    return {theirs.strip(): _text(name, at, theirs, ours) for at, theirs, ours in node.entries}


def _to_day(
    name: str, column: str, texts: Mapping[str, str], given: Mapping[str, tuple[int, Node]]
) -> Callable[[str], str] | None:
    for key in ("month", "format"):
        if key in texts and column not in DAYS:
            raise BadYaml(name, given[key][0], f"{column} holds no day, so `{key}` says nothing")
    if "month" in texts and "format" in texts:
        raise BadYaml(name, given["format"][0], "give either `month` or `format`")
    if "month" in texts:
        if texts["month"] != "last_day":
            raise BadYaml(name, given["month"][0], "month can only be last_day")
        return lru_cache(_MEMORY)(_last_day)
    if "format" in texts:
        return _formatted(name, given["format"][0], texts["format"])
    return None


def _last_day(text: str) -> str:
    try:
        return str(last_day_of_month(text))
    except ValueError:
        return text


def _formatted(name: str, line: int, form: str) -> Callable[[str], str]:
    def day(text: str) -> str:
        try:
            return str(datetime.strptime(text, form).date())  # noqa: DTZ007 - a day, no instant
        except ValueError:
            return text

    # The sample's day, month and year are all different: what does not come back lacks one.
    if day(_SAMPLE_DAY.strftime(form)) != str(_SAMPLE_DAY):
        raise BadYaml(name, line, f"{form!r} is no form of a day, such as %d/%m/%Y")
    return lru_cache(_MEMORY)(day)
