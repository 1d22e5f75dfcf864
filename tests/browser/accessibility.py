"""axe-core on a page of the tests: what WCAG 2.1 AA refuses."""

from bioccia.lifecycle.paths import REPOSITORY

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def problems_of(page):
    """What axe finds, one line a place: rule, element, why."""
    # evaluate() is not held by the page's content policy, an added script would be.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(standards) => axe.run(document, { runOnly: standards })", STANDARDS)
    return [
        f"{rule['id']}: {node['html'][:120]} – {node.get('failureSummary', '')}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
