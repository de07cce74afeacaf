"""Whether a history is what was recorded: each action's own, and the log of all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from engine.fingerprint import PROGRAMME, Fingerprint
from engine.history import Event, first_break
from engine.merkle import EMPTY_ROOT, Growing
from engine.replay import Past, differences, replayed


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event of an action (or of a dialogue's log) that is not what was recorded."""

    ref: str
    seq: int
    what: str

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON; references only, no titles."""
        return {"ref": self.ref, "seq": self.seq, "what": self.what}


@dataclass(frozen=True, slots=True)
class Checked:
    """An old fingerprint and whether the history still begins as it did then."""

    fingerprint: Fingerprint
    matches: bool
    says: str

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "fingerprint": str(self.fingerprint),
            "matches": self.matches,
            "says": self.says,
        }


def words_hash(language: str, words: str) -> bytes:
    """What freezes the words of a commitment, in the language in which they were agreed."""
    return sha256(f"{language}\0{words}".encode()).digest()


def check_action(stored: Past, words: bytes, events: Sequence[Event]) -> Broken | None:
    """
    What is wrong with one action first, if anything is.

    `stored` is the action as the tables have it, `words` the hash of its commitment's words as they
    read now.
    """
    action = stored.action
    if not events:
        return Broken(action.ref, 1, "it has no history at all")
    broken = first_break(events, action.head_hash, action.version)
    if broken:
        return Broken(action.ref, broken.seq, broken.what)
    try:
        said = replayed(events)
    except ValueError as error:
        return Broken(action.ref, action.version, str(error))
    if said.text_hash != words.hex():
        frozen = max((e.seq for e in events if '"text_hash":' in e.payload), default=1)
        return Broken(action.ref, frozen, "the words of its commitment are not those agreed")
    wrong = differences(said, stored)
    if wrong:
        what = f"changed without an event for it: {', '.join(wrong)}"
        return Broken(action.ref, action.version, what)
    return None


@dataclass(slots=True)
class Log:
    """
    The events of a programme taken in in their order, for every dialogue and for all together.

    `wanted` are the sizes at which a root is asked for, by code; `roots` are what was found.
    """

    wanted: Mapping[str, set[int]] = field(default_factory=dict)
    trees: dict[str, Growing] = field(default_factory=lambda: {PROGRAMME: Growing()})
    roots: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def take(self, code: str, entry: bytes) -> None:
        """The next event: the dialogue it belongs to, and its hash."""
        for name in (code, PROGRAMME):
            tree = self.trees.setdefault(name, Growing())
            tree.add(entry)
            if tree.size in self.wanted.get(name, ()):
                self.roots[name, tree.size] = tree.root()

    def size(self, code: str) -> int:
        """How many events the log of that code has."""
        tree = self.trees.get(code)
        return tree.size if tree else 0

    def fingerprint(self, code: str) -> Fingerprint:
        """The fingerprint over all that was taken in."""
        tree = self.trees.get(code)
        return Fingerprint.of(code, self.size(code), tree.root() if tree else EMPTY_ROOT)

    def fits(self, old: Fingerprint) -> bool:
        """Whether the log begins as it did when that fingerprint was taken."""
        root = EMPTY_ROOT if old.size == 0 else self.roots.get((old.code, old.size))
        return root is not None and old.fits(root)


def sizes_wanted(fingerprints: Iterable[Fingerprint]) -> dict[str, set[int]]:
    """At which sizes of which log a root is needed to check these fingerprints."""
    wanted: dict[str, set[int]] = {}
    for each in fingerprints:
        wanted.setdefault(each.code, set()).add(each.size)
    return wanted


def check_fingerprint(log: Log, old: Fingerprint, known: Iterable[str]) -> Checked:
    """Whether everything before an old fingerprint is unchanged and uncut, in a sentence."""
    codes = {code.upper() for code in known}
    size = log.size(old.code)
    if old.code not in codes:
        says = f"There is no dialogue {old.code} in this history."
        return Checked(old, matches=False, says=says)
    if size < old.size:
        says = f"{old.code} had {old.size} events then and has {size} now; its end was cut off."
        return Checked(old, matches=False, says=says)
    if log.fits(old):
        since = size - old.size
        says = f"The first {old.size} events of {old.code} are unchanged; {since} came after them."
        return Checked(old, matches=True, says=says)
    says = f"The first {old.size} events of {old.code} are not those of that fingerprint."
    return Checked(old, matches=False, says=says)


def check_checkpoints(log: Log, kept: Iterable[tuple[str, int, bytes]]) -> list[Broken]:
    """For each log the first checkpoint (code, size, root) that it no longer fits, if any."""
    found: dict[str, Broken] = {}
    good: dict[str, int] = {}
    for code, size, root in sorted(kept):
        if code in found:
            continue
        if log.roots.get((code, size)) == root or size == 0:
            good[code] = size
            continue
        first = good.get(code, 0) + 1
        if log.size(code) < size:
            what = f"its log had {size} events and has {log.size(code)} now; its end was cut off"
        else:
            what = f"events {first} to {size} of its log are not those of its checkpoint"
        found[code] = Broken(code, first, what)
    return list(found.values())
