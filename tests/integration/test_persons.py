"""People change and promises stay: new holders, absences, and what is forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import func, select

from config.settings import RetentionPart
from engine.action import State
from engine.answer import Answer, Origin, Verb
from engine.errors import BadValue
from engine.history import first_break
from engine.store.answer_tables import answers, links
from engine.store.outbox_tables import deliveries, heartbeats, messages
from engine.store.records import history_of
from engine.store.tables import events, people
from workflows.answers import Given, take_answer
from workflows.audit import audit
from workflows.persons import Holder, about, be_absent, forget, hand_over, retain

NOW = at(MONDAY)
NEW = Holder(email="new.chief@post.example")


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.services = replace(made.services, public_url="https://alkawari.example")
    made.plan(a_row(), a_row(ref="SAA-02", due=day(40)), a_row(ref="SAA-03", state="verified"),
              now=at(day(-20)))  # fmt: skip
    yield made
    made.close()


def is_whole(programme: Programme, ref: str = "SAA-01") -> bool:
    action = programme.action(ref)
    with programme.services.database.read() as connection:
        return not first_break(history_of(connection, action.id), action.head_hash, action.version)


def test_a_new_holder_takes_over_every_live_promise_and_is_told_of_each(programme):
    after = hand_over(programme.services, "chief", NEW, by="coord", now=NOW)

    assert after.email == "new.chief@post.example"
    for ref in ("SAA-01", "SAA-02"):
        assert programme.history(ref)[-1] == "holder_changed"
        assert programme.action(ref).answered_on is None
    assert "holder_changed" not in programme.history("SAA-03")
    programme.run(NOW)
    (mail,) = programme.postbox.texts("new.chief@post.example")
    assert "SAA-01" in mail
    assert "SAA-02" in mail
    assert not programme.postbox.texts("chief@post.example")


def test_a_new_holder_is_not_reminded_of_what_another_left(programme):
    hand_over(programme.services, "chief", NEW, by="coord", now=at(day(2)))
    for offset in range(2, 9):
        programme.run(at(day(offset)))
    assert "R1" not in [rung for rung, _who in programme.said()]

    for offset in range(9, 12):
        programme.run(at(day(offset)))
    assert ("R1", "chief") in programme.said()


def test_the_links_of_the_former_holder_close(programme):
    programme.run(at(day(3)))
    assert programme.rows(select(func.count()).select_from(links))[0][0] > 0
    hand_over(programme.services, "chief", NEW, by="coord", now=at(day(3)))
    rows = programme.rows(select(links.c.revoked_at))
    assert all(row.revoked_at is not None for row in rows)


def test_only_a_coordinator_of_the_dialogue_changes_who_holds_a_post(programme):
    for who in ("mayor", "deputy"):
        with pytest.raises(BadValue, match="only a coordinator"):
            hand_over(programme.services, "chief", NEW, by=who, now=NOW)
    with pytest.raises(BadValue, match="give an e-mail"):
        hand_over(programme.services, "chief", Holder(), by="coord", now=NOW)
    assert programme.history()[-1] != "holder_changed"


def test_while_a_focal_point_is_away_the_alternate_is_written_to(programme):
    be_absent(programme.services, "chief", day(5), by="coord", now=NOW)
    programme.run(at(day(3)))
    assert ("R1", "deputy") in programme.said()
    assert ("R1", "chief") not in programme.said()

    for offset in range(4, 16):
        programme.run(at(day(offset)))
    assert ("R2", "chief") in programme.said()


def test_whoever_comes_back_early_is_written_to_again(programme):
    be_absent(programme.services, "chief", day(50), by="coord", now=NOW)
    be_absent(programme.services, "chief", None, by="coord", now=NOW)
    programme.run(at(day(3)))
    assert ("R1", "chief") in programme.said()


def test_who_has_nobody_to_stand_in_is_written_to_all_the_same(programme):
    programme.plan(a_row(ref="SAA-04", responsible="Elders"), now=at(day(-20)))
    be_absent(programme.services, "elder", day(50), by="coord", now=NOW)
    programme.run(at(day(3)))
    assert ("R1", "elder") in programme.said("SAA-04")


def answered(programme: Programme) -> None:
    take_answer(
        programme.services,
        Given(key="link:1", ref="SAA-01", by="chief", origin=Origin.LINK, source="Madame X",
              answer=Answer(verb=Verb.NOT_ME, named="Monsieur Y")),
        NOW,
    )  # fmt: skip


def test_what_is_erased_is_gone_and_the_history_is_whole(programme):
    programme.run(at(day(3)))
    answered(programme)
    before = programme.rows(select(func.count()).select_from(events))[0][0]

    done = forget(programme.services, "chief", by="coord", reason="asked for it", now=at(day(4)))

    assert done.messages >= 1
    assert done.answers == 1
    everything = str(
        programme.rows(select(people)) + programme.rows(select(answers))
        + programme.rows(select(messages)) + programme.rows(select(deliveries))
        + programme.rows(select(events))
    )  # fmt: skip
    for word in ("chief@post.example", "Madame X", "Monsieur Y"):
        assert word not in everything
    assert programme.rows(select(func.count()).select_from(events))[0][0] == before + 2
    assert programme.history()[-1] == "contact_erased"
    assert is_whole(programme)
    programme.run(at(day(30)))
    assert not [e for e in programme.postbox.taken[1:] if e.recipient == "chief@post.example"]


def test_after_an_erasure_the_coordinator_is_asked_to_call(programme):
    forget(programme.services, "chief", by="coord", reason="asked for it", now=at(day(1)))
    for offset in range(2, 20):
        programme.run(at(day(offset)))
    assert "call_task" in [row.kind for row in programme.notices()]


def test_everything_on_record_about_a_person_is_shown_to_them(programme):
    programme.run(at(day(3)))
    answered(programme)
    shown = about(programme.services, "chief")
    assert shown["person"]["email"] == "chief@post.example"
    assert shown["party"] == "Police post"
    assert [row["ref"] for row in shown["answers"]] == ["SAA-01"]
    assert shown["messages"][0]["recipient"] == "chief@post.example"
    assert {role["role"] for role in shown["roles"]} == {"focal_point", "verifier"}


def with_retention(programme: Programme, **days: int) -> None:
    settings = programme.services.settings.model_copy(update={"retention": RetentionPart(**days)})
    programme.services = replace(programme.services, settings=settings)


def test_old_bytes_are_given_up_and_who_was_told_what_stays(programme):
    programme.run(at(day(3)))
    notices = len(programme.notices())
    with_retention(programme, bodies_days=30, contacts_days=0)

    assert retain(programme.services, at(day(20))).bodies == 0
    assert retain(programme.services, at(day(40))).bodies >= 1
    assert retain(programme.services, at(day(40))).bodies == 0

    assert len(programme.notices()) == notices
    assert all(row.body == b"" for row in programme.rows(select(messages.c.body)))


def test_contacts_go_when_all_of_a_dialogue_has_been_over_for_long(programme):
    with_retention(programme, bodies_days=0, contacts_days=365)
    assert retain(programme.services, at(day(600))).persons == 0

    for ref in ("SAA-01", "SAA-02"):
        programme.move(ref, State.WITHDRAWN, "coord", NOW, reason="overtaken by events")
    assert retain(programme.services, at(day(300))).persons == 0
    gone = retain(programme.services, at(day(400))).persons
    assert gone > 0
    assert retain(programme.services, at(day(400))).persons == 0

    left = dict(programme.rows(select(people.c.key, people.c.email)))
    assert left["chief"] == ""
    assert left["coord"] != ""
    assert is_whole(programme)


def test_the_audit_does_the_retention_once_a_day(programme):
    programme.run(at(day(3)))
    with_retention(programme, bodies_days=30, contacts_days=0)
    audit(programme.services, at(day(40)))
    assert all(row.body == b"" for row in programme.rows(select(messages.c.body)))
    first = programme.rows(select(heartbeats.c.at).where(heartbeats.c.story == "retention"))
    audit(programme.services, at(day(40), 15))
    assert programme.rows(select(heartbeats.c.at).where(heartbeats.c.story == "retention")) == first
    audit(programme.services, at(day(41)))
    again = programme.rows(select(heartbeats.c.at).where(heartbeats.c.story == "retention"))
    assert again[0][0] == at(day(41))
