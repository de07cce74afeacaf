"""Whatever people do, in whatever order: the rules of the life cycle hold."""

from pathlib import Path

from builders import (
    MONDAY,
    a_programme,
    a_row,
    at,
    day,
    keeps_the_rules_of_next_check,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import select

from engine.action import MET, Level, Obstacle, State
from engine.errors import (
    BadValue,
    EngineError,
)
from engine.party import Side
from engine.store.tables import confirmations
from engine.store.wholeness import broken_histories
from workflows import record

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "the gate is open"}


def recurring(**changes):
    return a_row(**{"kind": "recurring", "repeat": "monthly", "due": day(2), "state": "in_force",
                    **changes})  # fmt: skip


REFS = ("SAA-01", "SAA-02", "SAA-03")
WHO = ("coord", "chief", "deputy", "mayor", "elder", "committee", "region")


class AnythingThatPeopleDo(RuleBasedStateMachine):
    """
    Any moves, reports, dates, calls and sweeps, by anybody, in any order.

    Kept throughout (DESIGN §3): every chain is whole and as long as the version says; the original
    date never changes; nothing is verified or in force without a confirmation by somebody who is
    not the reporter, or a committee's decision; an action is looked at again exactly while
    something can be due for it; only what is blocked has an obstacle, and it has a review date.
    """

    made = 0
    folder: Path

    @initialize()
    def begin(self) -> None:
        type(self).made += 1
        self.programme = a_programme(
            f"sqlite:///{self.folder / f'any-{self.made}.db'}", self.folder
        )
        self.programme.plan(
            a_row(ref="SAA-01"),
            a_row(ref="SAA-02", depends_on=["SAA-01"], co_responsible=["Elders"], state="agreed"),
            recurring(ref="SAA-03", depends_on=["SAA-01"]),
            now=NOW,
        )
        self.day = 0
        self.originals = {ref: self.programme.action(ref).original_due_on for ref in REFS}

    def attempt(self, do) -> None:
        try:
            after = do()
        except (EngineError, BadValue):
            return
        assert keeps_the_rules_of_next_check(after), after

    @rule(ref=st.sampled_from(REFS), to=st.sampled_from(State), who=st.sampled_from(WHO),
          successor=st.sampled_from(REFS))  # fmt: skip
    def move(self, ref, to, who, successor) -> None:
        said = {
            "reason": "as decided", "note": "seen", "review_on": day(self.day + 9),
            "obstacle": Obstacle.PERMIT, "blocker": "the prefecture", **SEEN,
            "level": Level.MINIMUM, "decided_on": day(self.day),
            "successor_id": self.programme.action(successor).id,
        }  # fmt: skip
        before = self.programme.action(ref)
        self.attempt(lambda: self.programme.move(ref, to, who, self.now, **said))
        if before.state is State.REPORTED_DONE and self.programme.action(ref).state in MET:
            self.was_confirmed(before, who)

    def was_confirmed(self, claim, who) -> None:
        """By somebody else than the reporter; by each side, or by somebody of another party."""
        rows = self.programme.rows(
            select(confirmations).where(
                confirmations.c.action_id == claim.id,
                confirmations.c.state_version == claim.state_version,
            )
        )
        assert claim.reported_by_id not in {row.person_id for row in rows}
        if claim.ref == "SAA-02":
            assert {row.side for row in rows} >= {Side.SECURITY, Side.COMMUNITY}
        else:
            assert len(rows) == 1
            assert who not in {"chief", "deputy"}

    @rule(ref=st.sampled_from(REFS), level=st.sampled_from(Level), who=st.sampled_from(WHO))
    def report(self, ref, level, who) -> None:
        self.attempt(lambda: self.programme.report(ref, level, who, self.now))

    @rule(ref=st.sampled_from(REFS), later=st.integers(-20, 60))
    def reschedule(self, ref, later) -> None:
        asked = self.programme.asked(ref)
        self.attempt(
            lambda: record.ask_reschedule(
                self.programme.services, asked, day(self.day + later), "agreed", self.now
            )
        )

    @rule(ref=st.sampled_from(REFS), reached=st.booleans())
    def call(self, ref, reached) -> None:
        asked = self.programme.asked(ref)
        self.attempt(
            lambda: record.log_call(
                self.programme.services, asked, "x", reached=reached, now=self.now
            )
        )

    @rule(later=st.integers(0, 25))
    def sweep(self, later) -> None:
        self.day += later
        self.programme.run(self.now)
        due = [self.programme.action(ref).next_check_at for ref in REFS]
        assert all(instant is None or instant > self.now for instant in due)
        assert self.programme.sweep(self.now).examined == 0

    @property
    def now(self):
        return at(day(self.day))

    @invariant()
    def the_rules_of_the_design_hold(self) -> None:
        if not hasattr(self, "programme"):
            return
        with self.programme.services.database.read() as connection:
            assert list(broken_histories(connection)) == []
        for ref in REFS:
            action = self.programme.action(ref)
            assert action.original_due_on == self.originals[ref]
            assert (action.review_on is not None) == (
                State.BLOCKED in {action.state, action.former_state}
                and action.state in {State.BLOCKED, State.DISPUTED}
            )
            assert (action.obstacle is None) == (action.review_on is None)

    def teardown(self) -> None:
        if hasattr(self, "programme"):
            self.programme.close()


def test_any_sequence_of_what_people_do_keeps_the_invariants(tmp_path):
    from hypothesis.stateful import run_state_machine_as_test

    AnythingThatPeopleDo.folder = tmp_path
    run_state_machine_as_test(
        AnythingThatPeopleDo, settings=settings(max_examples=15, stateful_step_count=20)
    )
