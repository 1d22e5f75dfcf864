"""Dates and numbers as partners write them; a ValueError carries the sentence for the person."""

import calendar
import datetime
import math
import re

from django.utils.translation import gettext as _

ISO_DATE = re.compile(r"^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
FRENCH_DATE = re.compile(r"^(?:(\d{1,2})[/.-])?(\d{1,2})[/.-](\d{4})$")
COMPACT_DATE = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
TIME = re.compile(r"[T ]\d{1,2}[:h].*$")
ABSENT = {"", "na", "n/a", "nan", "null", "none", "unknown", "inconnu", "-"}

Period = tuple[datetime.date, datetime.date]


def is_absent(text: str) -> bool:
    """Whether a text only says that there is no value."""
    return text.lower() in ABSENT


def read_period(text: str) -> Period | None:
    """A day, a month, a year or an interval of them, in ISO 8601 or in French order (31/12/2024).

    Raises:
        ValueError: it is none of these.
    """
    if is_absent(text):
        return None
    slashes = text.count("/")
    if (slashes == 1 and not FRENCH_DATE.match(text)) or slashes > 2:
        first, last = (TIME.sub("", part.strip()) for part in text.split("/", 1))
        start = _one_period(first)
        return start[0], (_one_period(_completed(last, first))[1] if last else start[1])
    return _one_period(TIME.sub("", text))


def read_parts(year: str, month: str, day: str) -> Period | None:
    """A period from separate columns, the smaller ones empty where they are not known."""
    if is_absent(year):
        return None
    parts = [year, month, day]
    known = parts[: next((place for place, part in enumerate(parts) if is_absent(part)), 3)]
    return _one_period("-".join(part.removesuffix(".0") for part in known))


def read_decimal(text: str) -> float | None:
    """A number with a point or a comma; None where there is none.

    Raises:
        ValueError: it is not a number.
    """
    if is_absent(text):
        return None
    try:
        number = float(text.replace("\u202f", "").replace("\xa0", "").replace(",", "."))
    except ValueError as error:
        raise ValueError(_("%(value)s is not a number") % {"value": text[:60]}) from error
    if not math.isfinite(number):
        raise ValueError(_("%(value)s is not a number") % {"value": text})
    return number


def read_whole(text: str) -> int | None:
    """A whole number of 0 or more; None where there is none.

    Raises:
        ValueError: it is something else.
    """
    number = read_decimal(text)
    if number is None:
        return None
    if number != int(number) or not 0 <= number < 2**31:
        raise ValueError(_("%(value)s is not a whole number of 0 or more") % {"value": text[:60]})
    return int(number)


def _one_period(text: str) -> Period:
    text = text.strip()
    if match := COMPACT_DATE.match(text):
        text = "-".join(match.groups())
    if match := ISO_DATE.match(text.replace("/", "-")):
        year, month, day = match.groups()
    elif match := FRENCH_DATE.match(text):
        day, month, year = match.groups()
    else:
        raise ValueError(_("%(value)s is not a date; write 2024-05-31 or 31/05/2024") % {"value": text[:60]})
    try:
        return _days(int(year), int(month) if month else None, int(day) if day else None)
    except (ValueError, calendar.IllegalMonthError) as error:
        raise ValueError(_("%(value)s is a day that does not exist") % {"value": text}) from error


def _days(year: int, month: int | None, day: int | None) -> Period:
    if month is None:
        return datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    if day is None:
        return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])
    return datetime.date(year, month, day), datetime.date(year, month, day)


def _completed(last: str, first: str) -> str:
    """ISO 8601 lets the end of an interval leave out what it shares with its start: 2007-11-13/15."""
    missing = first.count("-") - last.count("-")
    return "-".join([*first.split("-")[:missing], last]) if missing > 0 and not re.match(r"^\d{4}", last) else last
