"""Darwin Core archives of a few rows, written by the tests."""

import zipfile

TERMS = "http://rs.tdwg.org/dwc/terms/"
VERNACULAR = "http://rs.gbif.org/terms/1.0/VernacularName"


def data_file(tag, row_type, name, terms, *, key_index=0):
    """One `core` or `extension` element of meta.xml; the terms' columns begin at 0."""
    key = "id" if tag == "core" else "coreid"
    fields = "".join(f'<field index="{index}" term="{_full(term)}"/>' for index, term in enumerate(terms))
    return (
        f'<{tag} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" '
        f'ignoreHeaderLines="1" rowType="{_full(row_type)}"><files><location>{name}</location></files>'
        f'<{key} index="{key_index}"/>{fields}</{tag}>'
    )


def meta(*elements):
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(elements)}</archive>'


def rows(*lines):
    """A header and lines, separated by tabs."""
    return "\n".join(["header", *("\t".join(line) for line in lines)]) + "\n"


def write_archive(folder, files, name="archive.zip"):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in files.items():
            archive.writestr(entry, content)
    return path


def _full(term):
    return term if ":" in term else TERMS + term
