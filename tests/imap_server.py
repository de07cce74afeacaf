"""A real IMAP server for the tests: Dovecot, as a process of its own on this machine."""

import imaplib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
import trustme

USER, PASSWORD = "answers", "s3cret word"
STARTS_WITHIN_S = 20.0

CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
ssl = {ssl}
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
first_valid_uid = 1
mail_fsync = never
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class ImapServer:
    """
    A mailbox `answers` with STARTTLS on `port` and TLS on `tls_port`, from entry to exit.

    The certificate is for 127.0.0.1 and of an authority in `ca_file`.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="alkawari-dovecot-"))
        self.port, self.tls_port = free_port(), free_port()
        self.ca_file = self.folder / "ca.pem"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)  # its processes run as other users
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for name in ("mail", "home", "run", "state"):
            (self.folder / name).mkdir()
        if os.geteuid() == 0:
            for name in ("mail", "home"):
                os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(self.folder / "cert.pem")
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        root = os.geteuid() == 0
        group = "dovecot" if root else _group(owner.pw_gid)
        (self.folder / "dovecot.conf").write_text(
            CONFIG.format(
                folder=self.folder, port=self.port, tls_port=self.tls_port, ssl="yes",
                internal="dovecot" if root else owner.pw_name, internal_group=group,
                login="dovenull" if root else owner.pw_name,
                uid=owner.pw_uid, gid=owner.pw_gid,
            )
        )  # fmt: skip
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            # All of its processes at once: an orderly end takes a second for each test.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Listen (again); what lies in the mailbox stays."""
        self._process = subprocess.Popen(
            [binary(), "-F", "-c", str(self.folder / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ends = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < ends:
            if self._process.poll() is not None:
                break
            with suppress(OSError, imaplib.IMAP4.error):
                self.client().logout()
                return
            time.sleep(0.05)
        log = self.folder / "log"
        said = log.read_text() if log.exists() else "nothing"
        self.stop()
        raise RuntimeError(f"Dovecot did not start; its log says: {said}")

    def stop(self) -> None:
        """End the server; port and mailbox stay."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def client(self) -> imaplib.IMAP4:
        """Somebody else who looks into the mailbox, as with a mail program."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        client = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=context, timeout=10)
        client.login(USER, PASSWORD)
        client.select()
        return client

    def put(self, mail: bytes, *flags: str, folder: str = "INBOX") -> None:
        """Let a mail arrive."""
        client = self.client()
        status, said = client.append(folder, " ".join(flags), None, mail)  # type: ignore[arg-type]
        client.logout()
        assert status == "OK", said

    def flags(self) -> list[set[str]]:
        """The flags of every mail, in order."""
        client = self.client()
        _status, data = client.fetch("1:*", "(FLAGS)")
        client.logout()
        lines = [line for line in data if isinstance(line, bytes)]
        return [{flag.decode() for flag in imaplib.ParseFlags(line)} for line in lines]

    def move_all_to_another_validity(self) -> None:
        """As when a server is set up anew from a backup: other numbers, the same mails."""
        client = self.client()
        client.create("elsewhere")
        client.copy("1:*", "elsewhere")
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.select("elsewhere")
        client.logout()
        # Dovecot keeps the number of a folder's life in this file; without it, it begins another.
        for path in (self.folder / "mail").glob("dovecot*"):
            path.unlink() if path.is_file() else shutil.rmtree(path)
        for mail in (self.folder / "mail" / ".elsewhere" / "cur").iterdir():
            shutil.move(mail, self.folder / "mail" / "cur" / mail.name)


def binary() -> str:
    """The program; skips the test where there is none."""
    found = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("no Dovecot: install Debian's package dovecot-imapd")
    return found


@pytest.fixture
def imap_server() -> Iterator[ImapServer]:
    """A Dovecot of this test's own, with an empty mailbox."""
    binary()
    with ImapServer() as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name
