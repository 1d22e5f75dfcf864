import datetime

import pytest

from species.importers.values import read_decimal, read_parts, read_period, read_whole

DAY = datetime.date


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024-05-31", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("2024-05-31T10:15:00+02:00", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("2024-05-31 10:15", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("20240531", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("31/05/2024", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("2024/05/31", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("31.5.2024", DAY(2024, 5, 31), DAY(2024, 5, 31)),
        ("1907-05", DAY(1907, 5, 1), DAY(1907, 5, 31)),
        ("05/1907", DAY(1907, 5, 1), DAY(1907, 5, 31)),
        ("1907", DAY(1907, 1, 1), DAY(1907, 12, 31)),
        ("2007-11-13/15", DAY(2007, 11, 13), DAY(2007, 11, 15)),
        ("2007-11/2008-02", DAY(2007, 11, 1), DAY(2008, 2, 29)),
        ("2007/2008", DAY(2007, 1, 1), DAY(2008, 12, 31)),
        ("2007-11-13T08:00/2007-11-14T09:00", DAY(2007, 11, 13), DAY(2007, 11, 14)),
    ],
)
def test_dates_are_read_as_people_write_them(text, start, end):
    assert read_period(text) == (start, end)


@pytest.mark.parametrize("text", ["", "NA", "unknown"])
def test_no_date_is_no_period(text):
    assert read_period(text) is None


@pytest.mark.parametrize("text", ["spring", "2024-13-01", "31/02/2024", "2024-02-30", "1/2/3/4", "5 mai 2024"])
def test_what_is_no_date_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"date|exist"):
        read_period(text)


def test_a_date_in_three_columns_may_lack_its_smaller_parts():
    assert read_parts("2024", "5.0", "") == (DAY(2024, 5, 1), DAY(2024, 5, 31))
    assert read_parts("", "5", "3") is None


@pytest.mark.parametrize(("text", "number"), [("43,6", 43.6), ("43.6", 43.6), ("-2", -2.0), ("", None), ("NA", None)])
def test_numbers_take_a_point_or_a_comma(text, number):
    assert read_decimal(text) == number


@pytest.mark.parametrize("text", ["43°36'", "inf", "1,000.5"])
def test_what_is_no_number_is_refused_in_words(text):
    with pytest.raises(ValueError, match="is not a number"):
        read_decimal(text)


def test_a_count_is_whole():
    assert read_whole("12.0") == 12
    for text in ("1.5", "-1", "99999999999"):
        with pytest.raises(ValueError, match="whole number"):
            read_whole(text)
