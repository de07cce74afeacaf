"""Runs the sample programme with its mailbox and its clock until somebody ends it."""

import shutil
import tempfile
from pathlib import Path

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


def run_demo(host: str, port: int) -> None:
    """Run until SIGTERM or SIGINT; everything lies in a temporary folder that goes with it."""
    ending = Ending()
    left: tuple[str, ...] = ()
    with listen(host, port) as listener:
        folder = Path(tempfile.mkdtemp(prefix="alkawari-demo-"))
        try:
            world = World(folder, reached_at(listener))
            try:
                world.begin()
                face = Face(demo_app(world, host), listener)
                face.start()
                say(f"The demonstration is at {address(listener)} (Ctrl+C ends it).")
                tell_of_prefect(world.service, ending)
                ending.wait()
            finally:
                left = world.stop()
            face.stop(FACE_STOPS_S)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    say("Stopped; nothing of the demonstration is left.")
    leave(left)
