"""A history as it was handed out in a file: what it holds, and whether it is whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.errors import BadValue
from engine.fingerprint import PROGRAMME, Fingerprint
from engine.history import Event, payload_text
from engine.merkle import proves_consistency, proves_inclusion
from engine.replay import Past, stored_action
from engine.verifying import Broken, Checked, check_action, words_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    The proofs that come with one action alone.

    `places` says where in its dialogue's log each event stands and by which path; `earlier` holds,
    for each earlier size, the root then and the path from it to the root now.
    """

    ref: str
    code: str
    size: int
    root: bytes
    places: Mapping[int, tuple[int, Sequence[bytes]]]
    earlier: Mapping[int, tuple[bytes, Sequence[bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What `export --format json` wrote, read back."""

    codes: Mapping[int | None, str]
    names: Mapping[int | None, str]
    actions: Sequence[tuple[str, Past, bytes, Sequence[Event]]]
    log: Sequence[tuple[str, bytes]]
    checkpoints: Sequence[tuple[str, int, bytes]]
    fingerprints: Mapping[str, str]
    dialogue: str = ""
    part: Part | None = None
    orphans: Sequence[int] = ()

    def broken(self, code: str | None) -> Iterator[Broken]:
        """Each action (of one dialogue) whose history is not whole."""
        for own, stored, words, events in self.actions:
            if code in {None, own}:
                found = check_action(stored, words, events)
                if found:
                    yield found
        for action_id in self.orphans:
            yield Broken(f"action {action_id}", 1, "the action of these events is not there")


def unproved(exported: Exported, part: Part) -> Iterator[Broken]:
    """The events that the proofs do not show to stand in their dialogue's log."""
    [(_code, _stored, _words, events)] = exported.actions
    printed = [Fingerprint.read(text) for text in exported.fingerprints.values()]
    if not any(each.code == part.code and each.fits(part.root) for each in printed):
        yield Broken(part.ref, 1, "its fingerprint is not that of the log that its proofs lead to")
    for event in events:
        index, path = part.places.get(event.seq, (-1, ()))
        if not proves_inclusion(event.hash, index, part.size, path, part.root):
            what = f"event {event.seq} is not proved to stand in the log of {part.code}"
            yield Broken(part.ref, event.seq, what)


def check_part(part: Part, old: Fingerprint) -> Checked:
    """Whether an old fingerprint is one of the log that one action's proofs lead to."""
    root, path = part.earlier.get(old.size, (b"", ()))
    if old.size == part.size:
        root, path = part.root, ()
    if old.code != part.code:
        says = f"This file proves nothing about {old.code}, only about {part.code}."
        return Checked(old, matches=False, says=says)
    if old.size > part.size:
        says = f"{part.code} had {old.size} events then and {part.size} when this file was made."
        return Checked(old, matches=False, says=says)
    if not root:
        says = (
            f"This file has no proof for the first {old.size} events of {part.code}; "
            "check it with an export of the whole dialogue."
        )
        return Checked(old, matches=False, says=says)
    if old.fits(root) and proves_consistency(old.size, root, part.size, part.root, path):
        says = f"The first {old.size} events of {part.code} are unchanged."
        return Checked(old, matches=True, says=says)
    says = f"The first {old.size} events of {part.code} are not those of that fingerprint."
    return Checked(old, matches=False, says=says)


def read_exported(name: str, said: Any) -> Exported:  # noqa: ANN401 - whatever a file holds
    """What a file says. BadValue if `export --format json` cannot have written it."""
    try:
        return _read(said)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"is not what `alkawari export --format json` writes ({error})"
        raise BadValue("--bundle", name, reason) from None


def _read(said: Mapping[str, Any]) -> Exported:
    codes: dict[int | None, str] = {None: PROGRAMME}
    codes |= {row["id"]: row["code"].upper() for row in said["dialogues"]}
    homes = {row["id"]: codes[row["dialogue_id"]] for row in said["actions"]}
    in_order = sorted(said["events"], key=lambda row: int(row["id"]))
    chains = _grouped(in_order)
    shares, needs = _grouped(said["action_parties"]), _grouped(said["dependencies"])
    texts = {row["id"]: row for row in said["commitments"]}
    actions = []
    for row in said["actions"]:
        text = texts[row["commitment_id"]]
        stored = Past(
            action=stored_action(row),
            co_responsible=tuple(sorted(tie["party_id"] for tie in shares.get(row["id"], ()))),
            depends_on=tuple(sorted(tie["needs"] for tie in needs.get(row["id"], ()))),
            text_hash=text["text_hash"],
        )
        words = words_hash(text["language"], text["text"])
        events = sorted(map(_event, chains.pop(row["id"], ())), key=lambda event: event.seq)
        actions.append((homes[row["id"]], stored, words, events))
    return Exported(
        codes=codes,
        names={row["id"]: row["name"] for row in said["dialogues"]},
        actions=actions,
        log=[(homes.get(row["action_id"], "?"), bytes.fromhex(row["hash"])) for row in in_order],
        checkpoints=[
            (codes.get(row["dialogue_id"], PROGRAMME), row["size"], bytes.fromhex(row["root"]))
            for row in said["checkpoints"]
        ],
        fingerprints=dict(said["fingerprints"]),
        dialogue=said.get("scope", {}).get("dialogue", ""),
        part=_part(said["proofs"]) if "proofs" in said else None,
        orphans=sorted(chains),
    )


def _grouped(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["action_id"], []).append(row)
    return found


def _part(said: Mapping[str, Any]) -> Part:
    return Part(
        ref=said["ref"],
        code=said["dialogue"].upper(),
        size=said["size"],
        root=bytes.fromhex(said["root"]),
        places={row["seq"]: (row["index"], _path(row)) for row in said["inclusion"]},
        earlier={
            row["size"]: (bytes.fromhex(row["root"]), _path(row)) for row in said["consistency"]
        },
    )


def _path(row: Mapping[str, Any]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(step) for step in row["path"])


def _event(row: Mapping[str, Any]) -> Event:
    return Event(
        action_id=row["action_id"],
        seq=row["seq"],
        kind=row["kind"],
        at=datetime.fromisoformat(row["at"]),
        by=row["by"],
        payload=payload_text(row["payload"]),
        hash=bytes.fromhex(row["hash"]),
    )
