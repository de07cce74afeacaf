"""What witnesses ask: today's fingerprints, and whether the history is what an old one says."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Query

from engine.permission import Deed
from engine.store.checkpoints import fingerprints_unwritten, snapshot
from web.api_caller import Caller, later
from web.api_limits import Budget
from web.api_problems import Problem, refuses
from web.api_values import FingerprintsValue, VerifiedValue
from workflows.verify import verify

PER_MINUTE: Final = 10

Fingerprints = Annotated[
    list[Annotated[str, Query(max_length=200)]],
    Query(max_length=20, description="Old fingerprints, as they stand under a digest."),
]


def add_checking(app: FastAPI, door: Callable[..., Caller]) -> None:
    """The two addresses for whoever keeps an old fingerprint."""
    budget = Budget(PER_MINUTE)

    @app.get("/fingerprints", responses=refuses(), tags=["check"])
    def fingerprints(caller: Annotated[Caller, Depends(door)]) -> FingerprintsValue:
        """The fingerprint of each dialogue as it stands; keep them, and verify with them later."""
        found: dict[str, str] = {}
        with snapshot(caller.services.database) as connection:
            for number in caller.reading(connection).dialogues:
                if caller.member.may_in(Deed.VERIFY, number):
                    own = fingerprints_unwritten(connection, number)
                    found |= own
        return FingerprintsValue(fingerprints=found)

    @app.get("/verify", responses=refuses(), tags=["check"])
    def check(
        caller: Annotated[Caller, Depends(door)],
        dialogue: Annotated[str, Query(min_length=1, max_length=120)],
        fingerprint: Fingerprints = [],  # noqa: B006 - FastAPI copies it
    ) -> VerifiedValue:
        """Read a dialogue's whole history and say whether it is as it was recorded."""
        if wait := budget.spend(caller.held.id):
            raise later(wait, "A whole history is long to read")
        with caller.services.database.read() as connection:
            home = caller.reading(connection).one_dialogue(dialogue)
        if not caller.member.may_in(Deed.VERIFY, home.id):
            raise Problem(403, "Whom this key is for may not check the history of this dialogue.")
        done = verify(caller.services.database, fingerprint, home.code)
        return VerifiedValue(**done.as_dict())
