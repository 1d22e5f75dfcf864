import subprocess

import pytest

from bioccia.lifecycle import check_translations

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'


@pytest.fixture
def gaps(tmp_path, monkeypatch):
    """What a small project with one sentence lacks, given its catalogue."""
    monkeypatch.setenv("BIOCCIA_VAR", str(tmp_path / "var"))
    project = tmp_path / "project"
    (project / "locale" / "fr" / "LC_MESSAGES").mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    (project / "views.py").write_text('from django.utils.translation import gettext as _\nTITLE = _("Peat bog")\n')

    def find(catalogue):
        (project / "locale" / "fr" / "LC_MESSAGES" / "django.po").write_text(HEADER + catalogue, encoding="utf-8")
        return check_translations.find_gaps(project)

    return find


def test_a_complete_catalogue_has_no_gap(gaps):
    assert gaps('msgid "Peat bog"\nmsgstr "Tourbière"\n') == ""


@pytest.mark.parametrize(
    "catalogue",
    ["", 'msgid "Peat bog"\nmsgstr ""\n', '#, fuzzy\nmsgid "Peat bog"\nmsgstr "Pré"\n'],
    ids=["absent", "empty", "in doubt"],
)
def test_a_sentence_without_its_french_is_named(gaps, catalogue):
    assert gaps(catalogue) == "locale/fr/LC_MESSAGES/django.po lacks: Peat bog"
