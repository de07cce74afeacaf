"""What sort of mail came in, from whom, about what, and which words are its writer's own."""

# ruff: noqa: RUF001 - these are the letters that people and programs type

import base64

import pytest
from reply_builders import (
    CHIEF,
    CODE,
    INBOX,
    OUR_MARKERS,
    QUOTED,
    SENDER,
    a_reply,
    raw,
    recorded,
)

from notifications.reply import SMALL_PICTURE, Reader, Received, Sort

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200


def read(mail: bytes, *, whole: bool = True) -> Received:
    return Reader(inbox=INBOX, sender=SENDER, markers=OUR_MARKERS).read(mail, whole=whole)


def test_a_reply_says_who_wrote_what_in_answer_to_which_message():
    received = read(a_reply(f"Done\n\n{QUOTED}", answers="<1.20261123.ab@programme.example>"))

    assert received.sort is Sort.REPLY
    assert received.sender == CHIEF
    assert received.code == CODE
    assert received.answers == ("<1.20261123.ab@programme.example>",)
    assert received.text == "Done"


GMAIL = """\
C'est fait.

Le lun. 23 nov. 2026 à 09:00, Alkawari <notify@programme.example> a écrit :

> — Merci d’écrire votre réponse au-dessus de cette ligne —
>
> Madame, Monsieur,
"""
GMAIL_WRAPPED = """\
C'est fait.

Le lun. 23 nov. 2026 à 09:00, Alkawari <
notify@programme.example> a écrit :

> Madame, Monsieur,
"""
OUTLOOK = """\
Done.

________________________________
From: Alkawari <notify@programme.example>
Sent: Monday, November 23, 2026 9:00 AM
To: Chief of post <chief@post.example>
Subject: [Saaba] Ref. SAA-01

Good day,
"""
OUTLOOK_FRENCH = """\
C'est fait.

De : Alkawari <notify@programme.example>
Envoyé : lundi 23 novembre 2026 09:00
À : Chef de poste
Objet : [Saaba] Réf. SAA-01

Madame, Monsieur,
"""
OUTLOOK_ARABIC = """\
تم

من: Alkawari <notify@programme.example>
تاريخ الإرسال: الاثنين، 23 نوفمبر 2026
إلى: chief@post.example
الموضوع: SAA-01

تحية طيبة
"""
THUNDERBIRD = """\
Done

On 23/11/2026 09:00, Alkawari wrote:
> Good day,
> SAA-01
"""
APPLE = """\
Done

Sent from my iPhone

> On 23 Nov 2026, at 09:00, Alkawari <notify@programme.example> wrote:
>
> Good day,
"""
GMAIL_ARABIC = """\
تم

في الاثنين، ٢٣ نوفمبر ٢٠٢٦ في ٩:٠٠ ص تمت كتابة ما يلي بواسطة Alkawari <notify@programme.example>:

> تحية طيبة
"""
APPLE_ARABIC = """\
تم

في ٢٣ نوفمبر ٢٠٢٦، الساعة ٩:٠٠ ص، كتب Alkawari <notify@programme.example>:

> تحية طيبة
"""
HAUSA = """\
An gama

A ranar Litinin, 23 Nuwamba 2026, Alkawari ya rubuta:
> Barka
"""
ORIGINAL_MESSAGE = """\
Done

-----Original Message-----
From: Alkawari
Good day,
"""
OUR_MARKER_ALONE = """\
Done
— Please write your answer above this line —

Good day,
"""
MARKER_WRAPPED = """\
Done
> — Please write your answer
> above this line —
"""
BELOW = f"""\
On 23/11/2026 09:00, Alkawari wrote:
{QUOTED}
Done
"""
OTHER_LANGUAGE = """\
Done

23.11.2026 klo 09.00 Alkawari <notify@programme.example> kirjoitti:
Good day,
"""
SIGNED = """\
Done
--
Chief of post
"""


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (GMAIL, "C'est fait."),
        (GMAIL_WRAPPED, "C'est fait."),
        (OUTLOOK, "Done."),
        (OUTLOOK_FRENCH, "C'est fait."),
        (OUTLOOK_ARABIC, "تم"),
        (THUNDERBIRD, "Done"),
        (APPLE, "Done"),
        (GMAIL_ARABIC, "تم"),
        (APPLE_ARABIC, "تم"),
        (HAUSA, "An gama"),
        (ORIGINAL_MESSAGE, "Done"),
        (OUR_MARKER_ALONE, "Done"),
        (MARKER_WRAPPED, "Done"),
        (BELOW, "Done"),
        (OTHER_LANGUAGE, "Done"),
        (SIGNED, "Done"),
        (QUOTED, ""),
        ("Done\n\nWe met on Monday.\nThe gate is open.", None),
        ("On Monday we opened the gate.\nAll is well.", None),
        ("Le 4 décembre nous aurons fini.", None),
        ("Date: 4 December", None),
    ],
)
def test_only_the_writers_own_words_are_read(body, own):
    assert read(a_reply(body)).text == (body if own is None else own)


