"""Arguments that several commands read alike."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

LARGEST_SEED = 2**31 - 1


def whole_number(text: str) -> int:
    """A whole number from 0."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise ArgumentTypeError(f"'{text}' is not a whole number from 0")
    return number


def seed(text: str) -> int:
    """A seed that every generator takes: a whole number from 0 to 2^31 - 1."""
    number = whole_number(text)
    if number > LARGEST_SEED:
        raise ArgumentTypeError(f"'{text}' is above {LARGEST_SEED}, the largest seed")
    return number


def distance(text: str) -> float:
    """A distance from 0, in metres."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"'{text}' is not a distance from 0 in metres")
    return number


def percent(text: str) -> int:
    """A whole number from 1 to 100."""
    number = whole_number(text)
    if not 1 <= number <= 100:
        raise ArgumentTypeError(f"'{text}' is not a whole number from 1 to 100")
    return number


def add_map_products(parser: ArgumentParser) -> None:
    """Declare the three rasters of a map."""
    parser.add_argument("classes", type=Path, metavar="CLASSES.tif", help="class raster, 0 = no data")
    parser.add_argument("--confidence", type=Path, required=True, help="0-100, 255 = no data")
    parser.add_argument("--runner-ups", type=Path, required=True, help="second and third class with their shares")
