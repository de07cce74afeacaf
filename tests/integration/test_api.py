"""The API: who sees what, what counts once, and how it says no."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_desk import NOW, Desk, a_desk
from builders import day
from sqlalchemy import func, select

from engine.action import Level, State
from engine.store.answer_tables import answers
from engine.store.api_tables import Scope, api_keys
from engine.store.keys import revoke_key
from engine.store.outbox_tables import holds
from engine.store.requests import forget_requests


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with a_desk(database_url, tmp_path) as made:
        yield made


def refs(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["ref"] for each in answer.json()["data"]]


def is_problem(answer, status: int, words: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert words in found["detail"]


def test_a_stranger_gets_401_everywhere_and_the_document_holds_no_data(desk):
    stranger = desk.client()
    for path in ("/actions", "/actions/SAA-01", "/nothing", "/status", "/fingerprints"):
        is_problem(stranger.get(f"/api/v1{path}"), 401)
    is_problem(stranger.post("/api/v1/holds", json={"reason": "x"}), 401)
    is_problem(desk.client("alk_" + "x" * 50).get("/api/v1/actions"), 401, "not known")

    document = stranger.get("/api/v1/openapi.json")
    assert document.status_code == 200
    assert document.json()["openapi"].startswith("3.")
    assert "SAA" not in document.text.replace("SAA-07", "")


def test_a_key_that_has_ended_or_was_revoked_opens_nothing(desk):
    late = desk.client(desk.key(expires_at=NOW))
    key = desk.key()
    works = desk.client(key)
    assert works.get("/api/v1/dialogues").status_code == 200
    with desk.services.database.write() as connection:
        revoke_key(connection, key[:12], NOW)

    is_problem(late.get("/api/v1/dialogues"), 401)
    is_problem(works.get("/api/v1/dialogues"), 401)


def test_the_table_of_keys_holds_no_key(desk):
    key = desk.key()
    desk.client(key).get("/api/v1/dialogues")

    [row] = desk.programme.rows(select(api_keys))
    assert key not in str(row)
    assert key.startswith(row.prefix)
    assert row.used_at == NOW


def test_each_sees_what_the_handling_levels_permit(desk):
    assert refs(desk.by("coord").get("/api/v1/actions")) == [
        "SAA-01", "SAA-02", "SAA-03", "SAA-04", "SAA-05"
    ]  # fmt: skip
    deputy = desk.by("deputy").get("/api/v1/actions")
    assert refs(deputy) == ["SAA-01", "SAA-02", "SAA-03", "SAA-05"]
    assert refs(desk.by("elder").get("/api/v1/actions")) == ["SAA-01", "SAA-02", "SAA-05"]
    assert refs(desk.by("jcoord").get("/api/v1/actions")) == ["JOS-01"]
    listed = desk.by("manager").get("/api/v1/actions").json()["data"]
    titles = {each["ref"]: each["title"] for each in listed}
    assert titles == {
        "SAA-01": None, "SAA-02": "Light the road", "SAA-05": None, "JOS-01": None
    }  # fmt: skip


def test_what_may_not_be_known_looks_like_what_is_not_there(desk):
    elder = desk.by("elder")
    hidden, missing = elder.get("/api/v1/actions/SAA-04"), elder.get("/api/v1/actions/SAA-99")

    is_problem(hidden, 404)
    assert hidden.json() == missing.json()
    is_problem(elder.get("/api/v1/actions/JOS-01"), 404)
    is_problem(desk.post(elder, "/actions/SAA-04/dispute", {"reason": "no"}), 404)


def test_a_key_for_one_dialogue_reaches_no_other(desk):
    saaba = desk.by("manager", dialogue_id=1)
    names = [each["name"] for each in saaba.get("/api/v1/dialogues").json()["data"]]

    assert len(names) == 1
    assert len(desk.by("manager").get("/api/v1/dialogues").json()["data"]) == 2
    assert len({ref[:3] for ref in refs(saaba.get("/api/v1/actions"))}) == 1


def test_pages_follow_one_another_without_gap_or_double(desk):
    coordinator = desk.by("coord")
    found, path = [], "/api/v1/actions?limit=2"
    while path:
        page = coordinator.get(path)
        found += refs(page)
        path = page.json()["next"]

    assert found == ["SAA-01", "SAA-02", "SAA-03", "SAA-04", "SAA-05"]
    is_problem(coordinator.get("/api/v1/actions?limit=201"), 422, "limit")


def test_filters_are_those_of_the_command_line(desk):
    coordinator = desk.by("coord")
    assert refs(coordinator.get("/api/v1/actions?state=agreed")) == ["SAA-05"]
    assert refs(coordinator.get("/api/v1/actions?dialogue=saa&overdue=true")) == []
    assert refs(coordinator.get("/api/v1/actions?dialogue=Jos")) == []
    is_problem(coordinator.get("/api/v1/actions?state=unheard"), 422)


def test_a_whole_action_has_its_story_only_for_its_readers(desk):
    whole = desk.by("coord").get("/api/v1/actions/SAA-01")
    assert whole.headers["etag"] == f'"{whole.json()["version"]}"'
    assert whole.json()["story"]["commitment"] == "A gate that faces no church"
    assert whole.json()["story"]["verifier"] == "Town hall"
    assert whole.json()["responsible"] == "Police post"

    seen = desk.by("manager").get("/api/v1/actions/SAA-01").json()
    assert (seen["story"], seen["title"], seen["responsible"]) == (None, None, None)


def test_history_notices_answers_commitments_parties_and_counts_can_be_read(desk):
    coordinator = desk.by("coord")
    desk.programme.run(NOW + timedelta(days=3))
    history = coordinator.get("/api/v1/actions/SAA-01/history").json()["data"]
    assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
    assert coordinator.get("/api/v1/actions/SAA-01/notices").json()["data"]
    assert coordinator.get("/api/v1/actions/SAA-01/answers").json() == {"data": []}
    agreed = coordinator.get("/api/v1/commitments?limit=2").json()
    assert agreed["data"][0]["actions"] == ["SAA-01"]
    assert agreed["next"]
    parties = coordinator.get("/api/v1/parties?dialogue=Saaba").json()["data"]
    assert {"name": "Police post", "dialogue": "Saaba", "side": "security",
            "superior": "Region"} in parties  # fmt: skip
    assert coordinator.get("/api/v1/status").json()["total"] == 5
    is_problem(desk.by("elder").get("/api/v1/actions/SAA-03/history"), 404)
    is_problem(desk.by("manager").get("/api/v1/actions/SAA-01/history"), 403)


def test_what_is_closed_is_counted_in_totals_alone(desk):
    counts = desk.by("manager").get("/api/v1/status?dialogue=Saaba").json()

    assert counts["total"] == 5
    assert sum(counts["by_state"].values()) == 4
    assert desk.by("elder").get("/api/v1/status").json()["total"] == 0


def test_a_move_is_recorded_and_its_version_comes_back(desk):
    coordinator = desk.by("coord")
    version = coordinator.get("/api/v1/actions/SAA-05").headers["etag"]
    done = desk.post(coordinator, "/actions/SAA-05/move", {"to": "in_progress"}, if_match=version)

    assert done.status_code == 200, done.text
    assert done.json()["state"] == "in_progress"
    assert done.headers["etag"] != version
    assert desk.programme.action("SAA-05").state is State.IN_PROGRESS


def test_a_write_by_an_old_version_is_refused_and_without_one_too(desk):
    coordinator = desk.by("coord")
    version = coordinator.get("/api/v1/actions/SAA-01").headers["etag"]
    desk.programme.report("SAA-01", Level.MINIMUM, "chief", NOW)
    report = {"level": "intermediate", "note": "half of it"}

    stale = desk.post(coordinator, "/actions/SAA-01/report", report, if_match=version)
    is_problem(stale, 412, "changed by somebody else")
    headers = {"idempotency-key": "no-version"}
    missing = coordinator.post("/api/v1/actions/SAA-01/report", json=report, headers=headers)
    is_problem(missing, 428, "If-Match")
    weak = desk.post(coordinator, "/actions/SAA-01/report", report, if_match='W/"3"')
    is_problem(weak, 400, "ETag")
    assert desk.programme.action("SAA-01").reported_level is Level.MINIMUM


def test_the_same_request_counts_once_and_is_answered_alike(desk):
    coordinator = desk.by("coord")
    sent = {"reason": "the road is flooded", "due_on": day(30).isoformat()}
    first = desk.post(coordinator, "/actions/SAA-01/reschedule", sent, idempotency_key="once")
    again = desk.post(coordinator, "/actions/SAA-01/reschedule", sent, idempotency_key="once")
    other = desk.post(
        coordinator, "/actions/SAA-01/reschedule", {**sent, "reason": "another"},
        idempotency_key="once",
    )  # fmt: skip

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    is_problem(other, 422, "Idempotency-Key")
    assert desk.programme.history("SAA-01").count("rescheduled") == 1


def test_a_name_is_of_one_key_and_is_forgotten_in_time(desk):
    first, second = desk.by("coord"), desk.by("coord")
    sent = {"level": "minimum", "note": "begun"}
    assert desk.post(first, "/actions/SAA-01/report", sent, idempotency_key="a").status_code == 200
    after = desk.post(second, "/actions/SAA-01/report", sent, idempotency_key="a")
    assert "idempotency-replayed" not in after.headers
    with desk.services.database.write() as connection:
        assert forget_requests(connection, NOW + timedelta(days=1)) >= 1


def test_what_was_refused_is_judged_anew_under_the_same_name(desk):
    coordinator = desk.by("coord")
    sent = {"to": "verified", "method": "a visit", "seen": "the gate"}
    is_problem(
        desk.post(coordinator, "/actions/SAA-01/move", sent, idempotency_key="r"), 409, "SAA-01"
    )
    sent = {"to": "verified", "method": "a visit", "seen": "the gate"}
    desk.programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    mayor = desk.by("mayor")
    assert desk.post(mayor, "/actions/SAA-01/move", sent, idempotency_key="r").status_code == 200


def test_every_write_needs_a_name(desk):
    answer = desk.by("coord").post(
        "/api/v1/actions/SAA-01/acknowledge", json={}, headers={"if-match": "*"}
    )

    is_problem(answer, 400, "Idempotency-Key")


def test_a_key_for_reading_writes_nothing_and_one_for_writing_stops_no_dialogue(desk):
    reader, writer = desk.by("coord", Scope.READ), desk.by("coord", Scope.WRITE)
    is_problem(desk.post(reader, "/actions/SAA-01/acknowledge", {}), 403, "write")
    is_problem(desk.post(writer, "/holds", {"dialogue": "Saaba", "reason": "mourning"}), 403)
    assert desk.post(writer, "/holds", {"action": "SAA-01", "reason": "x"}).status_code == 200
    is_problem(desk.post(desk.by("coord", Scope.ADMIN), "/holds", {"reason": "all"}), 403)


def test_messages_are_held_and_let_go(desk):
    admin = desk.by("coord", Scope.ADMIN)
    held = desk.post(admin, "/holds", {"dialogue": "saa", "reason": "a funeral"})
    assert held.json() == {"scope": "SAA", "ended": 0}
    assert desk.programme.rows(select(func.count()).select_from(holds))[0][0] == 1
    assert desk.post(admin, "/holds/resume", {"dialogue": "Saaba"}).json()["ended"] == 1
    is_problem(desk.post(admin, "/holds/resume", {"dialogue": "Saaba"}), 422)


def test_only_who_may_do_a_deed_does_it(desk):
    elder, chief = desk.by("elder"), desk.by("chief")
    sent = {"due_on": day(40).isoformat(), "reason": "rain"}
    is_problem(desk.post(chief, "/actions/SAA-01/reschedule", sent), 403)
    is_problem(desk.post(elder, "/actions/SAA-01/report", {"level": "minimum", "note": "x"}), 403)
    report = desk.post(chief, "/actions/SAA-01/report", {"level": "minimum", "note": "begun"})
    assert report.status_code == 200
    assert desk.programme.action("SAA-01").reported_level is Level.MINIMUM


def test_an_answer_is_taken_like_one_by_a_link(desk):
    chief = desk.by("chief")
    sent = {"verb": "more_time", "until": day(20).isoformat(), "note": "the welder is ill"}
    done = desk.post(chief, "/actions/SAA-01/answers", sent, idempotency_key="an answer")
    again = desk.post(chief, "/actions/SAA-01/answers", sent, idempotency_key="an answer")

    assert done.json()["outcome"] == "noted"
    assert again.json() == done.json()
    assert desk.programme.rows(select(func.count()).select_from(answers))[0][0] == 1
    [kept] = desk.by("coord").get("/api/v1/actions/SAA-01/answers").json()["data"]
    assert (kept["verb"], kept["by"], kept["note"]) == ("more_time", "chief", sent["note"])


def test_only_a_coordinator_speaks_for_others(desk):
    sent = {"verb": "done", "note": "it stands", "source": "the chief, by telephone"}
    is_problem(desk.post(desk.by("chief"), "/actions/SAA-01/answers", sent), 403)
    done = desk.post(desk.by("coord"), "/actions/SAA-01/answers", sent)
    assert done.json()["state"] == "reported_done"


def test_a_plan_is_tried_then_taken_in_then_changes_nothing(desk):
    admin = desk.by("coord", Scope.ADMIN)
    plan = (
        "ref,dialogue,action,responsible,due\n"
        f"SAA-50,Saaba,Paint the gate,Police post,{day(30).isoformat()}\n"
    ).encode()

    def send(name: str, data: bytes = plan, **form: str):
        return admin.post(
            "/api/v1/import", files={"plan": ("plan.csv", data)}, data=form,
            headers={"idempotency-key": name},
        )  # fmt: skip

    assert send("try", dry_run="true").json()["created"] == 1
    is_problem(admin.get("/api/v1/actions/SAA-50"), 404)
    assert send("do").json()["created"] == 1
    assert send("do").headers["idempotency-replayed"] == "true"
    assert send("more").json() == {"rows": 1, "created": 0, "updated": 0, "unchanged": 1,
                                   "errors": []}  # fmt: skip
    bad = send("bad", plan.replace(day(30).isoformat().encode(), b"soon"))
    is_problem(bad, 422)
    assert bad.json()["errors"][0]["column"] == "due"
    is_problem(send("other", plan.replace(b"Saaba", b"Jos")), 403)
    is_problem(
        admin.post("/api/v1/import", files={"plan": ("p.exe", b"MZ")},
                   headers={"idempotency-key": "exe"}), 422,
    )  # fmt: skip


def test_an_import_needs_an_admin_key_and_yaml_the_whole_programme(desk):
    files = {"plan": ("plan.yaml", b"actions: []")}
    headers = {"idempotency-key": "y"}
    writer, admin = desk.by("coord"), desk.by("coord", Scope.ADMIN)
    is_problem(writer.post("/api/v1/import", files=files, headers=headers), 403, "admin")
    is_problem(admin.post("/api/v1/import", files=files, headers=headers), 403, "YAML")


def test_fingerprints_can_be_kept_and_checked_later(desk):
    coordinator = desk.by("coord")
    [(code, printed)] = coordinator.get("/api/v1/fingerprints").json()["fingerprints"].items()
    desk.programme.report("SAA-01", Level.MINIMUM, "chief", NOW)
    checked = coordinator.get(
        "/api/v1/verify", params={"dialogue": "Saaba", "fingerprint": printed}
    ).json()

    assert code == "SAA"
    assert checked["broken"] == []
    assert checked["checked"][0]["matches"]
    is_problem(coordinator.get("/api/v1/verify?dialogue=Jos"), 404)
    is_problem(coordinator.get("/api/v1/verify?dialogue=Saaba&fingerprint=no"), 422)
    is_problem(desk.by("chief").get("/api/v1/verify?dialogue=Saaba"), 403)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/actions/SAA-01/report", b"{", 400),
        ("/actions/SAA-01/report", b"\xff\xfe", 400),
        ("/actions/SAA-01/report", b"[" * 60_000, 400),
        ("/actions/SAA-01/report", b'{"level": "minimum", "note": "a\\u0000b"}', 422),
        ("/actions/SAA-01/report", b'{"level": "minimum", "note": "a\\ud800b"}', 422),
        ("/actions/SAA-01/report", '{"level": "minimum", "note": "a\u202eb"}'.encode(), 422),
        ("/actions/SAA-01/report", b'{"level": "minimum", "note": 7}', 422),
        ("/actions/SAA-01/report", b'{"level": "minimum", "note": "x", "more": 1}', 422),
        ("/actions/SAA-01/reschedule", b'{"due_on": "9999-12-31", "reason": "x"}', 422),
        ("/actions/SAA-01/reschedule", b'{"due_on": 1e308, "reason": "x"}', 422),
        ("/actions/SAA-01/report", b'"' + b"x" * 200_000 + b'"', 413),
        ("/actions/%00/report", b'{"level": "minimum", "note": "x"}', 422),
        ("/actions/SAA%ED%A0%80/report", b'{"level": "minimum", "note": "x"}', 422),
    ],
)
def test_whatever_comes_in_is_refused_in_one_sentence(desk, path, body, status):
    headers = {"idempotency-key": "bad", "if-match": "*", "content-type": "application/json"}
    answer = desk.by("coord").post(f"/api/v1{path}", content=body, headers=headers)

    is_problem(answer, status)
    assert "xxxx" not in answer.text


def test_who_asks_too_often_waits_and_others_do_not(database_url, tmp_path):
    with a_desk(database_url, tmp_path, api={"per_minute": 3}) as desk:
        busy, calm = desk.by("coord"), desk.by("coord")
        found = [busy.get("/api/v1/dialogues") for _ in range(4)]

        assert [each.status_code for each in found[:3]] == [200] * 3
        is_problem(found[3], 429, "wait")
        assert int(found[3].headers["retry-after"]) >= 1
        assert calm.get("/api/v1/dialogues").status_code == 200


def test_who_tries_keys_is_slowed_down_and_nobody_else_with_them(desk):
    stranger = desk.client("alk_guess")
    found = [stranger.get("/api/v1/dialogues").status_code for _ in range(25)]

    assert found[0] == 401
    assert found[-1] == 429
    assert desk.by("coord").get("/api/v1/dialogues").status_code == 200


def test_a_post_that_is_taken_over_takes_its_keys_along(desk):
    from workflows.persons import Holder, about, hand_over

    chief = desk.by("chief")
    [shown] = about(desk.services, "chief")["keys"]
    assert set(shown) == {"prefix", "name", "scope", "created_at", "used_at", "revoked_at"}
    assert chief.get("/api/v1/actions").status_code == 200
    hand_over(desk.services, "chief", Holder(email="new@post.example"), by="coord", now=NOW)

    is_problem(chief.get("/api/v1/actions"), 401)


def test_two_at_once_under_one_name_are_one(desk):
    from concurrent.futures import ThreadPoolExecutor

    key = desk.key()
    clients = [desk.client(key) for _ in range(6)]
    sent = {"level": "minimum", "note": "begun"}

    def ask(client):
        return desk.post(client, "/actions/SAA-01/report", sent, idempotency_key="at once")

    with ThreadPoolExecutor(len(clients)) as together:
        found = list(together.map(ask, clients))

    assert {each.status_code for each in found} == {200}
    assert sum("idempotency-replayed" not in each.headers for each in found) == 1
    assert desk.programme.history("SAA-01").count("reported") == 1


def test_a_person_reads_their_own_digests_and_nobody_elses(desk):
    from workflows.digest_round import send_digests

    at_work = NOW.replace(hour=14)
    send_digests(desk.services, at_work, 50)
    own = desk.by("coord").get("/api/v1/digests").json()["data"]
    theirs = desk.by("chief").get("/api/v1/digests").json()["data"]

    assert [each["kind"] for each in own] == ["coordinator"]
    assert own[0]["figures"]
    assert theirs == []
