"""A gateway's stand-in and a programme whose focal points have telephones, for tests of texts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders import PEOPLE, Programme, a_dialogue

from notifications.envelope import Outcome, Phase, Result
from notifications.texting import TextMessage

CHIEF_PHONE = "+22670123401"
ELDER_PHONE = "+22670123402"

HANDED_OVER = Result(outcome=Outcome.SENT, phase=Phase.GATEWAY, text="handed over to the gateway")
REFUSED = Result(outcome=Outcome.REJECTED, phase=Phase.GATEWAY, code=400, text="refused")
FAILED = Result(outcome=Outcome.RETRY, phase=Phase.GATEWAY, code=500, text="failed")
NO_WORD = Result(outcome=Outcome.UNKNOWN, phase=Phase.GATEWAY, text="broke off")
DOWN = Result(outcome=Outcome.RETRY, phase=Phase.GATEWAY, text="not reached", channel_down=True)


class Handset:
    """It answers as it is told and keeps what it took."""

    def __init__(self) -> None:
        self.tried: list[TextMessage] = []
        self.taken: list[TextMessage] = []
        self.answers: list[Result] = []
        self.always: Result = HANDED_OVER
        self.for_number: dict[str, Result] = {}

    def deliver(self, message: TextMessage) -> Result:
        self.tried.append(message)
        result = self.for_number.get(message.phone, self.always)
        if self.answers:
            result = self.answers.pop(0)
        if result.outcome is Outcome.SENT:
            self.taken.append(message)
        return result

    def texts(self, phone: str) -> list[str]:
        return [message.text for message in self.taken if message.phone == phone]


def with_phones(**more: Mapping[str, Any]) -> dict[str, Any]:
    """Saaba, where the chief and the elder are written to by text; `more` by key of the person."""
    phones: dict[str, Mapping[str, Any]] = {
        "chief": {"channel": "sms", "phone": CHIEF_PHONE, "email": ""},
        "elder": {"channel": "sms", "phone": ELDER_PHONE, "email": ""},
        **more,
    }
    people = [
        {k: v for k, v in {**person, **phones.get(person["key"], {})}.items() if v != ""}
        for person in PEOPLE
    ]
    return {"SAA": a_dialogue(people=people)}


def by_text(programme: Programme) -> Handset:
    """Give a programme a gateway."""
    handset = Handset()
    programme.services = replace(programme.services, new_texter=lambda: handset)
    return handset
