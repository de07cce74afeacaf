"""A plan in YAML: actions, and the dialogues, parties and people behind them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from unicodedata import normalize

from config.plan_cells import did_you_mean, split_list
from config.plan_columns import COLUMNS, DAYS, LISTS, REQUIRED, Record
from config.plan_people import DialogueReader
from config.plan_values import PlanDialogue, PlanPerson, RowError
from config.relative_days import relative_day
from config.yaml_lines import BadYaml, Entries, Items, Node, Text, read_yaml
from engine.dialogue import SATURDAY_AND_SUNDAY
from engine.party import Role

_PARTIES = ("responsible", "co_responsible", "verifier")
_SECTIONS = ("dialogues", "people", "actions")


@dataclass(slots=True, kw_only=True)
class YamlPlan:
    """The sections of the file; `records` are its actions."""

    records: list[Record] = field(default_factory=list)
    dialogues: tuple[PlanDialogue, ...] = ()
    people: tuple[PlanPerson, ...] = ()


def read_yaml_plan(path: Path, start: date | None, errors: list[RowError]) -> YamlPlan:
    """
    The parts of a plan in YAML; days like `{days: 5}` are counted from `start`.

    What is wrong is added to `errors`. OSError when the file cannot be opened.
    """
    plan = YamlPlan()
    try:
        tree = read_yaml(path)
    except BadYaml as error:
        errors.append(RowError(row=error.line, column="", value="", reason=error.reason))
        return plan
    sections = _sections(tree, errors)
    reader = DialogueReader(start, errors)
    if "dialogues" in sections:
        plan.dialogues = reader.dialogues(sections["dialogues"])
    if "people" in sections:
        plan.people = reader.people(sections["people"], parties=None)
    if "actions" in sections:
        known = {name: one for one in plan.dialogues for name in (one.code, one.name)}
        plan.records.extend(_records(sections["actions"], known, start, errors))
    return plan


def _sections(tree: Node, errors: list[RowError]) -> Mapping[str, Node]:
    if not isinstance(tree, Entries):
        reason = "a plan begins with `actions:` and a list of actions below it"
        errors.append(RowError(row=1, column="", value="", reason=reason))
        return {}
    for line, key, _ in tree.entries:
        if key not in _SECTIONS:
            reason = f"a plan has the sections {', '.join(_SECTIONS)}"
            reason += did_you_mean(key, _SECTIONS)
            errors.append(RowError(row=line, column=key, value="", reason=reason))
    return {key: node for _, key, node in tree.entries}


def _records(
    node: Node, known: Mapping[str, PlanDialogue], start: date | None, errors: list[RowError]
) -> Iterator[Record]:
    if not isinstance(node, Items):
        reason = "write the actions as a list, each beginning with a hyphen"
        errors.append(RowError(row=node.line, column="actions", value="", reason=reason))
        return
    for item in node.items:
        if isinstance(item, Entries):
            yield _Action(item, known, start, errors).record()
        else:
            reason = "an action is a mapping such as {dialogue: ..., action: ...}"
            errors.append(RowError(row=item.line, column="actions", value="", reason=reason))


class _Action:
    """One item of `actions` on its way to a record."""

    def __init__(
        self,
        item: Entries,
        known: Mapping[str, PlanDialogue],
        start: date | None,
        errors: list[RowError],
    ) -> None:
        self._item, self._start, self._errors = item, start, errors
        self._known = known
        self._cells = dict.fromkeys(REQUIRED, "")
        self._lists: dict[str, tuple[str, ...]] = {}
        self._lines: dict[str, int] = {}
        self._refused: set[str] = set()

    def record(self) -> Record:
        days: list[tuple[int, str, Entries]] = []
        for line, column, node in self._item.entries:
            self._lines[column] = line
            if column not in COLUMNS:
                reason = f"a plan has no column of that name{did_you_mean(column, COLUMNS)}"
                self._refuse(column, reason)
            elif isinstance(node, Text):
                self._cells[column] = normalize("NFC", node.text)
            elif isinstance(node, Entries) and column in DAYS:
                days.append((line, column, node))
            elif isinstance(node, Items) and column in LISTS:
                self._lists[column] = self._texts(column, node)
            else:
                self._refuse(column, "one text is needed here")
        dialogue = self._dialogue()
        for _, column, node in days:
            self._count_days(column, node, dialogue)
        if dialogue:
            self._check_parties(dialogue)
            _complete(self._cells, dialogue)
        return Record(
            row=self._item.line,
            cells=self._cells,
            lists=self._lists,
            lines=self._lines,
            refused=frozenset(self._refused),
        )

    def _texts(self, column: str, node: Items) -> tuple[str, ...]:
        texts = tuple(one.text.strip() for one in node.items if isinstance(one, Text))
        if len(texts) < len(node.items):
            self._refuse(column, "a list of texts is needed here")
        return tuple(text for text in texts if text)

    def _dialogue(self) -> PlanDialogue | None:
        name = self._cells.get("dialogue", "").strip()
        if not self._known or not name:
            return None
        if (dialogue := self._known.get(name)) is None:
            known = sorted({one.name for one in self._known.values()})
            hint = did_you_mean(name, self._known) or f"; known: {', '.join(known)}"
            self._refuse("dialogue", f"not one of the dialogues of this file{hint}")
            return None
        self._cells["dialogue"] = dialogue.name
        return dialogue

    def _check_parties(self, dialogue: PlanDialogue) -> None:
        names = {party.name for party in dialogue.parties}
        for column in _PARTIES:
            text = self._cells.get(column, "").strip()
            one_or_more = split_list(text) if column in LISTS else (text,)
            for name in self._lists.get(column, one_or_more):
                if names and name and name not in names:
                    hint = did_you_mean(name, names)
                    self._refuse(column, f"{dialogue.name} has no party {name}{hint}")

    def _count_days(self, column: str, node: Entries, dialogue: PlanDialogue | None) -> None:
        rest_days = dialogue.rest_days if dialogue else None
        try:
            counted = relative_day(node)
            if self._start is None:
                raise ValueError("a day counted from the start is only for demonstrations")  # noqa: TRY301 - one way out for both refusals
        except ValueError as error:
            self._refuse(column, str(error))
            return
        working = SATURDAY_AND_SUNDAY if rest_days is None else rest_days
        self._cells[column] = str(counted.on(self._start, working))

    def _refuse(self, column: str, reason: str) -> None:
        line, value = self._lines[column], self._cells.get(column, "")
        self._refused.add(column)
        self._errors.append(RowError(row=line, column=column, value=value, reason=reason))


def _complete(cells: dict[str, str], dialogue: PlanDialogue) -> None:
    """Fill what the action leaves open from the parties and people of its dialogue."""
    responsible, verifier = cells.get("responsible", ""), cells.get("verifier", "")
    sides = {party.name: str(party.side or "") for party in dialogue.parties}
    focal = _first(dialogue.people, Role.FOCAL_POINT, responsible)
    alternate = _first(dialogue.people, Role.ALTERNATE, responsible)
    checker = _first(dialogue.people, Role.VERIFIER, verifier) if verifier else None
    coordinator = _first(dialogue.people, Role.COORDINATOR)
    found = {
        "responsible_side": sides.get(responsible, ""),
        "verifier_side": sides.get(verifier, ""),
        "responsible_email": focal.email if focal else "",
        "responsible_phone": focal.phone if focal else "",
        "responsible_language": focal.language if focal else "",
        "alternate_email": alternate.email if alternate else "",
        "verifier_email": checker.email if checker else "",
        "coordinator_email": coordinator.email if coordinator else "",
    }
    has_own_contact = bool(cells.get("responsible_email") or cells.get("responsible_phone"))
    for column, value in found.items():
        # An action that names its own contact means that person and not the focal point.
        is_other_person = (
            has_own_contact and column.startswith("responsible_") and (column != "responsible_side")
        )
        if not cells.get(column) and not is_other_person:
            cells[column] = value


def _first(people: Sequence[PlanPerson], role: Role, party: str = "") -> PlanPerson | None:
    return next(
        (one for one in people if role in one.roles and (not party or one.party == party)), None
    )
