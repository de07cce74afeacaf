"""A real mailbox: how it is reached, what is read of it, and that nothing in it is changed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from imap_server import PASSWORD, USER, ImapServer
from reply_builders import INBOX, a_reply, recorded
from sqlalchemy import func, select

from config.settings import InboxPart, Settings
from config.wiring import Services, build
from engine.answer import Verb
from engine.codes import code
from engine.errors import BadValue
from engine.store.answer_tables import answers, inbound
from engine.store.database import Database
from notifications.imap import BEGINNING, LARGEST, ImapInbox
from notifications.inbox import InboxDown, InboxSettings, Place
from workflows.collect import collect
from workflows.doctor import examine

TODAY = date(2026, 11, 23)
NOW, LATER = at(MONDAY), at(MONDAY, 14)
CHIEF = "chief@post.example"


def settings(server: ImapServer, **changes: Any) -> InboxSettings:
    given: dict[str, Any] = {
        "address": INBOX, "host": "127.0.0.1", "port": server.tls_port, "user": USER,
        "password": PASSWORD, "security": "tls", "ca_file": str(server.ca_file),
    }  # fmt: skip
    return InboxSettings(**{**given, **changes})


def part(server: ImapServer, **changes: Any) -> dict[str, Any]:
    given = settings(server)
    return {
        "address": given.address, "host": given.host, "port": given.port, "user": given.user,
        "password": given.password, "security": given.security, "ca_file": given.ca_file, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_mailbox_is_read_over_each_sort_of_connection(imap_server, security):
    imap_server.put(a_reply("Done"))
    port = imap_server.tls_port if security == "tls" else imap_server.port
    inbox = ImapInbox(settings(imap_server, security=security, port=port))

    waiting = inbox.waiting(None, date.today(), 10)  # noqa: DTZ011 - the server's own day
    [fetched] = inbox.fetch(waiting.uids)
    inbox.close()

    assert b"Done" in fetched.data
    assert fetched.whole
    assert imap_server.flags() == [set()]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"password": "wrong"}, "login"),
        ({"folder": "no such folder"}, "folder"),
        ({"ca_file": ""}, "tls"),
        ({"port": 1}, "connect"),
    ],
)
def test_what_cannot_be_reached_says_where_it_failed(imap_server, changes, where):
    with pytest.raises(InboxDown) as raised:
        ImapInbox(settings(imap_server, **changes))

    assert raised.value.where == where
    assert PASSWORD not in str(raised.value)
    assert USER not in str(raised.value)


def test_a_certificate_for_another_name_is_refused(imap_server, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", _to_here)

    with pytest.raises(InboxDown, match="tls"):
        ImapInbox(settings(imap_server, host="imap.programme.example"))


def _to_here(_host: str, port: int, *_rest: object, **_named: object) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_a_server_that_says_nothing_is_left_after_the_timeout(imap_server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mute = settings(imap_server, security="none", port=port, timeout_s=0.2)
        with pytest.raises(InboxDown):
            ImapInbox(mute)


@pytest.mark.parametrize(
    "changes",
    [
        {"security": "none", "host": "imap.programme.example"},
        {"user": ""},
        {"password": ""},
        {"address": "answers+x@programme.example"},
        {"address": "answers"},
        {"port": 0},
        {"folder": "IN\r\nBOX"},
        {"ca_file": "no/such/file"},
    ],
)
def test_settings_that_cannot_work_are_refused_with_one_sentence(imap_server, changes):
    with pytest.raises(BadValue) as raised:
        settings(imap_server, **changes).tls_context()

    assert str(raised.value).startswith("inbox.") or "answers" in str(raised.value)


def test_what_is_new_comes_first_and_what_nobody_read_after_it(imap_server):
    for number in range(4):
        imap_server.put(a_reply(f"{number}"), *([r"\Seen"] if number in {0, 3} else []))
    inbox = ImapInbox(settings(imap_server))

    validity = inbox.waiting(None, date.today(), 9).validity  # noqa: DTZ011 - as above
    first, second, third, fourth = 1, 2, 3, 4
    assert inbox.waiting(Place(validity, 2), TODAY, 9).uids == (third, fourth, second)
    assert inbox.waiting(Place(validity, 4), TODAY, 9).uids == (second, third)
    assert inbox.waiting(Place(validity - 1, 4), TODAY, 9).uids == (first, second, third, fourth)
    cut = inbox.waiting(Place(validity, 0), TODAY, 3)
    assert (cut.uids, cut.more) == ((first, second, third), True)
    inbox.close()


def test_of_a_large_mail_only_the_beginning_is_read(imap_server):
    imap_server.put(a_reply("Done") + b"x" * LARGEST)
    imap_server.put(a_reply("Small"))
    inbox = ImapInbox(settings(imap_server))

    large, small = inbox.fetch([1, 2])
    inbox.close()

    assert len(large.data) == BEGINNING
    assert large.size > LARGEST
    assert not large.whole
    assert small.whole


def test_marking_deletes_nothing_that_somebody_else_marked(imap_server):
    imap_server.put(a_reply("Done"))
    imap_server.put(a_reply("Old"), r"\Deleted")
    inbox = ImapInbox(settings(imap_server))

    inbox.mark([1], seen=True, flagged=True)
    inbox.close()

    assert imap_server.flags() == [{r"\Seen", r"\Flagged"}, {r"\Deleted"}]


def test_a_mail_that_is_gone_is_left_out(imap_server):
    imap_server.put(a_reply("Done"))
    inbox = ImapInbox(settings(imap_server))

    assert [fetched.uid for fetched in inbox.fetch([1, 2, 99])] == [1]
    inbox.close()


@pytest.fixture
def programme(imap_server: ImapServer, tmp_path: Path):
    made = a_programme(f"sqlite:///{tmp_path / 'alkawari.db'}", tmp_path, inbox=part(imap_server))
    yield made
    made.close()


def reminded(programme: Programme, count: int = 1) -> str:
    """Remind the chief of so many actions; the code in the message."""
    rows = [a_row(ref=f"SAA-{n:02}", due=day(-5)) for n in range(1, count + 1)]
    programme.plan(*rows, now=NOW)
    programme.run(NOW)
    [envelope] = [e for e in programme.postbox.taken if e.recipient == CHIEF]
    return envelope.sender.removeprefix("answers+b").partition("@")[0]


def counted(programme: Programme) -> int:
    [row] = programme.rows(select(func.count()).select_from(answers))
    return int(row[0])


def test_a_mailbox_that_was_set_up_anew_brings_nothing_twice(imap_server, programme):
    reply = reminded(programme)
    imap_server.put(a_reply("Done", code=reply))
    assert collect(programme.services, LATER).answers == 1

    imap_server.stop()
    imap_server.start()
    imap_server.move_all_to_another_validity()
    done = collect(programme.services, LATER)

    assert done.as_dict() == {"answers": 0, "bounces": 0, "ignored": 0}
    assert counted(programme) == 1


def test_the_reports_of_a_real_server_are_taken_for_what_they_are(imap_server, programme):
    reminded(programme)
    for name in ("postfix-unknown-user", "postfix-delayed"):
        imap_server.put(recorded(name).replace(b"\n", b"\r\n"))

    collect(programme.services, LATER)

    became = [row.became for row in programme.rows(select(inbound).order_by(inbound.c.id))]
    assert became == ["unplaced", "unplaced"]  # bounces of messages of somebody else
    assert imap_server.flags() == [{r"\Seen", r"\Flagged"}] * 2


def test_several_readers_at_once_take_each_mail_in_once(imap_server, database_url, tmp_path):
    programme = a_programme(database_url, tmp_path, inbox=part(imap_server))
    reply = reminded(programme, 12)
    for number in range(1, 13):
        imap_server.put(a_reply(code(f"SAA-{number:02}", Verb.DONE, "en"), code=reply))
    before = imap_server.flags()
    done: list[int] = []

    def read() -> None:
        own = replace(
            programme.services, database=Database(programme.services.settings.database_url)
        )
        done.append(collect(own, LATER).answers)
        own.database.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # A reader that had to wait too long for another leaves its mail for the next time.
    done.append(collect(programme.services, LATER).answers)
    assert len(before) == 12
    assert sum(done) == 12
    assert counted(programme) == 12
    assert imap_server.flags() == [{r"\Seen"}] * 12
    programme.close()


def test_a_reader_that_is_killed_loses_and_doubles_nothing(imap_server, programme, tmp_path):
    reply = reminded(programme, 12)
    for number in range(1, 13):
        imap_server.put(a_reply(code(f"SAA-{number:02}", Verb.DONE, "en"), code=reply))

    kills = 0
    while counted(programme) < 12:
        before = counted(programme)
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("alkawari")), "collect", "--json"],
            cwd=tmp_path, env={**os.environ, **environment(imap_server, programme.services)},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and counted(programme) < before + 4:
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()

    assert kills
    assert collect(programme.services, LATER).answers == 0
    rows = programme.rows(select(answers.c.action_id))
    assert len(rows) == len(set(rows)) == 12
    assert imap_server.flags() == [{r"\Seen"}] * 12


def environment(server: ImapServer, services: Services) -> dict[str, str]:
    """The settings for a command of its own."""
    given = {f"ALKAWARI_INBOX__{name.upper()}": str(v) for name, v in part(server).items()}
    return {
        **given,
        "ALKAWARI_DATABASE_URL": services.settings.database_url,
        "ALKAWARI_MAIL__SENDER": services.office.sender,
    }


def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **inbox: Any) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    for name, value in inbox.items():
        monkeypatch.setenv(f"ALKAWARI_INBOX__{name.upper()}", str(value))
    (tmp_path / "alkawari-data").mkdir(exist_ok=True)
    return {finding.check: finding for finding in examine(None)}


def test_the_doctor_looks_into_the_mailbox_and_leaves_it_as_it_is(
    imap_server, tmp_path, monkeypatch
):
    imap_server.put(a_reply("Done"))

    found = examined(tmp_path, monkeypatch, **part(imap_server))["mailbox"]

    assert (found.state, "1 mails" in found.says) == ("well", True)
    assert imap_server.flags() == [set()]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"password": "wrong"}, "login"),
        ({"port": 1}, "connect"),
        ({"folder": "nowhere"}, "folder"),
        ({"host": ""}, "nobody reads them"),
    ],
)
def test_the_doctor_says_what_keeps_the_mailbox_shut(
    imap_server, tmp_path, monkeypatch, changes, says
):
    found = examined(tmp_path, monkeypatch, **part(imap_server, **changes))["mailbox"]

    assert found.state == "wrong"
    assert says in found.says
    assert found.advice


def test_the_settings_of_the_file_make_a_mailbox(imap_server, sqlite_url):
    services = build(Settings(database_url=sqlite_url, inbox=InboxPart(**part(imap_server))))

    assert services.new_inbox
    services.new_inbox().close()
    services.database.close()
