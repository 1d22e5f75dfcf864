"""Which bands of a stack make a picture, by the names that satellites and people give them."""

from dataclasses import dataclass
from datetime import date

from ml.compute.stacks import Band, Series, Stack

TRUE_COLOUR, FALSE_COLOUR, THREE_BANDS, GREY = "true_colour", "false_colour", "three_bands", "grey"
_NAMES_OF_COLOUR = {
    "blue": ("b02", "b2", "blue", "bleu"),
    "green": ("b03", "b3", "green", "vert"),
    "red": ("b04", "b4", "red", "rouge"),
    "near_infrared": ("b08", "b8", "b8a", "nir", "pir"),
}
_COLOURS_OF = {TRUE_COLOUR: ("red", "green", "blue"), FALSE_COLOUR: ("near_infrared", "red", "green")}
_FAVOURITE_GREY = ("ndvi", "evi", "savi")


@dataclass(frozen=True)
class Composition:
    """Bands drawn in red, green and blue, or one in grey, at each day that has them all.

    Attributes:
        name: `true_colour`, `false_colour`, `three_bands` or `grey`.
        band_names: the three names, or the one.
        days: oldest first; one None for bands without a date.
        bands_by_day: the bands of each day, in the order of the names.
    """

    name: str
    band_names: tuple[str, ...]
    days: tuple[date | None, ...]
    bands_by_day: tuple[tuple[Band, ...], ...]


def compositions_of(stack: Stack) -> list[Composition]:
    """The pictures that a stack can give: the colours it has, else three bands of its images, else one in grey."""
    series = [one for one in stack.series if one.is_dated] or list(stack.series)
    by_name = {one.name.casefold(): one for one in series}
    found = [
        made
        for name, colours in _COLOURS_OF.items()
        if (chosen := _series_of(by_name, colours)) and (made := _composition(name, chosen))
    ]
    return found or [_fallback(series)]


def _series_of(by_name: dict[str, Series], colours: tuple[str, ...]) -> list[Series]:
    """One series for each colour; empty where one is missing."""
    chosen = [next((by_name[name] for name in _NAMES_OF_COLOUR[colour] if name in by_name), None) for colour in colours]
    return [one for one in chosen if one] if all(chosen) else []


def _fallback(series: list[Series]) -> Composition:
    favourite = next((one for name in _FAVOURITE_GREY for one in series if one.name.casefold() == name), None)
    three = _composition(THREE_BANDS, series[:3]) if len(series) >= len(_COLOURS_OF[TRUE_COLOUR]) else None
    return three or _of_one(favourite or series[0])


def _of_one(series: Series) -> Composition:
    bands = tuple((band,) for band in series.bands)
    return Composition(GREY, (series.name,), tuple(band.day for band in series.bands), bands)


def _composition(name: str, series: list[Series]) -> Composition | None:
    """The days that all the series have; None without any."""
    by_day = [{band.day: band for band in one.bands} for one in series]
    days = [day for day in by_day[0] if all(day in others for others in by_day)]
    if not days:
        return None
    bands = tuple(tuple(found[day] for found in by_day) for day in days)
    return Composition(name, tuple(one.name for one in series), tuple(days), bands)
