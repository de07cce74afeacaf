"""Reminder runs as whole processes, beside a loop by hand; delivery alone, beside raw bytes."""

import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from ground import Files, Ground
from measure import ALKAWARI, Process, Row, Sample, added, in_turn, timed
from plenty import NOW, TODAY, Size, fill, make_due
from smtp_server import SmtpServer
from sqlalchemy import func, select
from sweeping import at_once

from engine.store.database import Database
from engine.store.outbox_tables import MessageStatus, NoticeStatus, messages, notices
from notifications.connection import Connection
from notifications.envelope import Envelope, Outcome
from notifications.mail_settings import MailSettings
from notifications.mailer import YagmailMailer

SENDER = "reminder@notify.example"
LOGIN = "of the benchmark"


def reminder_run(files: Files, size: Size, due: int, runs: int, connections: int) -> Iterator[Row]:
    """`due` things of so many people: sweep and deliver, two processes, beside the loop by hand."""
    url = files.new()
    database = Database(url)
    fill(database, size)
    make_due(database, size, due)
    database.close()
    folder = Path(tempfile.mkdtemp(prefix="sink-", dir=files.folder))
    with SmtpServer(folder=folder, trace=False) as sink:
        one, several = "sweep + deliver", f"sweep + deliver, {connections} connections"
        contenders = {
            "by hand": lambda: _by_hand(url, sink, size.people),
            one: lambda: _ours(files, url, sink, size.people, 1),
        }
        if connections > 1:
            contenders[several] = lambda: _ours(files, url, sink, size.people, connections)
        found = in_turn(runs, contenders)
    figure = f"reminder run, {due:,} due of {size.actions:,}, {size.people:,} people"
    reference = Row(figure=figure, what="loop by hand", samples=found["by hand"], items=size.people)
    yield reference
    for name in (one, several):
        if name in found:
            yield Row(
                figure=figure, what=name, samples=found[name], items=size.people,
                reference=reference,
            )  # fmt: skip


def several(ground: Ground, size: Size, runs: int) -> Iterator[Row]:
    """The same mails by one, two and four deliveries at once, of one connection each."""
    url = ground.new()
    database = Database(url)
    fill(database, size)
    make_due(database, size, size.people)
    database.close()
    at_once({"ALKAWARI_DATABASE_URL": url}, [["sweep"]])
    with _folder() as folder, SmtpServer(folder=folder, trace=False) as sink:
        found = in_turn(
            runs,
            {f"{count} at once": lambda count=count: _deliveries(ground, url, sink, size, count)
             for count in (1, 2, 4)},
        )  # fmt: skip
    reference: Row | None = None
    for name, samples in found.items():
        row = Row(
            figure=f"several deliveries, {ground.name}, {size.people:,} mails", what=name,
            samples=samples, items=size.people, reference=reference,
        )  # fmt: skip
        reference = reference or row
        yield row


def _deliveries(ground: Ground, url: str, sink: SmtpServer, size: Size, count: int) -> Sample:
    copy, before = ground.copy(url), len(sink.received())
    said = at_once(_settings(copy, sink), [["deliver"]] * count)
    mails = sink.received()[before:]
    _expect("mails", len(mails), size.people)
    _expect("recipients", len({mail["rcpt"] for mail in mails}), size.people)
    _expect_remembered(copy, size.people)
    ground.drop(copy)
    return Sample(wall_s=max(each["elapsed_s"] for each in said))


def _settings(url: str, sink: SmtpServer) -> dict[str, str]:
    return {
        "ALKAWARI_DATABASE_URL": url,
        "ALKAWARI_MAIL__HOST": sink.host,
        "ALKAWARI_MAIL__PORT": str(sink.port),
        "ALKAWARI_MAIL__SECURITY": "none",
        "ALKAWARI_MAIL__SENDER": SENDER,
    }


def _by_hand(url: str, sink: SmtpServer, expected: int) -> Sample:
    before = len(sink.received())
    process = Process()
    loop = Path(__file__).parent / "by_hand.py"
    sample = process.run(sys.executable, loop, url, str(sink.port), TODAY.isoformat())
    _expect("mails of the loop", len(sink.received()) - before, expected)
    return sample