def test_a_page_alone_is_read_as_text_without_its_quotation():
    page = """<html><head><style>p {color: red}</style></head><body><p>C&#39;est fait.</p>
        <div class="gmail_quote"><div>Le lun. 23 nov. 2026, Alkawari
        &lt;notify@programme.example&gt; a écrit&nbsp;:<br></div>
        <blockquote><p>Madame, Monsieur</p></blockquote></div></body></html>"""

    assert read(a_reply("", html=page)).text == "C'est fait."


def test_an_empty_text_beside_a_page_does_not_hide_the_page():
    assert read(a_reply(" \n", html="<p>Done</p>")).text == "Done"


@pytest.mark.parametrize(
    ("charset", "coding", "words"),
    [
        ("windows-1252", "8bit", "Terminé hier"),
        ("windows-1256", "8bit", "تم إنجاز العمل"),
        ("utf-8", "base64", "تم"),
        ("iso-8859-1", "quoted-printable", "Terminé"),
        ("utf-16", "base64", "Terminé"),
    ],
)
def test_words_are_read_in_whatever_letters_they_were_written(charset, coding, words):
    data = words.encode(charset)
    if coding == "base64":
        data = base64.encodebytes(data)
    elif coding == "quoted-printable":
        data = b"".join(b"=%02X" % byte for byte in data)
    head = f"""
From: {CHIEF}
To: answers+r{CODE}@programme.example
Content-Type: text/plain; charset={charset}
Content-Transfer-Encoding: {coding}
"""

    assert read(raw(head) + data).text == words


@pytest.mark.parametrize("charset", ["utf-8", "no-such-letters", "punycode", "zlib", '"'])
def test_letters_that_are_not_what_they_claim_are_read_as_well_as_can_be(charset):
    head = f"From: {CHIEF}\nTo: {INBOX}\nContent-Type: text/plain; charset={charset}"

    assert read(raw(head) + "Terminé".encode("windows-1252")).text == "Terminé"


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_code_is_found_in_whichever_header_names_our_address(header):
    mail = raw(f"From: {CHIEF}\n{header}: Us <ANSWERS+R{CODE.upper()}@Programme.Example>", "Done")

    assert read(mail).code == CODE


def test_another_mailbox_with_a_plus_sign_is_none_of_ours():
    assert not read(a_reply(to=f"answers+r{CODE}@elsewhere.example")).code
    assert not read(a_reply(to=f"xanswers+r{CODE}@programme.example.evil.example")).code


