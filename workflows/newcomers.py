"""The dialogues, parties and people that a plan names, found or made."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

from config.plan_values import Plan, PlanDialogue, PlanPerson, PlanRow
from config.settings import PlanPart
from engine.dialogue import SATURDAY_AND_SUNDAY
from engine.errors import BadValue
from engine.party import Channel, Role, Side
from engine.store.calendar_days import look_again
from engine.store.database import Connection
from engine.store.intake import add_days, add_one, add_roles, change_one, role_rows, rows_of
from engine.store.sensitive import keep_quiet
from notifications.language import words

COORDINATION = "Coordination"
"""The party that a dialogue's coordinators belong to; it verifies where a plan names nobody."""

MOST_WELCOMED = 20_000
"""So much of what rows said of people is remembered, so that it is looked at once."""


class Newcomers:
    """
    Everybody that a plan names, by the names it uses.

    What the database knows already is left as it is, but for facts it did not have.
    """

    def __init__(self, connection: Connection, defaults: PlanPart, now: datetime) -> None:
        self.connection, self.defaults, self.now = connection, defaults, now
        self.dialogue_ids: dict[str, int] = {}
        self.codes: dict[int, str] = {}
        self._languages: dict[int, str] = {}
        for dialogue_id, code, name, languages in rows_of(
            connection, "dialogues", ("id", "code", "name", "languages")
        ):
            self._know_dialogue(dialogue_id, code, name, languages)
        self._parties = {
            (dialogue_id, name.casefold()): (party_id, side)
            for party_id, dialogue_id, name, side in rows_of(
                connection, "parties", ("id", "dialogue_id", "name", "side")
            )
        }
        self._people: dict[tuple[int | None, str], int] = {}
        self._reach: dict[int, tuple[str, str]] = {}
        self._without_any: set[int] = set()
        self._keys: dict[str, int] = {}
        for person_id, key, party_id, email, phone, language in rows_of(
            connection, "people", ("id", "key", "party_id", "email", "phone", "language")
        ):
            self._reach[person_id] = (phone, language)
            if not email and not phone:
                self._without_any.add(person_id)
            self._keys[key.casefold()] = person_id
            self._people[party_id, (email or phone or "").casefold()] = person_id
        self._roles = role_rows(connection)
        self._focal: dict[int, int] = {}
        self._counts: dict[str, int] = {}
        self._welcomed: set[tuple[object, ...]] = set()
        self.commitments: dict[tuple[int, str], int] = {
            (dialogue_id, text): commitment_id
            for commitment_id, dialogue_id, text in rows_of(
                connection, "commitments", ("id", "dialogue_id", "text")
            )
        }

    def welcome(self, plan: Plan) -> None:
        """Find or make the dialogues, and everybody whom the plan names outside of its rows."""
        for dialogue in plan.dialogues:
            self._dialogue(dialogue)
        for person in plan.people:
            self._person(None, None, person)

    def welcome_rows(self, rows: Iterable[PlanRow]) -> None:
        """Find or make everybody whom these rows name; most name the same as rows before them."""
        for row in rows:
            named = _named_in(row)
            if named not in self._welcomed:
                self._of_row(row)
                self._welcomed.add(named)
                if len(self._welcomed) > MOST_WELCOMED:
                    self._welcomed.clear()

    def welcome_coordinators(self) -> None:
        """Nobody else comes: see that every dialogue has somebody with whom escalations end."""
        for dialogue_id in set(self.dialogue_ids.values()):
            self._at_least_a_coordinator(dialogue_id)

    def dialogue_id(self, name: str) -> int:
        """The dialogue that a row names, by its name or its code."""
        return self.dialogue_ids[name.casefold()]

    def party_id(self, dialogue: str, name: str) -> int:
        """A party of a dialogue; without a name, its coordination."""
        dialogue_id = self.dialogue_id(dialogue)
        return self._party(dialogue_id, name or COORDINATION, None)

    def focal_id(self, row: PlanRow) -> int | None:
        """Who answers for this row's responsible party: its address, else whoever does for all."""
        party_id = self.party_id(row.dialogue, row.responsible)
        reach = (row.responsible_email or row.responsible_phone).casefold()
        return self._people.get((party_id, reach)) if reach else None

    def language(self, dialogue_id: int) -> str:
        """The first language of a dialogue."""
        return self._languages[dialogue_id]

    def _know_dialogue(self, dialogue_id: int, code: str, name: str, languages: str) -> None:
        self.dialogue_ids |= {name.casefold(): dialogue_id, code.casefold(): dialogue_id}
        self.codes[dialogue_id] = code
        self._languages[dialogue_id] = languages.split(",", maxsplit=1)[0]

    def _dialogue(self, given: PlanDialogue) -> None:
        known = self.dialogue_ids.get(given.name.casefold())
        if known is None and given.code:
            known = self.dialogue_ids.get(given.code.casefold())
        if known is None:
            known = self._new_dialogue(given)
        for party in given.parties:
            self._party(known, party.name, party.side)
        for party in given.parties:
            if party.superior:
                party_id = self._party(known, party.name, None)
                superior_id = self._party(known, party.superior, None)
                change_one(self.connection, "parties", party_id, {"superior_id": superior_id})
        for person in given.people:
            self._person(known, person.party, person)
        changed = add_days(
            self.connection,
            [
                {
                    "dialogue_id": known,
                    "day": override.on,
                    "change": override.change.value,
                    "moved_to": override.to,
                    "name": override.name,
                    "by": override.who,
                    "reason": override.why,
                }
                for override in given.overrides
            ],
        )
        if changed:
            look_again(self.connection, known, self.now)
        for day in given.sensitive_days:
            keep_quiet(self.connection, known, day)

    def _new_dialogue(self, given: PlanDialogue) -> int:
        code = given.code or _code_from(given.name, self.codes.values())
        rest = given.rest_days if given.rest_days is not None else SATURDAY_AND_SUNDAY
        languages = ",".join(given.languages) or self.defaults.language
        values: dict[str, Any] = {
            "code": code,
            "name": given.name,
            "country": given.country or self.defaults.country,
            "timezone": given.timezone or self.defaults.timezone,
            "languages": languages,
            "rest_days": ",".join(str(day) for day in sorted(rest)),
            "friday_pause": given.friday_pause,
        }
        dialogue_id = add_one(self.connection, "dialogues", values)
        self._know_dialogue(dialogue_id, code, given.name, languages)
        return dialogue_id

    def _of_row(self, row: PlanRow) -> None:
        dialogue_id = self.dialogue_id(row.dialogue)
        party_id = self._party(dialogue_id, row.responsible, row.responsible_side)
        language = row.responsible_language or self.language(dialogue_id)
        if row.responsible_email or row.responsible_phone:
            self._contact(
                dialogue_id, party_id, Role.FOCAL_POINT, "Focal point",
                email=row.responsible_email, phone=row.responsible_phone, language=language,
                language_said=bool(row.responsible_language),
            )  # fmt: skip
        elif party_id not in self._focal:
            self._focal_without_address(dialogue_id, party_id, language)
        if row.alternate_email:
            self._contact(
                dialogue_id, party_id, Role.ALTERNATE, "Alternate",
                email=row.alternate_email, language=language,
            )  # fmt: skip
        for name in row.co_responsible:
            self._party(dialogue_id, name, None)
        own = self.language(dialogue_id)
        if row.verifier or row.verifier_email:
            verifier_id = self._party(dialogue_id, row.verifier or COORDINATION, row.verifier_side)
            if row.verifier_email:
                self._contact(
                    dialogue_id, verifier_id, Role.VERIFIER, "Verifier",
                    email=row.verifier_email, language=own,
                )  # fmt: skip
        if row.coordinator_email:
            coordination = self._party(dialogue_id, COORDINATION, None)
            self._contact(
                dialogue_id, coordination, Role.COORDINATOR, "Coordinator",
                email=row.coordinator_email, language=own,
            )  # fmt: skip

    def _party(self, dialogue_id: int, name: str, side: Side | None) -> int:
        known = self._parties.get((dialogue_id, name.casefold()))
        if known is None:
            values = {"dialogue_id": dialogue_id, "name": name, "side": side or Side.OTHER}
            known = (add_one(self.connection, "parties", values), side or Side.OTHER)
            self._parties[dialogue_id, name.casefold()] = known
        elif side is not None and known[1] is Side.OTHER and side is not Side.OTHER:
            change_one(self.connection, "parties", known[0], {"side": side})
            known = self._parties[dialogue_id, name.casefold()] = (known[0], side)
        return known[0]

    def _person(self, dialogue_id: int | None, party: str | None, given: PlanPerson) -> None:
        party_id = None
        if dialogue_id is not None:
            party_id = self._party(dialogue_id, party or COORDINATION, None)
        person_id = self._keys.get(given.key.casefold())
        if person_id is None:
            fallback = self.defaults.language if dialogue_id is None else self.language(dialogue_id)
            person_id = self._add_person(
                given.key,
                party_id,
                function=given.function,
                name=given.name,
                email=given.email,
                phone=given.phone,
                language=given.language or fallback,
                timezone=given.timezone,
                channel=given.channel,
            )
        for role in given.roles:
            self._give_role(person_id, role, dialogue_id)
            if role is Role.FOCAL_POINT and party_id is not None:
                self._focal.setdefault(party_id, person_id)

    def _contact(
        self,
        dialogue_id: int,
        party_id: int,
        role: Role,
        function: str,
        *,
        email: str = "",
        phone: str = "",
        language: str,
        language_said: bool = False,
    ) -> None:
        person_id = self._people.get((party_id, (email or phone).casefold()))
        if person_id is None:
            key = self._free_key(f"{self.codes[dialogue_id]}-{function}")
            person_id = self._add_person(
                key, party_id,
                function=_called(function, language), email=email, phone=phone, language=language,
            )  # fmt: skip
        elif role is Role.FOCAL_POINT:
            self._complete(person_id, phone, language if language_said else "")
        self._give_role(person_id, role, dialogue_id)
        if role is Role.FOCAL_POINT:
            self._focal.setdefault(party_id, person_id)

    def _complete(self, person_id: int, phone: str, language: str) -> None:
        """A number that was not known yet, and the language that the plan asks for."""
        known_phone, known_language = self._reach.get(person_id, ("", ""))
        changes: dict[str, object] = {}
        if phone and not known_phone:
            changes["phone"] = phone
            if person_id in self._without_any:
                changes["channel"] = Channel.SMS
        if language and language != known_language:
            changes["language"] = language
        if changes:
            # What a row says of a person holds until another row says otherwise: the last one wins.
            self._welcomed.clear()
            change_one(self.connection, "people", person_id, changes)
            self._reach[person_id] = (phone or known_phone, language or known_language)

    def _focal_without_address(self, dialogue_id: int, party_id: int, language: str) -> None:
        """Somebody has to be called about it, even if nobody knows yet how."""
        person_id = self._people.get((party_id, ""))
        if person_id is None and not self._has(party_id, Role.FOCAL_POINT):
            key = self._free_key(f"{self.codes[dialogue_id]}-focal-point")
            called = _called("Focal point", language)
            person_id = self._add_person(key, party_id, function=called, language=language)
            self._give_role(person_id, Role.FOCAL_POINT, dialogue_id)
        if person_id is not None:
            self._focal[party_id] = person_id

    def _has(self, party_id: int, role: Role) -> bool:
        members = {pid for (where, _reach), pid in self._people.items() if where == party_id}
        return any(pid in members and held == role for pid, held, _where in self._roles)

    def _at_least_a_coordinator(self, dialogue_id: int) -> None:
        """Escalations must end somewhere: without a coordinator they stand on the board."""
        if any(r == Role.COORDINATOR and where == dialogue_id for _p, r, where in self._roles):
            return
        party_id = self._party(dialogue_id, COORDINATION, None)
        key = self._free_key(f"{self.codes[dialogue_id]}-coordinator")
        language = self.language(dialogue_id)
        person_id = self._add_person(
            key,
            party_id,
            function=_called("Coordinator", language),
            language=language,
            channel=Channel.PAGE,
        )
        self._give_role(person_id, Role.COORDINATOR, dialogue_id)

    def _add_person(
        self,
        key: str,
        party_id: int | None,
        *,
        function: str,
        language: str,
        name: str = "",
        email: str = "",
        phone: str = "",
        timezone: str = "",
        channel: Channel | None = None,
    ) -> int:
        if key.casefold() in self._keys:
            raise BadValue("person", key, "two persons of the plan have this key")
        person_id = add_one(
            self.connection,
            "people",
            {
                "key": key,
                "party_id": party_id,
                "function": function,
                "name": name,
                "email": email,
                "phone": phone,
                "language": language,
                "channel": channel or _channel(email, phone),
                "timezone": timezone,
            },
        )
        self._keys[key.casefold()] = person_id
        self._reach[person_id] = (phone, language)
        if not email and not phone:
            self._without_any.add(person_id)
        self._people[party_id, (email or phone).casefold()] = person_id
        return person_id

    def _give_role(self, person_id: int, role: Role, dialogue_id: int | None) -> None:
        entry = (person_id, str(role), dialogue_id)
        if entry not in self._roles:
            self._roles.add(entry)
            add_roles(self.connection, [entry])

    def _free_key(self, wish: str) -> str:
        base = re.sub(r"[^a-z0-9]+", "-", wish.casefold()).strip("-")
        if base not in self._keys:
            return base
        number = self._counts.get(base, 2)
        while f"{base}-{number}" in self._keys:
            number += 1
        self._counts[base] = number + 1
        return f"{base}-{number}"


_named_in = attrgetter(
    "dialogue", "responsible", "responsible_side", "responsible_email", "responsible_phone",
    "responsible_language", "alternate_email", "co_responsible", "verifier", "verifier_side",
    "verifier_email", "coordinator_email",
)  # fmt: skip
"""All of a row that says who there is."""


def _channel(email: str, phone: str) -> Channel:
    """By mail, else by text; until there is a gateway for texts that means a call."""
    if email:
        return Channel.EMAIL
    return Channel.SMS if phone else Channel.CALL


def _called(function: str, language: str) -> str:
    """A function that no plan names, in the words of whoever holds it."""
    return words(language).gettext(function)


def _code_from(name: str, taken: Iterable[str]) -> str:
    """Three letters of a dialogue's name, made unlike those that are taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    letters = re.sub(r"[^A-Z0-9]", "", plain) or "DLG"
    used = {code.upper() for code in taken}
    for code in (letters[:3], letters[:4], *(f"{letters[:3]}{n}" for n in range(2, 10_000))):
        if code not in used:
            return code
    raise BadValue("dialogue", name, "no code is left for it; give it one")
