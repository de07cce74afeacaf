"""What the environment says of the settings: `ALKAWARI_MAIL__HOST` is `host` of `mail`."""

import json
import os
from collections.abc import Collection, Mapping
from typing import Any, Final

from engine.errors import BadValue

PREFIX: Final = "ALKAWARI_"

_WITHIN = "__"


def said_in_environment(sections: Collection[str], none_of: Collection[str]) -> dict[str, Any]:
    """
    The variables with our prefix as a tree, but for `none_of`; capitals make no difference.

    A variable with the name of a whole section holds it as JSON; its parts have the last word.
    BadValue if that JSON cannot be read.
    """
    tree: dict[str, Any] = {}
    # A section comes before its parts.
    for given, value in sorted((name.upper(), value) for name, value in os.environ.items()):
        if not given.startswith(PREFIX) or given in none_of:
            continue
        first, *rest = given.removeprefix(PREFIX).lower().split(_WITHIN)
        if not rest and first in sections:
            tree[first] = _section(first, given, value)
            continue
        branch, names = tree, [first, *rest]
        for name in names[:-1]:
            if not isinstance(branch.get(name), dict):
                branch[name] = {}
            branch = branch[name]
        branch[names[-1]] = value
    return tree


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees as one; where both say something, `above` wins."""
    found = dict(below)
    for name, value in above.items():
        there = found.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            found[name] = merged(there, value)
        else:
            found[name] = value
    return found


def _section(name: str, given: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        reason = f"is no JSON; or set its parts: {given}{_WITHIN}…"
        raise BadValue(f"Setting {name} (environment)", given, reason) from None
