"""What our mailer promises, against a real server process that misbehaves to order."""

import ast
import base64
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mail_builders import an_envelope, mailer_to, settings_for
from smtp_server import SmtpServer

from engine.errors import BadValue
from notifications.connection import Connection
from notifications.envelope import Envelope, Outcome, Phase, refused_address
from notifications.mailer import MailSettings, SharedMailer, YagmailMailer

ROOT = Path(__file__).resolve().parents[2]
FOR_EVER = 3600
STEP_BY_STEP_OR_NOT = pytest.mark.parametrize("pipelining", [True, False])


def test_three_messages_take_one_connection():
    with SmtpServer() as server:
        with mailer_to(server) as mailer:
            results = [mailer.deliver(an_envelope(number)) for number in (1, 2, 3)]

        assert [result.outcome for result in results] == [Outcome.SENT] * 3
        assert results[2].text == "2.0.0 Ok: queued as 3"
        assert (server.connections, len(server.said("EHLO")), len(server.said("QUIT"))) == (1, 1, 1)
        assert [entry["message_id"] for entry in server.received()] == [
            f"<rem.{number}@notify.example>" for number in (1, 2, 3)
        ]


@STEP_BY_STEP_OR_NOT
def test_a_reply_lost_after_the_dot_leaves_one_copy_and_an_unknown_outcome(pipelining):
    lost = [{"at": "dot", "accept": True, "drop": True, "times": 1}]

    with SmtpServer(lost, pipelining=pipelining) as server, mailer_to(server) as mailer:
        first, second = mailer.deliver(an_envelope(1)), mailer.deliver(an_envelope(2))

        assert (first.outcome, first.phase, first.code) == (Outcome.UNKNOWN, Phase.DOT, None)
        assert second.outcome is Outcome.SENT
        assert len(server.received()) == 2


@pytest.mark.parametrize("address", ["chief@", "a@x.example, b@x.example", "شرطة@x.example", ""])
def test_one_malformed_address_is_rejected_without_a_connection(address):
    with pytest.raises(BadValue) as caught:
        Envelope(sender="a@x.example", recipient=address, data=b"x", message_id="<1@x.example>")

    result = refused_address(caught.value)
    assert (result.outcome, result.phase) == (Outcome.REJECTED, Phase.ADDRESS)
    assert "@x.example" not in result.text


@STEP_BY_STEP_OR_NOT
@pytest.mark.parametrize("farewell", ["", "421 4.4.2 idle for too long"])
def test_a_kept_connection_that_the_server_closed_is_replaced_without_a_word(farewell, pipelining):
    idle = [{"at": "after", "reply": farewell, "drop": True}]

    with SmtpServer(idle, pipelining=pipelining) as server, mailer_to(server) as mailer:
        results = [mailer.deliver(an_envelope(number)) for number in (1, 2, 3)]

        assert [result.outcome for result in results] == [Outcome.SENT] * 3
        assert (len(server.received()), server.connections) == (3, 3)


def test_a_server_that_counts_messages_per_connection_gets_a_new_one():
    limit = [{"at": "mail", "beyond": 2, "reply": "421 4.7.0 too many", "drop": True}]

    with SmtpServer(limit) as server, mailer_to(server) as mailer:
        results = [mailer.deliver(an_envelope(number)) for number in range(5)]

        assert [result.outcome for result in results] == [Outcome.SENT] * 5
        assert (len(server.received()), server.connections) == (5, 3)


@pytest.mark.parametrize(
    ("changes", "connections"), [({"recycle_after": 2}, 3), ({"idle_s": 1e-9}, 5)]
)
def test_a_worn_connection_is_given_up_politely(changes, connections):
    with SmtpServer() as server:
        with mailer_to(server, **changes) as mailer:
            for number in range(5):
                mailer.deliver(an_envelope(number))

        assert len(server.received()) == 5
        assert (server.connections, len(server.said("QUIT"))) == (connections, connections)


def test_taking_leave_of_a_hung_server_is_bounded():
    with SmtpServer([{"at": "quit", "delay": FOR_EVER}]) as server:
        with mailer_to(server, timeout_s=FOR_EVER) as mailer:
            mailer.deliver(an_envelope())

        assert len(server.said("QUIT")) == 1


def test_a_program_that_forgets_to_close_ends_all_the_same():
    program = (
        "import sys; from mail_builders import *;"
        "mailer = YagmailMailer(MailSettings(host='127.0.0.1', port=int(sys.argv[1]),"
        "  security='none', sender=SENDER, timeout_s=3600));"
        "print(mailer.deliver(an_envelope()).outcome)"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])

    with SmtpServer([{"at": "quit", "delay": FOR_EVER}]) as server:
        ended = subprocess.run(
            [sys.executable, "-c", program, str(server.port)],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

        assert ended.stdout == "sent\n"
        assert server.said("QUIT") == []


def test_a_message_stopped_in_mid_sentence_never_runs_into_the_next():
    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGUSR1, stop)
    main = threading.main_thread().ident
    alarm = threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGUSR1))
    with SmtpServer([{"at": "data", "delay": FOR_EVER, "times": 1}], keep=True) as server:
        with mailer_to(server) as mailer:
            alarm.start()
            with pytest.raises(Stopped):
                mailer.deliver(an_envelope(1, "first@post.example"))
            result = mailer.deliver(an_envelope(2))
        signal.signal(signal.SIGUSR1, before)
        alarm.join()

        assert result.outcome is Outcome.SENT
        [entry] = server.received()
        assert base64.b64decode(entry["data"]) == an_envelope(2).data


