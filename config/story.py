"""What happens in the sample programme, day by day, as a demonstration's clock moves on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from config.plan_cells import did_you_mean, read_ref, read_text, read_word
from config.relative_days import FARTHEST, RelativeDay, relative_day
from config.yaml_lines import BadYaml, Entries, Items, Node, Text, parse_yaml
from engine.action import Level, Obstacle, State

SAMPLE_STORY: Final = Path(__file__).parent / "sample" / "story.yaml"
"""The story that goes with `config.plan.SAMPLE_PROGRAMME`."""

_LONGEST = 2_000

_Word = TypeVar("_Word", bound=StrEnum)
_Value = TypeVar("_Value")


class Deed(StrEnum):
    """What somebody does in a story: the writes of the life cycle, and a telephone call."""

    MOVE = "move"
    REPORT = "report"
    RESCHEDULE = "reschedule"
    ACKNOWLEDGE = "acknowledge"
    DISPUTE = "dispute"
    CALL = "call"


_NEEDED: Final[Mapping[Deed, frozenset[str]]] = {
    Deed.MOVE: frozenset({"state"}),
    Deed.REPORT: frozenset({"level", "note"}),
    Deed.RESCHEDULE: frozenset({"to", "reason"}),
    Deed.ACKNOWLEDGE: frozenset(),
    Deed.DISPUTE: frozenset({"reason"}),
    Deed.CALL: frozenset({"person", "note"}),
}
_ALLOWED: Final[Mapping[Deed, frozenset[str]]] = {
    Deed.MOVE: frozenset({
        "state", "note", "reason", "level", "obstacle", "blocker", "review", "method", "seen",
        "decided", "successor",
    }),
    Deed.REPORT: frozenset({"level", "note"}),
    Deed.RESCHEDULE: frozenset({"to", "reason"}),
    Deed.ACKNOWLEDGE: frozenset({"note"}),
    Deed.DISPUTE: frozenset({"reason"}),
    Deed.CALL: frozenset({"person", "note"}),
}  # fmt: skip
_ALWAYS: Final = frozenset({"day", "do", "ref", "by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryStep:
    """
    One thing that somebody does.

    `day` counts calendar days from the start of the demonstration (0: at once) and `line` is that
    of the file. `by`, and `person` (who was telephoned), are keys of the programme's people.
    `to`, `review` and `decided` are days counted from the same start. The rest is what the life
    cycle asks for, empty or None where nothing is said.
    """

    line: int
    day: int
    do: Deed
    ref: str
    by: str
    state: State | None = None
    level: Level | None = None
    obstacle: Obstacle | None = None
    note: str = ""
    reason: str = ""
    blocker: str = ""
    method: str = ""
    seen: str = ""
    person: str = ""
    successor: str = ""
    to: RelativeDay | None = None
    review: RelativeDay | None = None
    decided: RelativeDay | None = None


def read_story(text: str, source: str = "story.yaml") -> tuple[StoryStep, ...]:
    """
    The steps of a story in the order in which they happen; YAML, a list of mappings.

    BadYaml, with the line, for the first thing that cannot be used: an unknown deed or key, a
    missing one, a word that is none, a step that is told after a later one.
    """
    tree = parse_yaml(text, source)
    if not isinstance(tree, Items):
        raise BadYaml(source, 1, "a story is a list of steps such as {day: 3, do: report, ...}")
    steps = tuple(_Step(source, node).step() for node in tree.items)
    for earlier, later in pairwise(steps):
        if later.day < earlier.day:
            raise BadYaml(source, later.line, f"day {later.day} is told after day {earlier.day}")
    return steps


class _Step:
    """One item of the list on its way to a step."""

    def __init__(self, source: str, node: Node) -> None:
        if not isinstance(node, Entries):
            raise BadYaml(source, node.line, "a step is a mapping such as {day: 3, do: report}")
        self._source, self._line = source, node.line
        self._nodes = {key: (line, value) for line, key, value in node.entries}

    def step(self) -> StoryStep:
        do = self._word("do", Deed)
        if do is None:
            raise BadYaml(self._source, self._line, f"a step needs `do`: {', '.join(Deed)}")
        self._check_keys(do)
        text = partial(self._read, read=partial(read_text, longest=_LONGEST), empty="")
        name = partial(self._read, read=read_ref, empty="")
        return StoryStep(
            line=self._line,
            day=self._read("day", _day, 0),
            do=do,
            ref=name("ref"),
            by=name("by"),
            state=self._word("state", State),
            level=self._word("level", Level),
            obstacle=self._word("obstacle", Obstacle),
            note=text("note"),
            reason=text("reason"),
            blocker=text("blocker"),
            method=text("method"),
            seen=text("seen"),
            person=name("person"),
            successor=name("successor"),
            to=self._relative("to"),
            review=self._relative("review"),
            decided=self._relative("decided"),
        )

    def _check_keys(self, do: Deed) -> None:
        known = _ALWAYS | _ALLOWED[do]
        for key, (line, _) in self._nodes.items():
            if key not in known:
                hint = did_you_mean(key, known)
                raise BadYaml(self._source, line, f"{do} has no {key!r}{hint}")
        for key in sorted(_ALWAYS | _NEEDED[do]):
            _, value = self._nodes.get(key, (0, None))
            if value is None or (isinstance(value, Text) and not value.text):
                raise BadYaml(self._source, self._line, f"{do} needs {key!r}")

    def _word(self, key: str, words: type[_Word]) -> _Word | None:
        read: Callable[[str], _Word | None] = partial(read_word, words=words)
        return self._read(key, read, None)

    def _read(self, key: str, read: Callable[[str], _Value], empty: _Value) -> _Value:
        match self._nodes.get(key):
            case None:
                return empty
            case (line, Text(text=raw)):
                try:
                    return read(raw)
                except ValueError as error:
                    raise BadYaml(self._source, line, f"{key} {raw!r}: {error}") from None
            case (line, _):
                raise BadYaml(self._source, line, f"{key} is one text")

    def _relative(self, key: str) -> RelativeDay | None:
        if key not in self._nodes:
            return None
        line, node = self._nodes[key]
        try:
            return relative_day(node)
        except ValueError as error:
            raise BadYaml(self._source, line, f"{key}: {error}") from None


def _day(raw: str) -> int:
    if not raw.isdecimal() or int(raw) > FARTHEST:
        raise ValueError("a step happens on a whole number of days after the start")
    return int(raw)
