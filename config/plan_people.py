"""The dialogues of a plan in YAML: their parties, people and days of their own."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Final

from config.plan_cells import (
    did_you_mean,
    read_country,
    read_email,
    read_language,
    read_phone,
    read_ref,
    read_rest_days,
    read_text,
    read_timezone,
    read_word,
    read_yes,
)
from config.plan_columns import LONGEST_DIALOGUE, LONGEST_FUNCTION, LONGEST_NAME, LONGEST_WHY
from config.plan_days import read_day
from config.plan_fields import Fields
from config.plan_values import (
    DayChange,
    PlanDialogue,
    PlanOverride,
    PlanParty,
    PlanPerson,
    RowError,
)
from config.relative_days import relative_day
from config.yaml_lines import Entries, Items, Node
from engine.dialogue import SATURDAY_AND_SUNDAY
from engine.errors import BadValue
from engine.party import Channel, Role, Side
from engine.sensitive import Quiet, SensitiveDay

_DIALOGUE = frozenset({
    "name", "country", "timezone", "languages", "rest_days", "friday_pause",
    "parties", "people", "overrides", "sensitive_days",
})  # fmt: skip
_PARTY = frozenset({"name", "side", "superior"})
_PERSON = frozenset({
    "key", "function", "role", "party", "name", "email", "phone", "language", "timezone", "channel",
})  # fmt: skip
_OVERRIDE = frozenset({*DayChange, "to", "name", "who", "why"})

_SENSITIVE = frozenset({"from", "to", "yearly", "what", "name", "who", "why"})

LONGEST_CODE: Final = 8
"""Characters of a dialogue's code; it begins every reference."""

_name = partial(read_text, longest=LONGEST_NAME)
_short_name = partial(read_text, longest=LONGEST_DIALOGUE)
_function = partial(read_text, longest=LONGEST_FUNCTION)


