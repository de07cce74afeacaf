"""
Pulls the cable between a delivering worker and its database, and measures how long it hangs.

The worker runs in a network namespace of its own, so that packets are truly lost and nobody is
told; it needs root. What waits at a wire that only stalls is tried in tests/faults.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ground as _ground  # noqa: F401 - finds the tests' modules
from crash_points import Layout, Programme, copies_are_equal, lay_out, ledger, taken
from smtp_server import SmtpServer
from storm_parts import cluster
from wire import Wire

SPACE, CABLE = "alkawari-cable", "alkw"
DATABASE_NET, MAIL_NET = "10.213.7", "10.213.8"
"""The hosts end in .1 (here) and .2 (the worker's side)."""

GIVE_UP_S = 1000.0


@contextmanager
def namespace() -> Iterator[None]:
    """A namespace with a cable to the database and another one to the mail server."""
    _ip("netns", "add", SPACE)
    try:
        for number, net in enumerate((DATABASE_NET, MAIL_NET)):
            here, there = f"{CABLE}{number}h", f"{CABLE}{number}t"
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", SPACE)
            _ip("addr", "add", f"{net}.1/30", "dev", here)
            _ip("link", "set", here, "up")
            _ip("-n", SPACE, "addr", "add", f"{net}.2/30", "dev", there)
            _ip("-n", SPACE, "link", "set", there, "up")
        yield
    finally:
        _ip("netns", "del", SPACE)


def pull(after: int) -> tuple[float, str, bool]:
    """Pull the cable after so many messages: seconds of hanging, the last word, whether whole."""
    with (
        namespace(),
        cluster() as ground,
        tempfile.TemporaryDirectory() as name,
        SmtpServer(folder=Path(name), latency=0.01) as server,
        Wire(ground.port, listen=f"{DATABASE_NET}.1") as database,
        Wire(server.port, listen=f"{MAIL_NET}.1") as mail,
    ):
        folder = Path(name)
        lay_out(Layout(people=200), ground.url, folder)
        wired = ground.url.replace(f"127.0.0.1:{ground.port}", f"{DATABASE_NET}.1:{database.port}")
        programme = Programme(folder, wired, prefix=["ip", "netns", "exec", SPACE])
        programme.mail_to(server, lease_s=5)
        programme.settings |= {"ALKAWARI_MAIL__HOST": f"{MAIL_NET}.1",
                               "ALKAWARI_MAIL__PORT": str(mail.port)}  # fmt: skip
        child = programme.start_deliver()
        while taken(server) < after and child.poll() is None:
            time.sleep(0.005)
        # At this end: the worker's own system must not notice that its cable is gone.
        _ip("link", "set", f"{CABLE}0h", "down")
        began = time.monotonic()
        try:
            _out, said = child.communicate(timeout=GIVE_UP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            _out, said = child.communicate()
        hung_s = time.monotonic() - began
        here = Programme(folder, ground.url)
        here.mail_to(server, lease_s=5)
        here.deliver_until_quiet()
        found = ledger(server)
        whole = found.never == found.twice == 0 and found.repeated <= 1 and copies_are_equal(server)
        print(found)
        return hung_s, (said.strip().splitlines() or ["(it did not end)"])[-1], whole


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--after", type=int, default=60, help="messages")
    hung_s, said, whole = pull(parser.parse_args().after)
    print(f"hung for {hung_s:.0f} s, then said: {said}")
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
