"""What becomes of a message when the mail server refuses, hangs up or says nothing."""

import pytest
from mail_builders import an_envelope, mailer_to
from smtp_server import SmtpServer

from notifications.envelope import Outcome, Phase

FOR_EVER = 3600
STEP_BY_STEP_OR_NOT = pytest.mark.parametrize("pipelining", [True, False])

ROWS = [
    # at, reply, drop         → outcome, phase, code, whether the channel is to blame
    ("rcpt", "450 4.2.0 later", False, Outcome.RETRY, Phase.RCPT, 450, False),
    ("rcpt", "550 5.1.1 nobody", False, Outcome.REJECTED, Phase.RCPT, 550, False),
    ("rcpt", "530 5.7.0 log in", False, Outcome.RETRY, Phase.RCPT, 530, True),
    ("rcpt", "421 4.3.2 closing", True, Outcome.RETRY, Phase.RCPT, 421, False),
    ("connect", "421 4.3.2 busy", True, Outcome.RETRY, Phase.CONNECT, 421, True),
    ("connect", "554 5.3.2 no", True, Outcome.RETRY, Phase.CONNECT, 554, True),
    ("connect", "", True, Outcome.RETRY, Phase.CONNECT, None, True),
    ("mail", "421 4.3.2 closing", True, Outcome.RETRY, Phase.MAIL, 421, False),
    ("mail", "451 4.3.0 disk", False, Outcome.RETRY, Phase.MAIL, 451, False),
    ("mail", "550 5.7.1 not your sender", False, Outcome.RETRY, Phase.MAIL, 550, True),
    ("mail", "530 5.7.0 log in", False, Outcome.RETRY, Phase.MAIL, 530, True),
    ("mail", "552 5.3.4 too big", False, Outcome.REJECTED, Phase.SIZE, 552, False),
    ("mail", "nonsense", False, Outcome.RETRY, Phase.MAIL, None, False),
    ("mail", "", True, Outcome.RETRY, Phase.MAIL, None, False),
    ("rcpt", "", True, Outcome.RETRY, None, None, False),
    ("data", "", True, Outcome.RETRY, None, None, False),
    ("data", "451 4.3.0 disk", False, Outcome.RETRY, Phase.DATA, 451, False),
    ("data", "554 5.5.1 no", False, Outcome.REJECTED, Phase.DATA, 554, False),
    ("dot", "451 4.3.0 disk", False, Outcome.RETRY, Phase.DOT, 451, False),
    ("dot", "421 4.3.2 closing", True, Outcome.RETRY, Phase.DOT, 421, False),
    ("dot", "552 5.2.2 full", False, Outcome.REJECTED, Phase.DOT, 552, False),
    ("dot", "554 5.7.1 spam", False, Outcome.REJECTED, Phase.DOT, 554, False),
    ("dot", "", True, Outcome.UNKNOWN, Phase.DOT, None, False),
    ("dot", "nonsense", False, Outcome.UNKNOWN, Phase.DOT, None, False),
]


@STEP_BY_STEP_OR_NOT
@pytest.mark.parametrize("row", ROWS)
def test_each_fault_has_its_outcome_and_the_next_message_leaves(row, pipelining):
    at, reply, drop, outcome, phase, code, channel_down = row
    fault = [{"at": at, "reply": reply, "drop": drop, "times": 1}]

    with SmtpServer(fault, pipelining=pipelining) as server, mailer_to(server) as mailer:
        result = mailer.deliver(an_envelope(1, "unlucky@post.example"))
        following = mailer.deliver(an_envelope(2))

        assert (result.outcome, result.code) == (outcome, code)
        assert result.channel_down is channel_down
        # When a parcel is dropped, its replies may be lost with it: then the phase is earlier.
        assert result.phase is phase or (phase is None and result.phase in ("mail", at))
        assert following.outcome is Outcome.SENT
        assert [entry["rcpt"] for entry in server.received()] == ["chief@post.example"]


