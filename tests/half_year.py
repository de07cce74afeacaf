"""A programme in which a good deal happened: two dialogues, all sides, some actions closed."""

import random
from datetime import datetime

from builders import Programme, a_dialogue, a_row, at, day

from engine.action import Level, State
from engine.errors import EngineError

SIDES = ("Police post", "Elders", "Town hall")
SPEAKERS = ("chief", "elder", "mayor")
SEEN_BY = ("mayor", "mayor", "elder")
TODAY = at(day(0), 15)


def a_busy_half_year(programme: Programme) -> None:
    """Actions of two dialogues and all sides, three of them closed, and people who act on them."""
    dice = random.Random(7)  # noqa: S311 - not for secrets
    rows = []
    for number in range(1, 41):
        row = a_row(
            ref=f"X-{number:02}", dialogue="SAA" if number <= 30 else "JOS",
            responsible=SIDES[number % 3], verifier=SIDES[(number + 1) % 3],
            due=day(dice.randint(-150, 40)), action=f"Step {number}",
            handling=("public", "dialogue", "dialogue", "restricted")[number % 4],
            depends_on=f"X-{number - 8:02}" if 24 < number <= 30 else "",
        )  # fmt: skip
        rows.append(row | ({"handling": "closed"} if number in {5, 11, 17} else {}))
    jos = a_dialogue(name="Jos", people=[
        person | {"key": f"jos-{person['key']}", "email": f"jos-{person['email']}"}
        for person in a_dialogue()["people"]
    ])  # fmt: skip
    programme.plan(*rows, now=at(day(-160)), dialogues={"SAA": a_dialogue(), "JOS": jos})
    for number in range(-158, 1, 4):
        now = at(day(number))
        for _turn in range(2):
            try:
                something(programme, dice, now)
            except EngineError:
                continue
        programme.run(now)


def something(programme: Programme, dice: random.Random, now: datetime) -> None:
    row = dice.randint(1, 40)
    ref, home = f"X-{row:02}", "" if row <= 30 else "jos-"
    who, other = home + SPEAKERS[row % 3], home + SPEAKERS[(row + 1) % 3]
    match dice.choice(["level", "level", "done", "verified", "blocked"]):
        case "level":
            programme.report(ref, dice.choice(list(Level)), who, now)
        case "done":
            programme.move(ref, State.REPORTED_DONE, who, now, note="built")
        case "verified":
            programme.move(ref, State.VERIFIED, other, now, method="seen", seen="it stands")
        case "blocked":
            programme.move(
                ref, State.BLOCKED, who, now, reason="rain", blocker="rain", obstacle="other",
                review_on=now.date(),
            )  # fmt: skip