def _ours(ground: Ground, url: str, sink: SmtpServer, expected: int, connections: int) -> Sample:
    copy, before = ground.copy(url), len(sink.received())
    several = {"ALKAWARI_DELIVERY__CONNECTIONS": str(connections)}
    process = Process(environment=_settings(copy, sink) | several)
    at = f"--as-of={NOW.isoformat()}"
    parts = [process.run(ALKAWARI, name, at, "--json") for name in ("sweep", "deliver")]
    print("  " + " + ".join(f"{part.wall_s:.2f}" for part in parts), file=sys.stderr)
    mails = sink.received()[before:]
    _expect("mails", len(mails), expected)
    _expect("recipients", len({mail["rcpt"] for mail in mails}), expected)
    _expect_remembered(copy, expected)
    ground.drop(copy)
    return added(parts)


def _expect_remembered(url: str, expected: int) -> None:
    database = Database(url)
    with database.read() as connection:
        sent = select(func.count()).where(messages.c.status == MessageStatus.SENT.value)
        open_ = select(func.count()).where(notices.c.status != NoticeStatus.SENT.value)
        _expect("messages marked as sent", connection.scalar(sent), expected)
        _expect("notices not sent", connection.scalar(open_), 0)
    database.close()


def _expect(what: str, found: int | None, expected: int) -> None:
    if found != expected:
        raise RuntimeError(f"{what}: {found} instead of {expected}")


def delivery(count: int, runs: int) -> Iterator[Row]:
    """`count` finished messages over verified TLS with login: our mailer beside raw bytes."""
    envelopes = [_envelope(number) for number in range(count)]
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    pem = b"".join([certificate.private_key_pem.bytes(),
                    *(part.bytes() for part in certificate.cert_chain_pems)])  # fmt: skip
    with _folder() as folder:
        trusted = folder / "authority.pem"
        authority.cert_pem.write_to_path(trusted)
        with SmtpServer(
            folder=folder, tls="starttls", cert=pem, user="us", password=LOGIN, trace=False
        ) as sink:
            settings = MailSettings(
                host=sink.host, port=sink.port, sender=SENDER, security="starttls", user="us",
                password=LOGIN, ca_file=str(trusted), recycle_after=count + 1,
            )  # fmt: skip
            found = in_turn(
                runs,
                {
                    "raw": lambda: timed(lambda: _raw(settings, envelopes)),
                    "mailer": lambda: timed(lambda: _mailer(settings, envelopes)),
                },
            )
            _expect("messages", len(sink.received()), 2 * (runs + 1) * count)
    figure = f"delivery of {count:,} finished messages, verified TLS, login, one connection"
    reference = Row(figure=figure, what="raw bytes", samples=found["raw"], items=count)
    yield reference
    yield Row(
        figure=figure, what="our mailer", samples=found["mailer"], items=count,
        reference=reference,
    )  # fmt: skip


def _raw(settings: MailSettings, envelopes: list[Envelope]) -> None:
    """The standard client's own `sendmail` on the connection that yagmail opened."""
    connection = Connection(settings)
    connection.login()
    if not isinstance(connection.smtp.sock, ssl.SSLSocket):
        raise TypeError("the connection is not secured")
    for envelope in envelopes:
        connection.smtp.sendmail(envelope.sender, [envelope.recipient], envelope.data)
    connection.close()


def _mailer(settings: MailSettings, envelopes: list[Envelope]) -> None:
    mailer = YagmailMailer(settings)
    for envelope in envelopes:
        outcome = mailer.deliver(envelope).outcome
        if outcome is not Outcome.SENT:
            raise RuntimeError(f"{envelope.message_id}: {outcome}")
    mailer.close()


def _envelope(number: int) -> Envelope:
    recipient, message_id = f"focal-{number}@post.example", f"<{number}.20261125@notify.example>"
    words = "Please tell us how it stands: done, a new date, or what is in the way.\r\n" * 40
    head = (
        f"From: Dialogue <{SENDER}>\r\nTo: {recipient}\r\nSubject: [Saaba] ACT-{number}\r\n"
        f"Message-ID: {message_id}\r\n\r\n"
    )
    data = (head + words).encode("ascii")
    return Envelope(sender=SENDER, recipient=recipient, data=data, message_id=message_id)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="alkawari-bench-") as folder:
        yield Path(folder)
