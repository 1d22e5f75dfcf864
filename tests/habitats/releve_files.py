"""Files of relevés for tests: workbooks made by hand, cell by cell, and tables of text."""

import zipfile

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
    'sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="{type}" Target="{target}"/></Relationships>'
)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEADER = ["id_releve", "date", "observateurs", "longitude", "latitude", "habitat", "commentaire"]
ROW = ["1", "12/05/2024", "A. Botaniste", "2,305", "43,605", "E1.2", "pelouse sèche"]


def write_text(path, rows, *, separator=";", encoding="utf-8"):
    """A table of text."""
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding=encoding)
    return path


def releve_rows(*changes):
    """The header, then one row per dictionary of changed columns, numbered from 1."""
    rows = [HEADER]
    for number, change in enumerate(changes, 1):
        values = {**dict(zip(HEADER, ROW, strict=True)), "id_releve": str(number), **change}
        rows.append([values[name] for name in HEADER])
    return rows


def write_workbook(path, rows, *, formulas=(), padding=0, cell_name=None):
    """A workbook of text cells; `formulas` are (row, column) places whose text is the value of a formula."""
    body = []
    for number, row in enumerate(rows, 1):
        cells = [_cell(number, place, text, (number, place) in formulas, cell_name) for place, text in enumerate(row)]
        body.append(f'<row r="{number}">{"".join(cells)}</row>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELATIONS.format(type=f"{OFFICE}/officeDocument", target="xl/workbook.xml"))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="Feuil1" sheetId="1" r:id="rId1"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", RELATIONS.format(type=f"{OFFICE}/worksheet", target="worksheets/sheet1.xml")
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {MAIN}><sheetData>{''.join(body)}</sheetData>{' ' * padding}</worksheet>",
        )
    return path


def _cell(row, place, text, is_formula, name):
    reference = name if name and row > 1 and place == 0 else f"{chr(65 + place)}{row}"
    if is_formula:
        return f'<c r="{reference}" t="str"><f>HYPERLINK("http://example.org")</f><v>{text}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'