@pytest.mark.parametrize(
    ("headers", "sort"),
    [
        ({"Auto_Submitted": "auto-replied"}, Sort.AUTOMATIC),
        ({"Auto_Submitted": "auto-generated; owner=x"}, Sort.AUTOMATIC),
        ({"Auto_Submitted": "no"}, Sort.REPLY),
        ({"Precedence": "bulk"}, Sort.AUTOMATIC),
        ({"Precedence": "junk"}, Sort.AUTOMATIC),
        ({"Precedence": "list"}, Sort.MAILING_LIST),
        ({"List_Id": "<all.example>"}, Sort.MAILING_LIST),
        ({"X_Autoreply": "yes"}, Sort.AUTOMATIC),
        ({"X_Auto_Response_Suppress": "All"}, Sort.AUTOMATIC),
        ({"Return_Path": "<>"}, Sort.AUTOMATIC),
        ({"X_Loop": INBOX}, Sort.OWN),
        ({"sender": f"Alkawari <{SENDER}>"}, Sort.OWN),
        ({"sender": f"answers+b{CODE}@programme.example"}, Sort.OWN),
        ({"sender": "coordinator@programme.example"}, Sort.REPLY),
        ({"subject": "Automatic reply: [Saaba] Ref. SAA-01"}, Sort.AUTOMATIC),
        ({"subject": "Réponse automatique : [Saaba] Réf. SAA-01"}, Sort.AUTOMATIC),
        ({"subject": "رد تلقائي: [Saaba]"}, Sort.AUTOMATIC),
        ({"subject": "Amsa ta atomatik: [Saaba]"}, Sort.AUTOMATIC),
        ({"what": "s"}, Sort.STOP),
        ({"subject": "stop 12"}, Sort.STOP),
        ({"subject": "Re: stop the works 12"}, Sort.REPLY),
    ],
)
def test_what_no_person_wrote_is_told_from_an_answer(headers, sort):
    assert read(a_reply(**headers)).sort is sort


@pytest.mark.parametrize(
    "word", ["STOP", "stop.", "Unsubscribe", "Se désabonner", "إلغاء الاشتراك"]
)
def test_a_reply_of_one_word_can_ask_for_no_more_mails(word):
    assert read(a_reply(word)).sort is Sort.STOP


def test_the_person_whom_a_stop_request_names_is_read():
    assert read(a_reply(subject="stop 12")).stop_of == 12


@pytest.mark.parametrize(
    ("results", "doubted"),
    [
        ("mx.example; dmarc=fail (p=reject); spf=fail; dkim=none", True),
        ("mx.example; spf=fail smtp.mailfrom=x; dkim=none", True),
        ("mx.example; spf=fail; dkim=pass", False),
        ("mx.example; dmarc=pass; spf=fail", False),
        ("mx.example; none", False),
    ],
)
def test_what_our_mail_server_doubts_is_doubted(results, doubted):
    assert read(a_reply(Authentication_Results=results)).doubted is doubted


def test_a_mail_of_several_writers_is_of_nobody():
    assert read(a_reply(sender=f"{CHIEF}, mayor@hall.example")).sender == ""


def test_the_same_mail_has_one_key_however_it_came_and_another_mail_another():
    mail = a_reply("Done")
    copy = b"Delivered-To: somebody@else.example\r\nReceived: by x\r\n" + mail.replace(
        b"\n", b"\r\n"
    )

    assert read(mail).key == read(copy).key
    assert read(mail).key != read(mail.replace(b"Done", b"Gone")).key


def test_files_are_read_and_letter_paper_is_not():
    received = read(
        a_reply(
            files=(
                ("gate.png", PNG, "image/png"),
                ("signature.asc", b"x", "application/pgp-signature"),
            )
        )
    )
    assert [(a.name, a.data) for a in received.attachments] == [("gate.png", PNG)]


def test_a_small_picture_inside_of_a_page_is_letter_paper_and_a_large_one_is_not():
    for size, kept in ((100, 0), (SMALL_PICTURE + 1, 1)):
        head = f"""
From: {CHIEF}
To: answers+r{CODE}@programme.example
Content-Type: multipart/related; boundary=r
"""
        picture = base64.encodebytes(PNG + b"\0" * size).decode()
        body = f"""--r
Content-Type: text/html

<p>Done<img src="cid:a"></p>
--r
Content-Type: image/png; name="logo.png"
Content-ID: <a>
Content-Transfer-Encoding: base64

{picture}
--r--
"""
        assert len(read(raw(head, body)).attachments) == kept


@pytest.mark.parametrize(
    "said",
    [
        'filename="ph\'oto.png"',
        "filename*=utf-8''ph%27oto.png",
        'filename="=?utf-8?q?ph\'oto=2Epng?="',
        'filename*0="ph\'o"; filename*1="to.png"',
    ],
)
def test_names_of_files_are_read_in_every_spelling(said):
    head = f"From: {CHIEF}\nTo: {INBOX}\nContent-Disposition: attachment; {said}"
    head += "\nContent-Type: image/png"

    assert [a.name for a in read(raw(head, "x")).attachments] == ["ph'oto.png"]


