"""
Mails made to break whoever reads them.

Each of the large ones takes minutes or more where something is read twice for every sign; here each
ends within a second or two, and the limit of the test is far above that.
"""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reply_builders import CHIEF, CODE, INBOX, OUR_MARKERS, SENDER

from engine.answer import Verb
from notifications.reply import MOST_ATTACHMENTS, Reader, Received
from notifications.reply_days import days_in
from notifications.reply_parts import MOST_PARTS, parts_of
from notifications.reply_text import LONGEST, MOST_LINES, from_html, own_words
from notifications.reply_words import Asked, understand

TODAY = date(2026, 11, 23)
HEAD = f"From: {CHIEF}\r\nTo: answers+r{CODE}@programme.example\r\n".encode()
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
MIXED = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
DAEMON = (
    b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x\r\n"
    b"To: answers+b0123456789abcdef@programme.example\r\n"
)


def read(mail: bytes) -> Received:
    return Reader(inbox=INBOX, sender=SENDER, markers=OUR_MARKERS).read(mail)


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    )
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\nDone\r\n"


BOMBS = {
    "nested": nested(10_000),
    "mails in mails": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 50_000,
    "many headers": HEAD + b"X-A: b\r\n" * 500_000 + b"\r\nDone",
    "a long header": HEAD + b"X-A: " + b"a " * 2_000_000 + b"\r\n\r\nDone",
    "many parameters": HEAD + b"Content-Type: text/plain" + b";a" * 2_000_000 + b"\r\n\r\nDone",
    "encoded words": HEAD + b"Subject: " + b"=?utf-8?q?a?=\r\n " * 200_000 + b"\r\n\r\nDone",
    "half an encoded word": HEAD + b"Subject: " + b"=?a?q?" * 500_000 + b"\r\n\r\nDone",
    "comments in To": HEAD + b"To: " + b"(" * 1_000_000 + b"\r\n\r\nDone",
    "many writers": b"From: " + b"<a@b>," * 500_000 + b"\r\n\r\nDone",
    "many references": HEAD + b"References: " + b"<a@b> " * 500_000 + b"\r\n\r\nDone",
    "names in pieces": HEAD
    + b"Content-Disposition: attachment"
    + b"".join(b"; filename*%d*=x" % n for n in range(50_000))
    + b"\r\n\r\nDone",
    "On On On": HEAD + b"\r\n" + b"On " * 2_000_000,
    "lines of On": HEAD + b"\r\n" + b"On \r\n" * 1_000_000,
    "lines of Le": HEAD + b"\r\n" + (b"Le " * 1000 + b"\r\n") * 1000,
    "heads of mails": HEAD + b"\r\n" + b"From: a\r\nTo: b\r\n" * 200_000,
    "brackets": HEAD + b"\r\n" + b"1<@>:\r\n" * 500_000,
    "open tags": HTML + b"<" * 5_000_000,
    "comments": HTML + b"<!--" * 1_000_000,
    "styles": HTML + b"<style>" * 500_000,
    "quotations": HTML + b"<blockquote>" * 500_000,
    "entities": HTML + b"&amp;&#1;&" * 500_000,
    "boundaries": MIXED + b"--b\r\n\r\nx\r\n" * 500_000,
    "a boundary and spaces": MIXED + b"--b" + b" \t" * 2_000_000,
    "nearly boundaries": MIXED + (b"--b" + b" " * 1000 + b"x\r\n") * 5_000,
    "base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"RG9uZQ==\r\n" * 500_000,
    "soft breaks": HEAD
    + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"=\r\n" * 1_000_000,
    "marks": HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\na" + b"\xcc\x81" * 2_000_000,
    "breaks": HEAD + b"\n" * 5_000_000,
    "returns": HEAD + b"\r" * 5_000_000,
    "nothing": b"\0" * 5_000_000,
    "codes of a server": DAEMON + b"\r\n" + b"5.1.1 " * 1_000_000,
    "groups of a report": DAEMON
    + b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Action: failed\r\nStatus: 5.1.1\r\n\r\n" * 100_000,
    "verdicts": HEAD + b"Authentication-Results: " + b"dmarc=dmarc=" * 200_000 + b"\r\n\r\nDone",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_mail_made_to_take_for_ever_is_read_at_once(bomb):
    received = read(bomb)
    understand(received.text, [Asked(ref="SAA-01"), Asked(ref="SAA-02")], TODAY)

    assert len(received.text) <= LONGEST
    assert len(received.attachments) <= MOST_ATTACHMENTS
    assert len(parts_of(bomb)[1]) <= MOST_PARTS


PIECES = st.sampled_from(
    [
        b"From: a@b.example", b"To: answers+r0123456789abcdef@programme.example",
        b"Subject: stop 12",
        b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/report; boundary=b",
        b"Content-Type: message/delivery-status", b"Content-Type: message/rfc822",
        b"Content-Type: text/html; charset=utf-7", b"Content-Type: text/plain; charset=\xff",
        b"Content-Type: multipart/mixed; boundary*0=b; boundary*1*=%ff", b"Content-Type: /;=",
        b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment; filename*=x'y'%zz",
        b"Content-Disposition: attachment; filename*0*=utf-8''%ed%a0%80", b"Return-Path: <>",
        b"Subject: =?utf-8?b?////?= =?x?q?=zz?=", b"Action: failed", b"Status: 5.1.1",
        b"--b", b"--b--",
        b"", b"", b" folded", b"> quoted", b"Done", b"SAA-01 DONE V", b"<p>Done<blockquote>",
        b"On Monday a wrote:", "كتب".encode(), b"\xff\xfe",
        b"Authentication-Results: x; dmarc=fail",
        b"X-Failed-Recipients: a@b", b"Message-ID: <a@b>", b"In-Reply-To: <a@b> <c@d>",
        b"\0", b"\r",
    ]
)  # fmt: skip


@given(st.binary(max_size=2000) | st.lists(PIECES, max_size=30).map(b"\r\n".join))
@example(b"")
@example(b"\r\n\r\n")
@example(b"From: \xff\r\n\r\n\xff")
def test_no_bytes_break_the_reader(data):
    received = read(data)

    assert received.key.startswith("mail:")
    assert len(received.text) <= LONGEST
    assert len(received.text.splitlines()) <= MOST_LINES
    for understood in understand(received.text, [Asked(ref="SAA-01")], TODAY):
        assert understood.answer.verb in Verb


@given(st.text(max_size=500))
def test_no_words_break_what_reads_them(text):
    assert len(own_words(text, OUR_MARKERS)) <= LONGEST
    own_words(from_html(text), OUR_MARKERS)
    days_in(text, TODAY)

    understand(text, [], TODAY)
    understand(text, [Asked(ref="SAA-01"), Asked(ref="SAA-02")], TODAY)


QUOTATIONS = ["On", "wrote:", ">", "<", "@", "Le", "a écrit :", "Done", "From:", "To:", "--", "\n",
              " ", "1", "كتب:", "في"]  # fmt: skip


@given(st.lists(st.sampled_from(QUOTATIONS), max_size=60))
def test_what_stands_above_a_quotation_sign_is_never_lost(words):
    said = own_words("Done\n\n> " + " ".join(words).replace("\n", "\n> "), ())

    assert said == "Done"


def test_a_line_of_quotation_is_never_an_answer():
    assert own_words("> Done", ()) == ""
