"""A mailbox read over IMAP, without changing what is in it."""

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Final

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError
from imap_tools.utils import encode_folder

from notifications.inbox import Fetched, InboxDown, InboxSettings, Place, Waiting

LARGEST: Final = 12 * 1024 * 1024
"""Bytes; of a larger mail only the beginning is read: its words, not its files."""

BEGINNING: Final = 256 * 1024
AT_A_TIME: Final = 4 * 1024 * 1024
"""So many bytes of mails are held at once."""

LOOKS_BACK: Final = timedelta(days=30)
"""How far, in a mailbox that is read for the first time, also what somebody has read is taken."""

_SIZE: Final = re.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)")
_UID: Final = re.compile(rb"UID (\d+)")
_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - RFC 3501


class ImapInbox:
    """
    A mailbox over imap-tools.

    imap-tools connects, logs in and searches. Its `fetch` reads a mail whole, however large, and
    its `flag` expunges: it would delete for good what somebody only marked as deleted. So these
    two are spoken here, over its connection.
    """

    def __init__(self, settings: InboxSettings, *, readonly: bool = False) -> None:
        self.settings, self._readonly = settings, readonly
        self._mailbox = self._opened()
        self._validity = self._read_validity()

    def waiting(self, place: Place | None, today: date, most: int) -> Waiting:
        """
        What is new since `place`, and what nobody has read; oldest first, the new before the old.

        Somebody who opens a mail in the mailbox hides no answer from us, and a mail that could not
        be taken in last time is still unread.
        """
        validity = self._validity
        unread = self._search("UNSEEN")
        if place is None:
            since = today - LOOKS_BACK
            day = f"{since.day:02}-{_MONTHS[since.month - 1]}-{since.year}"
            new = self._search(f"SINCE {day}")
        elif place.validity != validity:
            new = self._search("ALL")
        else:
            # "5:*" always finds the last mail, also where that is the fourth.
            found = self._search(f"UID {place.uid + 1}:*")
            new = [uid for uid in found if uid > place.uid]
        uids = list(dict.fromkeys([*new, *unread]))
        return Waiting(validity, tuple(uids[:most]), len(uids) > most)

    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]:
        """Each of these mails that is still there, a few at a time; none is marked as read."""
        sizes = self._sizes(uids)
        batch: list[int] = []
        held = 0
        for uid in (uid for uid in uids if uid in sizes):
            if sizes[uid] > LARGEST:
                yield from self._bodies([uid], sizes, f"BODY.PEEK[]<0.{BEGINNING}>")
                continue
            if batch and held + sizes[uid] > AT_A_TIME:
                yield from self._bodies(batch, sizes, "BODY.PEEK[]")
                batch, held = [], 0
            batch.append(uid)
            held += sizes[uid]
        if batch:
            yield from self._bodies(batch, sizes, "BODY.PEEK[]")

    def mark(self, uids: Sequence[int], *, seen: bool, flagged: bool = False) -> None:
        """Mark mails as read or unread, and with a flag for a person who looks into the mailbox."""
        if not uids:
            return
        names = r"(\Seen \Flagged)" if flagged else r"(\Seen)"
        self._say("STORE", ",".join(map(str, uids)), "+FLAGS" if seen else "-FLAGS", names)

    def count(self) -> int:
        """How many mails lie in the folder."""
        return len(self._search("ALL"))

    def close(self) -> None:
        """Take leave; what the server says to it does not matter."""
        with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            self._mailbox.client.logout()

    def _opened(self) -> BaseMailBox:
        where = "connect"
        try:
            mailbox = self._connected()
        except (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError) as error:
            where = "tls" if isinstance(error, ssl.SSLError) else where
            raise _down(where, error) from error
        where = "login"
        try:
            self._log_in(mailbox)
            where = "folder"
            status, _data = mailbox.client.select(
                encode_folder(self.settings.folder),  # type: ignore[arg-type] # bytes will do
                readonly=self._readonly,
            )
            if status != "OK":
                raise InboxDown(f"folder: there is no folder {self.settings.folder!r}")
        except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
            with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
                mailbox.client.logout()
            if isinstance(error, InboxDown):
                raise
            raise _down(where, error) from error
        return mailbox

    def _connected(self) -> BaseMailBox:
        s = self.settings
        if s.security == "none":
            return MailBoxUnencrypted(s.host, s.port, timeout=s.timeout_s)
        context = s.tls_context()
        if s.security == "starttls":
            return MailBoxStartTls(s.host, s.port, timeout=s.timeout_s, ssl_context=context)
        return MailBox(s.host, s.port, timeout=s.timeout_s, ssl_context=context)

    def _log_in(self, mailbox: BaseMailBox) -> None:
        user, password = self.settings.user, self.settings.password
        if (user + password).isascii():
            mailbox.login(user, password, initial_folder=None)
        else:
            mailbox.login_utf8(user, password, initial_folder=None)

    def _read_validity(self) -> int:
        _name, said = self._mailbox.client.response("UIDVALIDITY")
        value = said[0] if said else None
        if not isinstance(value, bytes) or not value.isdigit():
            raise InboxDown("folder: the server gives its mails no lasting numbers (UIDVALIDITY)")
        return int(value)

    def _search(self, criteria: str) -> list[int]:
        data = self._say("SEARCH", criteria)
        said = b" ".join(piece for piece in data if isinstance(piece, bytes))
        return sorted(int(word) for word in said.split() if word.isdigit())

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        sizes: dict[int, int] = {}
        if not uids:
            return sizes
        for line in self._say("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"):
            hit = _SIZE.search(line if isinstance(line, bytes) else b"")
            if hit:
                sizes[int(hit[1] or hit[4])] = int(hit[2] or hit[3])
        return sizes

    def _bodies(self, uids: Sequence[int], sizes: dict[int, int], what: str) -> Iterator[Fetched]:
        """The answer is a list of pairs (what stands before the mail, the mail) and loose ends."""
        data = self._say("FETCH", ",".join(map(str, uids)), f"(UID {what})")
        for at, piece in enumerate(data):
            if not isinstance(piece, tuple):
                continue
            behind = data[at + 1] if at + 1 < len(data) else b""
            hit = _UID.search(piece[0]) or _UID.search(behind if isinstance(behind, bytes) else b"")
            if hit and int(hit[1]) in sizes:
                yield Fetched(int(hit[1]), sizes[int(hit[1])], piece[1])

    def _say(self, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        try:
            status, data = self._mailbox.client.uid(command, *arguments)
        except (OSError, imaplib.IMAP4.error) as error:
            raise _down(command.lower(), error) from error
        if status != "OK":
            raise InboxDown(f"{command.lower()}: the server said {status}")
        return list(data)


def _down(where: str, error: Exception) -> InboxDown:
    """One line for a person; what a refused login said may hold the name, and is left out."""
    refused = where == "login" and not isinstance(error, OSError)
    if refused or isinstance(error, MailboxLoginError):
        return InboxDown("login: the server refused user and password")
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return InboxDown(f"{where}: {said}")
