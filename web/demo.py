"""Runs the sample programme with its mailbox and its clock until somebody ends it."""

import logging
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final, NoReturn

from web.demo_pages import demo_app
from web.demo_world import World
from web.serve import (
    FACE_STOPS_S,
    Ending,
    Face,
    address,
    leave,
    listen,
    reached_at,
    say,
    tell_of_prefect,
)

KEPT_SOCKET: Final = "ALKAWARI_DEMO_SOCKET"
"""Names the socket that a demonstration which starts again leaves open for itself."""


def run_demo(host: str, port: int) -> None:
    """
    Run until SIGTERM or SIGINT; everything lies in a temporary folder that goes with it.

    To start again is to throw that folder away and to become the same program anew: Prefect can be
    started once in a process. The socket stays open, so that whoever asks meanwhile waits a moment.
    """
    ending = Ending()
    left: tuple[str, ...] = ()
    again = False
    with _socket(host, port) as listener:
        folder = Path(tempfile.mkdtemp(prefix="alkawari-demo-"))
        try:
            world = World(folder, reached_at(listener))
            world.on_again = ending.begin
            # The web server closes the socket that it is given; the other end of it is ours.
            face = Face(demo_app(world, host), listener.dup())
            try:
                world.begin()
                face.start()
                say(f"The demonstration is at {address(listener)} (Ctrl+C ends it).")
                tell_of_prefect(world.service, ending)
                ending.wait()
                again = world.again
            finally:
                if not again:
                    left = world.stop()
            face.stop(FACE_STOPS_S)
            if again:
                _begin_anew(listener, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    say("Stopped; nothing of the demonstration is left.")
    leave(left)


def _socket(host: str, port: int) -> socket.socket:
    """The socket that was left open for this process, if one was, else a new one."""
    kept = os.environ.pop(KEPT_SOCKET, "")
    return socket.socket(fileno=int(kept)) if kept.isdecimal() else listen(host, port)


def _begin_anew(listener: socket.socket, folder: Path) -> NoReturn:
    """Become the same command again; threads that still run end with this, whatever they do."""
    say("The demonstration starts again.")
    logging.disable(logging.CRITICAL)  # of threads whose files are gone
    shutil.rmtree(folder, ignore_errors=True)
    os.set_inheritable(listener.fileno(), True)  # noqa: FBT003 - the system's own signature
    os.environ[KEPT_SOCKET] = str(listener.fileno())
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command
