"""A programme in which one dialogue has much to say and others one thing each."""

from collections.abc import Sequence
from typing import Any

from builders import PARTIES, PEOPLE, Programme, a_dialogue, a_row, at, day


def crowded(programme: Programme, crowd: int, others: Sequence[str] = ()) -> None:
    """Saaba owes `crowd` things, each its own party's; the others owe one each, after it."""
    posts = range(1, crowd + 1)
    rows = [a_row(ref=f"SAA-{n:02}", responsible=f"Post {n}", due=day(-5)) for n in posts]
    rows += [a_row(ref=f"{code}-01", dialogue=code, due=day(-5)) for code in others]
    saaba = a_dialogue(
        parties=[*PARTIES, *({"name": f"Post {n}", "side": "security"} for n in posts)],
        people=[*PEOPLE, *(_chief_of(n) for n in posts)],
    )
    homes = {code: a_dialogue(name=f"Of {code}", people=_people_of(code)) for code in others}
    programme.plan(*rows, now=at(day(-10)), dialogues={"SAA": saaba, **homes})


def _chief_of(number: int) -> dict[str, Any]:
    return {"key": f"post-{number}", "function": "Chief", "party": f"Post {number}",
            "role": "focal_point", "email": f"post{number}@saaba.example"}  # fmt: skip


def _people_of(code: str) -> list[dict[str, Any]]:
    return [
        {
            **person,
            "key": f"{code.lower()}-{person['key']}",
            "email": f"{code.lower()}.{person['email']}",
        }
        for person in PEOPLE
    ]
