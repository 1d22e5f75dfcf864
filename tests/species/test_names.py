import pytest

from species.importers.names import bare_name_key, canonical_name, name_key


@pytest.mark.parametrize(
    ("cited", "canonical"),
    [
        ("Acaulon fontiquerianum Casas & Sérgio, 1990", "Acaulon fontiquerianum"),
        ("Thymus vulgaris L. subsp. vulgaris", "Thymus vulgaris subsp. vulgaris"),
        ("Thymus vulgaris L. ssp. aestivus (Willk.) O.Bolòs & Vigo", "Thymus vulgaris subsp. aestivus"),
        ("Chara aspera f. asperula", "Chara aspera f. asperula"),
        ("Globicephala melaena melaena Traill", "Globicephala melaena melaena"),
        ("×Agropogon lutosus (Poir.) P.Fourn.", "Agropogon lutosus"),
        ("Quercus x cerrioides Willk. & Costa", "Quercus cerrioides"),
        ("Carex L.", "Carex"),
        ("Carex sp.", "Carex"),
        ("Centaurea aspera de Lam. ex auct.", "Centaurea aspera"),
        ("", ""),
        ("×", ""),
    ],
)
def test_a_name_loses_its_authors_and_keeps_its_ranks(cited, canonical):
    assert canonical_name(cited) == canonical


def test_spellings_of_one_name_share_a_key():
    assert name_key("Isoëtes duriei Bory") == name_key("ISOETES duriei".capitalize())
    assert name_key("Thymus vulgaris ssp. vulgaris") == name_key("Thymus vulgaris L. subsp. vulgaris")


def test_trinomials_without_marks_are_found_by_their_bare_key():
    assert bare_name_key("Chara aspera f. asperula") == bare_name_key("Chara aspera asperula")