def test_a_file_that_was_not_read_to_its_end_is_named_and_has_no_data():
    mail = a_reply(files=(("film.png", PNG * 100, "image/png"),))

    received = read(mail[: len(mail) // 2], whole=False)
    assert received.text == "Done"
    assert [(a.name, a.data) for a in received.attachments] == [("film.png", None)]


def test_a_forwarded_mail_is_no_text_of_the_answer():
    head = f"From: {CHIEF}\nTo: {INBOX}\nContent-Type: multipart/mixed; boundary=m"
    body = """--m
Content-Type: text/plain

See below
--m
Content-Type: message/rfc822

From: somebody@else.example
Content-Type: text/plain

Done
--m--
"""
    assert read(raw(head, body)).text == "See below"


def test_a_winmail_file_does_not_hide_the_words():
    received = read(a_reply(files=(("winmail.dat", b"\x78\x9f\x3e\x22", "application/ms-tnef"),)))

    assert received.text == "Done"
    assert [a.name for a in received.attachments] == ["winmail.dat"]


@pytest.mark.parametrize(
    ("name", "permanent", "status", "reason", "code"),
    [
        ("postfix-unknown-user", True, "5.1.1", 'unknown user: "chief"', CODE),
        ("postfix-mailbox-full", True, "5.2.2", "mailbox is full", "1111222233334444"),
        ("postfix-delayed", False, "4.2.2", "mailbox is full", "5555666677778888"),
    ],
)
def test_reports_of_a_real_postfix_are_read(name, permanent, status, reason, code):
    received = read(recorded(name))

    assert received.sort is Sort.BOUNCE
    assert received.code == code
    assert received.bounce
    assert (received.bounce.permanent, received.bounce.status) == (permanent, status)
    assert reason in received.bounce.reason
    assert "@" not in received.bounce.reason
    [message_id] = received.bounce.message_ids
    assert message_id.endswith(".20261123.a1b2c3d4e5@programme.example>")


EXIM = f"""
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@mx.post.example>
To: answers+b{CODE}@programme.example
X-Failed-Recipients: {CHIEF}
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
"""
EXIM_SAYS = f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its recipients.

  {CHIEF}
    all relevant MX records point to non-existent hosts
"""
EXIM_DELAY = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue. 451 4.7.1 try later
"""
GMAIL_SAYS = f"""** Address not found **

Your message wasn't delivered to {CHIEF} because the address couldn't be found.

The response from the remote server was:
550 5.1.1 The email account that you tried to reach does not exist.
"""
EXCHANGE_SAYS = """Delivery has failed to these recipients or groups:

The recipient's mailbox is full and can't accept messages now.

Remote Server returned '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceeded'
"""


@pytest.mark.parametrize(
    ("head", "body", "permanent", "status"),
    [
        (EXIM, EXIM_SAYS, True, ""),
        (EXIM, EXIM_DELAY, False, "4.7.1"),
        (EXIM.replace(f"X-Failed-Recipients: {CHIEF}\n", ""), GMAIL_SAYS, True, "5.1.1"),
        (EXIM.replace(f"X-Failed-Recipients: {CHIEF}\n", ""), EXCHANGE_SAYS, True, "5.2.2"),
    ],
    ids=["exim", "exim-delay", "gmail", "exchange"],
)
def test_reports_in_a_servers_own_words_are_believed_at_the_address_for_them(
    head, body, permanent, status
):
    bounce = read(raw(head, body)).bounce

    assert bounce
    assert (bounce.permanent, bounce.status) == (permanent, status)
    assert "@" not in bounce.reason


def test_an_absence_note_to_the_address_for_bounces_is_no_bounce():
    mail = a_reply("I am away until Monday.", what="b", Auto_Submitted="auto-replied")

    assert read(mail).sort is Sort.AUTOMATIC
    assert read(a_reply("Done", what="b")).sort is Sort.REPLY


def test_a_person_cannot_make_a_bounce_by_writing_like_one():
    mail = a_reply("550 5.1.1 unknown user", what="b")

    assert read(mail).sort is Sort.REPLY
