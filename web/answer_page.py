"""Puts the answer pages into words: four languages, no script, nothing that tells where one was."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from engine.answer import Verb
from engine.asking import Door
from engine.codes import check_character, code
from notifications.language import LANGUAGES, direction, jinja_environment
from web.answer_fields import FIELDS, LEVELS, LONGEST, METHODS, NEEDED
from web.answer_form import Sent
from web.answer_question import Question

HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",  # the address is the key
    "x-robots-tag": "noindex, nofollow, noarchive",
}

NAMES: Final = {"en": "English", "fr": "Français", "ar": "العربية", "ha": "Hausa"}
SWITCH: Final = tuple((tag, NAMES[tag], direction(tag)) for tag in LANGUAGES)

FRESH: Final = timedelta(days=1)
"""What happens next is told so long; later it may have happened."""

OK, GONE, CONFLICT, FORBIDDEN, NOT_FOUND = 200, 410, 409, 403, 404
TOO_MUCH, UNFIT, SLOW, FAILED = 413, 422, 429, 500

STATUS: Final = {
    "gone": NOT_FOUND,
    "slow": SLOW,
    "too_much": TOO_MUCH,
    "foreign": FORBIDDEN,
    Door.EXPIRED: GONE,
    Door.REVOKED: GONE,
    Door.ROLE_ENDED: GONE,
}
"""Of the pages that close; every other one says that the question is settled (409)."""


class Pages:
    """The pages of one programme."""

    def __init__(self, programme: str) -> None:
        self._programme = programme

    def ask(
        self, found: Question, token: str, language: str, chosen: str, *, unknown: bool = False
    ) -> HTMLResponse:
        """The question with its choices."""
        values = {"q": found, "token": token, "chosen": chosen, "unknown": unknown}
        return self._page("answer_ask.html", language, values, NOT_FOUND if unknown else OK)

    def form(
        self,
        found: Question,
        token: str,
        verb: Verb,
        language: str,
        chosen: str,
        *,
        sent: Sent | None = None,
        errors: Mapping[str, str] | None = None,
        notice: str = "",
        status: int = OK,
    ) -> HTMLResponse:
        """The form of one verb: empty, or with what was typed and what is wrong with it."""
        order = (*FIELDS[verb], "source")
        known = {*order, *LONGEST, "file"}
        proposed = _proposed(found, verb)
        typed = {name: sent.get(name) if sent else proposed.get(name, "") for name in known}
        wrong = dict(errors or {})
        values = {
            "q": found,
            "token": token,
            "chosen": chosen,
            "verb": verb,
            "order": order,
            "needed": NEEDED.get(verb, frozenset()),
            "typed": typed,
            "errors": {name: wrong.get(name, "") for name in known},
            "count": len(wrong),
            "notice": notice,
            "again_file": bool(sent and sent.upload),
            "known": {"levels": LEVELS, "methods": METHODS},
            "tomorrow": found.today + timedelta(days=1),
        }
        return self._page("answer_form.html", language, values, status)

    def thanks(
        self, found: Question, language: str, now: datetime, *, thanks: bool
    ) -> HTMLResponse:
        """What was answered by this link, when, and what happens next; nothing more of it."""
        kept = found.kept
        if kept is None:
            return self.closed("revoked", language, found)
        at = kept.at.astimezone(ZoneInfo(found.zone))
        helped = next(
            (c for c in found.chances if c.obstacle == kept.details.get("obstacle")), None
        )
        values = {
            "q": found,
            "thanks": thanks,
            "at": at,
            "time": f"{at:%H:%M}",
            "fresh": now - kept.at < FRESH,
            "helped": helped if found.action.review_on else None,
            "receipt": receipt(found.action.ref, kept.verb, language),
        }
        return self._page("answer_thanks.html", language, values, OK)

    def closed(
        self,
        why: str,
        language: str,
        found: Question | None = None,
        *,
        typed: tuple[str, ...] = (),
        retry_after_s: int = 0,
    ) -> HTMLResponse:
        """Why nothing can be answered here; what was typed comes back, to be copied."""
        told = found if why in set(Door) else None
        if told is not None and why == Door.REVOKED:
            told = None  # it may have become confidential
        values = {"why": why, "q": told, "typed": typed}
        answer = self._page("answer_closed.html", language, values, STATUS.get(why, CONFLICT))
        if retry_after_s:
            answer.headers["retry-after"] = str(retry_after_s)
        return answer

    def _page(
        self, template: str, language: str, values: Mapping[str, object], status: int
    ) -> HTMLResponse:
        common = {"programme": self._programme, "languages": SWITCH}
        text = _environment(language).get_template(template).render(common | dict(values))
        headers = HEADERS | {"content-language": language}
        return HTMLResponse(text, status_code=status, headers=headers)


def receipt(ref: str, verb: Verb, language: str) -> str:
    """What somebody can write down of an answer; own words have no word of their own."""
    if verb is Verb.OTHER:
        return f"{ref} {check_character(ref, verb)}"
    return code(ref, verb, language)


def _proposed(found: Question, verb: Verb) -> Mapping[str, str]:
    """What an empty form begins with."""
    if verb is Verb.AGREED and found.asked and found.asked.until:
        return {"until": found.asked.until.isoformat()}
    today = found.today.isoformat()
    return {Verb.DONE: {"done_on": today}, Verb.CONFIRMED: {"seen_on": today}}.get(verb, {})


@lru_cache
def _environment(language: str) -> Environment:
    return jinja_environment(language, FileSystemLoader(Path(__file__).parent / "templates"))