def test_a_connection_cut_in_the_middle_of_the_body_is_no_delivery():
    big = an_envelope(1, body="A long report.\r\n" * 500_000)

    with SmtpServer([{"at": "body", "drop": True, "times": 1}]) as server:
        with mailer_to(server) as mailer:
            result = mailer.deliver(big)

        assert (result.outcome, result.phase) == (Outcome.RETRY, Phase.BODY)
        assert server.received() == []


def test_every_tenth_recipient_refused_leaves_the_others_told():
    refuse = [{"at": "rcpt", "every": 10, "reply": "550 5.1.1 nobody"}]

    with SmtpServer(refuse) as server, mailer_to(server) as mailer:
        outcomes = [
            mailer.deliver(an_envelope(number, f"p{number}@x.example")).outcome
            for number in range(1, 41)
        ]

        assert outcomes.count(Outcome.REJECTED) == 4
        assert outcomes[9::10] == [Outcome.REJECTED] * 4
        assert (len(server.received()), server.connections) == (36, 1)


def test_a_server_that_loses_parcels_is_asked_one_by_one():
    with SmtpServer([{"at": "mail", "hurried": True, "drop": True}]) as server:
        with mailer_to(server) as mailer:
            results = [mailer.deliver(an_envelope(number)) for number in (1, 2, 3)]

        assert [result.outcome for result in results] == ["retry", "sent", "sent"]
        assert server.connections == 2


def test_a_refusal_that_leaves_with_the_connection_is_heard_in_the_end():
    rude = [{"at": "rcpt", "reply": "550 5.1.1 nobody", "drop": True}]

    with SmtpServer(rude) as server, mailer_to(server) as mailer:
        results = [mailer.deliver(an_envelope()) for _ in range(3)]

    assert results[-1].outcome is Outcome.REJECTED
    assert {result.outcome for result in results} <= {Outcome.RETRY, Outcome.REJECTED}


def test_a_server_that_wants_a_body_for_nobody_gets_none():
    odd = [
        {"at": "rcpt", "match": "^gone@", "reply": "550 5.1.1 nobody"},
        {"at": "data", "reply": "354 go on", "times": 1},
    ]

    with SmtpServer(odd) as server, mailer_to(server) as mailer:
        refused = mailer.deliver(an_envelope(1, "gone@post.example"))
        following = mailer.deliver(an_envelope(2))

        assert (refused.outcome, refused.code) == (Outcome.REJECTED, 550)
        assert following.outcome is Outcome.SENT
        assert (len(server.received()), server.connections) == (1, 2)


@STEP_BY_STEP_OR_NOT
@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("connect", Outcome.RETRY),
        ("ehlo", Outcome.RETRY),
        ("mail", Outcome.RETRY),
        ("rcpt", Outcome.RETRY),
        ("data", Outcome.RETRY),
        ("dot", Outcome.UNKNOWN),
    ],
)
def test_a_server_that_says_nothing_holds_us_no_longer_than_the_timeout(at, outcome, pipelining):
    hang = [{"at": at, "delay": FOR_EVER}]

    with SmtpServer(hang, pipelining=pipelining) as server:
        with mailer_to(server, timeout_s=0.3, dot_timeout_s=0.3) as mailer:
            result = mailer.deliver(an_envelope())

        assert (result.outcome, result.phase, result.code) == (
            outcome,
            "tls" if at == "ehlo" else at,
            None,
        )
        assert len(server.received()) == (1 if at == "dot" else 0)


def test_a_kept_connection_that_fell_silent_is_waited_for_once_only():
    silent = [{"at": "mail", "beyond": 1, "delay": FOR_EVER}]

    with SmtpServer(silent) as server, mailer_to(server, timeout_s=0.3) as mailer:
        results = [mailer.deliver(an_envelope(number)) for number in (1, 2)]

        assert [result.outcome for result in results] == ["sent", "retry"]
        assert server.connections == 1


def test_a_slow_last_reply_is_waited_for():
    slow = [{"at": "dot", "delay": 0.6}]

    with SmtpServer(slow) as server:
        with mailer_to(server, timeout_s=0.2, dot_timeout_s=30) as mailer:
            result = mailer.deliver(an_envelope())

        assert result.outcome is Outcome.SENT
        assert len(server.received()) == 1
