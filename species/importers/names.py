"""Scientific names as keys: without authors, accents, case nor the sign of hybrids."""

import re
import unicodedata

MARKERS = {"subsp": "subsp", "ssp": "subsp", "subspecies": "subsp", "var": "var", "subvar": "subvar", "f": "f"}
MARKERS |= {"forma": "f", "fo": "f", "varietas": "var", "cv": "cv"}
AUTHOR_WORDS = {"de", "d", "da", "del", "der", "den", "van", "von", "la", "le", "ex", "et", "in", "auct", "non", "nec"}
AUTHOR_WORDS |= {"sensu", "nom", "pro", "emend", "fil", "bis", "apud", "al", "s", "sl", "sp", "spp", "cf", "aff", "gr"}
HYBRID_SIGNS = {"x", "×", "+"}
WORD = re.compile(r"^[a-z][a-z-]*$")


def canonical_name(text: str) -> str:
    """A name without its authors: "Thymus vulgaris L. subsp. vulgaris" gives "Thymus vulgaris subsp. vulgaris"."""
    words = [word for word in text.replace("×", "× ").split() if word not in HYBRID_SIGNS]
    if not words:
        return ""
    kept, in_authors = [words[0]], False
    following_marker = False
    for word in words[1:]:
        plain = _plain(word).rstrip(".")
        if plain in MARKERS and (word.endswith(".") or len(plain) > 1):
            kept.append(f"{MARKERS[plain]}.")
            in_authors, following_marker = False, True
        elif WORD.match(plain) and not word[0].isupper() and plain not in AUTHOR_WORDS and not in_authors:
            kept.append(word.rstrip(".,"))
            following_marker = False
        else:
            in_authors = True
    return " ".join(kept[:-1] if following_marker else kept)


def name_key(text: str) -> str:
    """What two spellings of one name share, ranks included."""
    return _plain(canonical_name(text))


def bare_name_key(text: str) -> str:
    """The same without the marks of rank, as GBIF writes trinomials."""
    return " ".join(word for word in name_key(text).split() if not word.endswith("."))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()
