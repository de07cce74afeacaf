"""Commands that only look: lists, one action, its history, counts."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.output import pairs, say_json, several, table
from cli.session import AsOf, Json, opened, then
from engine.action import Action, State
from engine.errors import UnknownThing
from engine.store.directory import Directory
from engine.store.listing import View, Wanted, dialogue_ids, dialogue_names, view_of, views
from engine.store.records import find_action, history_of

Ref = Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")]

COLUMNS = ("ref", "action", "responsible", "state", "due", "late", "conditions")
"""The list for people; `late` is in working days."""


def actions(
    dialogue: Annotated[str | None, typer.Option(help="Name or code of one dialogue.")] = None,
    state: Annotated[State | None, typer.Option(help="Only actions in this state.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is overdue.")] = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """List actions as they stand."""
    with opened(as_of) as (services, now), then(services, as_of, now) as connection:
        directory = services.directory(connection)
        if dialogue and not dialogue_ids(connection, dialogue):
            raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
        wanted = Wanted(dialogue=dialogue, state=state, overdue=overdue)
        found = list(views(directory, wanted, now, services.thresholds))
    if as_json:
        say_json([view.as_dict() for view in found])
        return
    table(
        f"{several(len(found), 'action')}, as of {now:%Y-%m-%d %H:%M} UTC",
        COLUMNS,
        [_line(view) for view in found],
        whole=("ref", "state", "due", "late"),
    )


def show(ref: Ref, as_of: AsOf = "", as_json: Json = False) -> None:
    """One action: where it stands, its dates, what was said of it."""
    from engine.store.telling import told_about  # noqa: PLC0415 - not for the lists and counts
    from workflows.clarify import clarifications_of  # noqa: PLC0415

    with opened(as_of) as (services, now), then(services, as_of, now) as connection:
        directory = services.directory(connection)
        action = find_action(connection, ref)
        view = view_of(directory, action, now, services.thresholds)
        told = told_about(connection, action.id)
        moved = [e for e in history_of(connection, action.id) if e.kind == "rescheduled"]
        dates = [json.loads(event.payload)["from"] for event in moved]
        facts: dict[str, Any] = {
            **view.as_dict(),
            "handling": action.handling,
            "reported_level": action.reported_level,
            "verified_level": action.verified_level,
            "waiting": action.waiting,
            "review_on": action.review_on,
            "blocker": action.blocker,
            "earlier_due_dates": dates,
            "days_over_original": view.standing.days_over_original,
            "next_check_at": action.next_check_at,
            "clarifications": [
                each.as_dict() for each in clarifications_of(connection, directory, action)
            ],
            **_weighed(directory, action, now),
            "notices": told,
        }
    if as_json:
        say_json(facts)
        return
    apart = {"notices", "clarifications", "evidence"}
    pairs(f"{action.ref}  {action.title}", {k: v for k, v in facts.items() if k not in apart})
    if facts["clarifications"]:
        table(
            "Clarifications",
            ("#", "words", "by", "assented", "missing"),
            [(each["number"], each["words"], each["by"], each["assented"], each["missing"])
             for each in facts["clarifications"]],
            whole=("#",),
        )  # fmt: skip
    if facts["evidence"]:
        table(
            "Evidence",
            ("sha256", "bears", "what", "by", "note"),
            [(each["sha256"][:12], each["bearing"], each["media_type"], each["by"], each["note"])
             for each in facts["evidence"]],
            whole=("sha256", "bears"),
        )  # fmt: skip
    if told:
        table(
            "Notices",
            ("rung", "to", "decided (UTC)", "status", "outcome"),
            [(row["rung"], row["to"], _minute(row["decided_at"]), row["status"], row["outcome"])
             for row in told],
            whole=("rung", "decided (UTC)", "status"),
        )  # fmt: skip


def _weighed(directory: Directory, action: Action, now: datetime) -> dict[str, Any]:
    """What keeps it back or speaks against it: quiet days, releases asked for, evidence."""
    from engine.bearing import contradicted  # noqa: PLC0415 - not for the lists and counts
    from engine.sensitive import quiet_until  # noqa: PLC0415
    from engine.store.evidence import evidence_about  # noqa: PLC0415
    from engine.store.releases import asked_of, rungs_asked  # noqa: PLC0415
    from engine.store.sensitive import sensitive_of  # noqa: PLC0415

    connection = directory.connection
    today = directory.today(action.dialogue_id, now)
    days = [kept.day for kept in sensitive_of(connection, [action.dialogue_id])]
    rungs = rungs_asked(connection, action)
    asked = asked_of(connection, directory, action, rungs) if rungs else ()
    return {
        "quiet_until": quiet_until(days, today, going_up=True),
        "releases": [each.as_dict() for each in asked],
        "contradicted": contradicted(action, history_of(connection, action.id)),
        "evidence": [each.as_dict() for each in evidence_about(connection, action.id)],
    }


def history(ref: Ref, as_json: Json = False) -> None:
    """Everything that happened to one action, oldest first."""
    from engine.replay import words_said  # noqa: PLC0415 - not for the lists and counts

    with opened() as (services, _now), services.database.read() as connection:
        action = find_action(connection, ref)
        events = history_of(connection, action.id)
    rows = [
        {"seq": e.seq, "kind": e.kind, "at": e.at.isoformat(), "by": e.by,
         "payload": json.loads(e.payload), "hash": e.hash.hex()}
        for e in events
    ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    table(
        f"{action.ref}  {action.title}",
        ("#", "when (UTC)", "what", "who", "said"),
        [
            (r["seq"], f"{e.at:%Y-%m-%d %H:%M}", r["kind"], r["by"], words_said(r["payload"]))
            for r, e in zip(rows, events, strict=True)
        ],
        whole=("#", "when (UTC)"),
    )


def status(as_of: AsOf = "", as_json: Json = False) -> None:
    """Count what stands where."""
    from engine.store.counting import count  # noqa: PLC0415 - no other command counts

    with opened(as_of) as (services, now), then(services, as_of, now) as connection:
        counts = count(services.directory(connection), now, services.thresholds)
    if as_json:
        say_json(
            {
                "as_of": now.isoformat(),
                "total": counts.total,
                "by_state": counts.by_state,
                "conditions": counts.conditions,
                "by_dialogue": counts.by_dialogue,
            }
        )
        return
    table(
        f"{several(counts.total, 'action')}, as of {now:%Y-%m-%d %H:%M} UTC",
        ("dialogue", "total", "overdue", "states"),
        [
            (name, own.get("total", 0), own.get("overdue", 0),
             {state: own[state] for state in counts.by_state if own.get(state)})
            for name, own in counts.by_dialogue.items()
        ],
        whole=("total", "overdue"),
    )  # fmt: skip
    pairs("Conditions", counts.conditions)


def _line(view: View) -> tuple[object, ...]:
    """One action in the list for people; that it is overdue is said by its days."""
    action, stands = view.action, view.standing
    said: list[str] = [condition for condition in stands.conditions if condition != "overdue"]
    if view.rung_sent:
        said.append(f"{view.rung_sent} sent")
    late = stands.days_overdue if stands.overdue else ""
    return (
        action.ref, _short(action.title), _short(view.responsible), action.state, action.due_on,
        late, said,
    )  # fmt: skip


def _minute(instant: str) -> str:
    return instant[: len("2026-11-23T09:00")].replace("T", " ")


def _short(text: str) -> str:
    return f"{text[:69]}…" if len(text) > 70 else text  # noqa: PLR2004 - one line
