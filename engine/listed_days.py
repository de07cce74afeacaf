"""The public holidays that the `holidays` package lists, by country and decade, each read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.errors import BadValue

FORM: Final = 1
"""Counts up when other things are read from the same package than before."""

_LANGUAGES: Final = {"BF": "fr"}
"""Where the package's own default is not a language of the country: it gives Burkina Faso en_BF."""


@dataclass(frozen=True, slots=True)
class ListedDay:
    """A listed holiday. `name` is without the mark of an estimate, `text` is for people."""

    name: str
    text: str
    estimated: bool


Listed = Mapping[date, tuple[ListedDay, ...]]

_decades: dict[str, range] = {}
_listed: dict[tuple[str, int], Listed] = {}


def known_decades(country: str) -> range:
    """The decades for which the package lists holidays; BadValue if it lacks the country."""
    if country not in _decades:
        _decades[country] = _read_decades(country)
    return _decades[country]


def listed_days(country: str, decade: int) -> Listed:
    """The public holidays of ten years from `decade * 10` on, in a language of the country."""
    if (country, decade) not in _listed:
        _listed[country, decade] = _read_days(country, decade)
    return _listed[country, decade]


def take_over(decades: Mapping[str, range], listed: Mapping[tuple[str, int], Listed]) -> None:
    """What an earlier run read from the same package in the same form: it need not be loaded."""
    _decades.update(decades)
    _listed.update(listed)


def read_so_far() -> tuple[dict[str, range], dict[tuple[str, int], Listed]]:
    """What this run knows by now; for `take_over` of a later one."""
    return dict(_decades), dict(_listed)


def _read_decades(country: str) -> range:
    import holidays  # noqa: PLC0415 - 0.1 s that a command without a calendar need not pay

    # The package also takes names and alpha-3 codes; one country has one name here.
    if len(country) == 2 and country.isascii() and country.isupper():  # noqa: PLR2004 - alpha-2
        try:
            known = holidays.country_holidays(country, expand=False)
        except NotImplementedError:
            pass
        else:
            return range(known.start_year // 10, known.end_year // 10 + 1)
    raise BadValue(
        "country",
        country,
        "no public holidays are known for it; give a code of ISO 3166-1 such as BF, "
        "or leave it empty and add the days off one by one",
    )


def _read_days(country: str, decade: int) -> Listed:
    import holidays  # noqa: PLC0415 - as above

    years = range(decade * 10, decade * 10 + 10)
    # Without a language the package asks the environment of the process for one.
    language = (
        _LANGUAGES.get(country)
        or type(holidays.country_holidays(country, expand=False)).default_language
    )
    table = holidays.country_holidays(country, years=years, language=language, expand=False)
    labels = (
        getattr(table, mark, None) for mark in ("observed_estimated_label", "estimated_label")
    )
    marks = [tuple(table.tr(label).split("%s")) for label in labels if label]
    return {
        day: tuple(_listed_day(text, marks) for text in table.get_list(day))
        for day in table
        if day.year in years
    }


def _listed_day(text: str, marks: list[tuple[str, ...]]) -> ListedDay:
    """A holiday from its listed name; `marks` are what stands before and behind an estimate."""
    for before, behind in marks:
        if text.startswith(before) and text.endswith(behind):
            return ListedDay(text[len(before) : len(text) - len(behind)], text, estimated=True)
    return ListedDay(text, text, estimated=False)