class DialogueReader:
    """Reads `dialogues:` and `people:`; what is wrong is added to `errors`."""

    def __init__(self, start: date | None, errors: list[RowError]) -> None:
        self._start, self._errors = start, errors
        self._keys: set[str] = set()

    def dialogues(self, node: Node) -> tuple[PlanDialogue, ...]:
        """`dialogues:` is a mapping: the code of each, then what is known of it."""
        if not isinstance(node, Entries):
            self._refuse(node.line, "dialogues", "write each dialogue under its code, such as SAA:")
            return ()
        found: dict[str, PlanDialogue] = {}
        for line, code, value in node.entries:
            if not isinstance(value, Entries):
                self._refuse(line, code, "a dialogue needs at least a name")
                continue
            dialogue = self._dialogue(line, code, value)
            if dialogue.name.casefold() in found:
                self._refuse(line, "name", "two dialogues have this name", dialogue.name)
            found[dialogue.name.casefold()] = dialogue
        return tuple(found.values())

    def _dialogue(self, line: int, code: str, node: Entries) -> PlanDialogue:
        fields = Fields(node, _DIALOGUE, self._errors)
        self._check_code(line, code)
        rest_days = self._rest_days(fields)
        working = SATURDAY_AND_SUNDAY if rest_days is None else rest_days
        parties = self._parties(fields)
        names = frozenset(party.name for party in parties)
        people = fields.node("people")
        return PlanDialogue(
            row=line,
            code=code,
            name=fields.needed("name", _short_name),
            country=fields.one("country", read_country, ""),
            timezone=fields.one("timezone", read_timezone, ""),
            languages=fields.several("languages", read_language),
            rest_days=rest_days,
            friday_pause=fields.one("friday_pause", read_yes, empty=False),
            parties=parties,
            people=self.people(people, names) if people else (),
            overrides=self._overrides(fields, working),
            sensitive_days=tuple(self._sensitive_days(fields, working)),
        )

    def _check_code(self, line: int, code: str) -> None:
        if len(code) > LONGEST_CODE or not code.isalnum():
            reason = f"a code has 1 to {LONGEST_CODE} letters and digits; it begins every reference"
            self._refuse(line, "dialogues", reason, code)

    def _rest_days(self, fields: Fields) -> frozenset[int] | None:
        if "rest_days" not in fields:
            return None
        days = fields.several("rest_days", read_rest_days)
        return frozenset().union(*days) if days else None

    def _parties(self, fields: Fields) -> tuple[PlanParty, ...]:
        parties = []
        superiors: list[tuple[Fields, str]] = []
        for inner in self._mappings("parties", fields.node("parties"), _PARTY):
            party = PlanParty(
                name=inner.needed("name", _name),
                side=inner.one("side", partial(read_word, words=Side), None),
                superior=inner.one("superior", _name, ""),
            )
            parties.append(party)
            superiors.append((inner, party.superior))
        names = {party.name for party in parties}
        for inner, superior in superiors:
            if superior and superior not in names:
                inner.refuse("superior", f"no such party{did_you_mean(superior, names)}", superior)
        return tuple(parties)

    def people(self, node: Node, parties: frozenset[str] | None) -> tuple[PlanPerson, ...]:
        """A list of people; `parties` are those they may belong to, None for any."""
        people = []
        for fields in self._mappings("people", node, _PERSON):
            person = self._person(fields)
            if parties is not None and person.party and person.party not in parties:
                hint = did_you_mean(person.party, parties)
                fields.refuse("party", f"no such party{hint}", person.party)
            people.append(person)
        return tuple(people)

    def _person(self, fields: Fields) -> PlanPerson:
        key = fields.needed("key", read_ref)
        if key and key in self._keys:
            fields.refuse("key", "two people have this key", key)
        self._keys.add(key)
        roles = fields.several("role", partial(read_word, words=Role))
        if not roles and "role" not in fields:
            self._refuse(fields.line, "role", f"say what for: {', '.join(Role)}")
        return PlanPerson(
            key=key,
            function=fields.needed("function", _function),
            roles=roles,
            party=fields.one("party", _name, ""),
            name=fields.one("name", _function, ""),
            email=fields.one("email", read_email, ""),
            phone=fields.one("phone", read_phone, ""),
            language=fields.one("language", read_language, ""),
            timezone=fields.one("timezone", read_timezone, ""),
            channel=fields.one("channel", partial(read_word, words=Channel), None),
        )

    def _overrides(self, fields: Fields, rest_days: frozenset[int]) -> tuple[PlanOverride, ...]:
        overrides = []
        for inner in self._mappings("overrides", fields.node("overrides"), _OVERRIDE):
            changes = [change for change in DayChange if change in inner]
            if len(changes) != 1:
                reason = f"say one of {', '.join(DayChange)}, with the day"
                self._refuse(inner.line, "overrides", reason)
                continue
            on = self._day(inner, changes[0], rest_days)
            to = self._day(inner, "to", rest_days) if "to" in inner else None
            if (to is not None) != (changes[0] is DayChange.MOVE):
                self._refuse(inner.line, "to", "a feast that moves, and only that, has a new day")
            override = PlanOverride(
                on=on or date.min,
                change=changes[0],
                name=inner.one("name", _short_name, ""),
                who=inner.needed("who", _short_name),
                why=inner.needed("why", partial(read_text, longest=LONGEST_WHY)),
                to=to,
            )
            if on:
                overrides.append(override)
        return tuple(overrides)

    def _sensitive_days(self, fields: Fields, rest_days: frozenset[int]) -> Iterator[SensitiveDay]:
        for inner in self._mappings("sensitive_days", fields.node("sensitive_days"), _SENSITIVE):
            if "from" not in inner:
                self._refuse(inner.line, "from", "say from which day on")
                continue
            first = self._day(inner, "from", rest_days)
            last = self._day(inner, "to", rest_days) if "to" in inner else first
            said = {
                "name": inner.needed("name", _short_name),
                "by": inner.needed("who", _short_name),
                "reason": inner.needed("why", partial(read_text, longest=LONGEST_WHY)),
            }
            yearly = inner.one("yearly", read_yes, empty=False)
            what = inner.one("what", partial(read_word, words=Quiet), Quiet.ALL)
            if first is None or last is None:
                continue
            try:
                yield SensitiveDay(from_on=first, until_on=last, yearly=yearly, what=what, **said)
            except BadValue as error:
                inner.refuse("to" if "to" in inner else "from", error.reason, str(error.value))

    def _day(self, fields: Fields, key: str, rest_days: frozenset[int]) -> date | None:
        node = fields.node(key)
        if not isinstance(node, Entries):
            return fields.one(key, read_day, None)
        try:
            counted = relative_day(node)
        except ValueError as error:
            fields.refuse(key, str(error))
            return None
        if self._start is None:
            fields.refuse(key, "a day counted from the start is only for demonstrations")
            return None
        return counted.on(self._start, rest_days)

    def _mappings(self, key: str, node: Node | None, known: frozenset[str]) -> Iterator[Fields]:
        match node:
            case None:
                return
            case Items(items=items):
                for item in items:
                    if isinstance(item, Entries):
                        yield Fields(item, known, self._errors)
                    else:
                        self._refuse(item.line, key, "a mapping such as {name: ...} is needed here")
            case _:
                self._refuse(node.line, key, "write a list, each item beginning with a hyphen")

    def _refuse(self, line: int, column: str, reason: str, value: str = "") -> None:
        self._errors.append(RowError(row=line, column=column, value=value, reason=reason))
