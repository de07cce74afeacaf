"""A ladder as text: the copy that an episode keeps, whatever becomes of the file."""

import json
from dataclasses import fields
from typing import Any

from engine.errors import BadLadder
from engine.ladder import Addressee, Consent, Ladder, Rung, Via

_SOURCE = "frozen ladder"


def dump_ladder(ladder: Ladder) -> str:
    """One line of JSON with sorted keys; equal ladders give equal text."""
    given = {key: getattr(ladder, key) for key in _given(Ladder)}
    given["rungs"] = [_rung_text(rung) for rung in ladder.rungs]
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def ladder_from_json(text: str) -> Ladder:
    """
    The ladder that `dump_ladder` wrote.

    A key that has a default may be missing, so that copies frozen by an older release still read.
    Anything else that `dump_ladder` would not write raises BadLadder.
    """
    try:
        raw = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise BadLadder(_SOURCE, line, f"is not JSON ({error})") from None
    try:
        values = _values(raw, Ladder)
        values["rungs"] = tuple(_rung(rung) for rung in values["rungs"])
        return Ladder(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise BadLadder(_SOURCE, 1, f"does not hold a ladder ({error})") from None


def _given(shape: type[Ladder | Rung]) -> tuple[str, ...]:
    """The fields that a ladder file gives; the others follow from them."""
    return tuple(field.name for field in fields(shape) if field.init)


def _rung_text(rung: Rung) -> dict[str, object]:
    """What stands for a rung; a consent that `release` says already is left to it."""
    given = {key: getattr(rung, key) for key in _given(Rung)}
    if rung.consent in {None, Consent.COORDINATOR}:
        # Copies that an older release froze read the same, and its programs read these.
        del given["consent"]
    return given


def _rung(raw: object) -> Rung:
    values = _values(raw, Rung)
    values["to"] = tuple(Addressee(addressee) for addressee in values["to"])
    if "via" in values:
        values["via"] = Via(values["via"])
    if "consent" in values:
        values["consent"] = Consent(values["consent"])
    return Rung(**values)


def _values(raw: object, shape: type[Ladder | Rung]) -> dict[str, Any]:
    """The keys and values of `raw`, each of the type that JSON has for the field of that name."""
    if not isinstance(raw, dict):
        raise TypeError(f"a {shape.__name__.lower()} is a mapping")
    # A boolean is an int to isinstance, so types are compared, not asked for.
    types = {field.name: _JSON_TYPES.get(field.type, list) for field in fields(shape) if field.init}
    for key, value in raw.items():
        if key not in types:
            raise ValueError(f"{key} is not known")
        if type(value) is not types[key]:
            raise TypeError(f"{key} is not of type {types[key].__name__}")
    return raw


_JSON_TYPES: dict[object, type] = {str: str, int: int, bool: bool, Via: str, Consent | None: str}