def test_a_forked_child_speaks_on_a_connection_of_its_own():
    with SmtpServer() as server, mailer_to(server) as mailer:
        mailer.deliver(an_envelope(1))
        child = os.fork()
        if child == 0:
            sent = mailer.deliver(an_envelope(2)).outcome is Outcome.SENT
            os._exit(0 if sent else 1)
        _, status = os.waitpid(child, 0)
        result = mailer.deliver(an_envelope(3))

        assert (status, result.outcome) == (0, Outcome.SENT)
        assert len(server.received()) == 3
        assert server.connections == 2


def test_many_threads_with_a_mailer_each_never_mix_their_mail():
    def work(worker: int) -> None:
        with mailer_to(server) as mailer:
            for number in range(100):
                name = f"w{worker}n{number}@x.example"
                assert mailer.deliver(an_envelope(number, name, body=name)).outcome == "sent"

    with SmtpServer(keep=True) as server:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

        received = server.received()
        assert len({entry["rcpt"] for entry in received}) == len(received) == 400
        for entry in received:
            assert base64.b64decode(entry["data"]).count(entry["rcpt"].encode()) == 3


def test_a_mailer_used_by_two_threads_at_once_says_so():
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        port = listener.getsockname()[1]
        mailer = YagmailMailer(
            MailSettings(host="127.0.0.1", port=port, security="none", sender="a@x.example")
        )
        first = pool.submit(mailer.deliver, an_envelope())
        connection, _ = listener.accept()  # now the other thread waits for a greeting

        with pytest.raises(SharedMailer, match="a mailer of its own"):
            mailer.deliver(an_envelope())

        connection.sendall(b"421 4.3.2 busy\r\n")
        assert first.result().code == 421
        connection.close()


def test_yagmails_own_log_keeps_quiet():
    with SmtpServer() as server, mailer_to(server) as mailer:
        mailer.deliver(an_envelope())

    handlers = logging.getLogger("yagmail.log").handlers
    assert [type(handler) for handler in handlers] == [logging.NullHandler]


def test_only_an_envelope_can_be_sent():
    with SmtpServer() as server, mailer_to(server) as mailer:
        with pytest.raises(BadValue, match="only an Envelope"):
            mailer.deliver("/etc/passwd")
        connection = Connection(settings_for(server))
        for contents in ("/etc/passwd", ["/etc/passwd"], 3, None):
            with pytest.raises(BadValue, match="only an Envelope"):
                connection.send("a@x.example", None, contents)
        with pytest.raises(BadValue, match="as it is"):
            connection.send("chief@post.example", None, an_envelope(), "/etc/passwd")
        connection.close()

        assert server.received() == []


@pytest.mark.parametrize("body", [".", "..", ".\r\n.\r\nend", "a\r\n.b\r\n..c\r\n", "x" * 5000])
def test_every_byte_arrives_as_it_was_handed_over(body):
    envelope = an_envelope(body=body)

    with SmtpServer(keep=True) as server, mailer_to(server) as mailer:
        mailer.deliver(envelope)

        [entry] = server.received()
        assert base64.b64decode(entry["data"]) == envelope.data


def test_lone_line_ends_cannot_smuggle_a_second_message():
    data = b"Subject: x\n\nfirst\n.\nMAIL FROM:<evil@x.example>\r.\rend"
    envelope = Envelope(
        sender="a@x.example", recipient="b@x.example", data=data, message_id="<1@x.example>"
    )

    with SmtpServer(keep=True) as server, mailer_to(server) as mailer:
        mailer.deliver(envelope)

        [entry] = server.received()
        assert base64.b64decode(entry["data"]) == (
            b"Subject: x\r\n\r\nfirst\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\r\nend\r\n"
        )


def test_a_message_above_the_servers_limit_is_refused_before_it_is_announced():
    with SmtpServer(size=1000) as server, mailer_to(server) as mailer:
        result = mailer.deliver(an_envelope(1, body="x" * 2000))
        following = mailer.deliver(an_envelope(2))

        assert (result.outcome, result.phase, result.code) == (Outcome.REJECTED, Phase.SIZE, 552)
        assert following.outcome is Outcome.SENT
        assert len(server.said("MAIL")) == 1


def test_what_the_server_says_is_kept_as_one_line_without_addresses():
    reply = "550 5.1.1 <chief@post.example>:\x1b[31m user\u202e unknown " + "x" * 600

    with SmtpServer([{"at": "rcpt", "reply": reply}]) as server, mailer_to(server) as mailer:
        result = mailer.deliver(an_envelope())

    assert result.text.startswith("5.1.1 [address]: [31m user unknown xxx")
    assert len(result.text) == 300
    assert result.text.isprintable()


def test_no_source_file_imports_smtplib():
    sources = [
        path
        for part in ("cli", "web", "workflows", "config", "notifications", "engine")
        for path in (ROOT / part).rglob("*.py")
    ]

    imported = {
        name.split(".")[0]
        for path in (*sources, *(ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert "yagmail" in imported
    assert "smtplib" not in imported
