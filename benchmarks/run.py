"""`make bench`: run each `bench_*.py` in its own process and print one table, each figure beside its peer's.

A benchmark prints one JSON object a line: `{"what", "who", "value", "unit"}` and, if it likes, `"aim"`. `who` is
`bioccia` or the name of a peer measured in the same run on the same input; `what` is the same for both.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "bioccia"
COLUMNS = ("what", "who", "value", "unit", "against bioccia", "aim")

Row = dict[str, object]


def run_benchmark(file: Path) -> tuple[list[Row], bool]:
    """Run one benchmark; its rows, and whether it ended well. What is not a row goes to the terminal."""
    print(f"… {file.stem}", file=sys.stderr, flush=True)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent, env=environment) as process:
        rows = [row for line in process.stdout or [] if (row := _read_row(line))]
    return rows, process.returncode == 0


def _read_row(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        row = None
    if isinstance(row, dict) and {"what", "who", "value", "unit"} <= row.keys():
        return row
    print(line, end="", file=sys.stderr)
    return None


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table; each peer's value is also given as a multiple of ours."""
    ours = {row["what"]: row["value"] for row in rows if row["who"] == OURS}
    lines = [list(COLUMNS)]
    for row in rows:
        ratio = _ratio(row["value"], ours.get(row["what"])) if row["who"] != OURS else ""
        facts = [row["what"], row["who"], f"{row['value']:.4g}", row["unit"], ratio, row.get("aim", "")]
        lines.append([str(fact) for fact in facts])
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def _ratio(value: object, ours: object) -> str:
    return (
        f"x {value / ours:.2f}" if isinstance(value, (int, float)) and isinstance(ours, (int, float)) and ours else ""
    )


def main() -> int:
    """Run the benchmarks; 1 when one fails."""
    parser = argparse.ArgumentParser(description="Run the benchmarks and print one table.")
    parser.add_argument("names", nargs="*", help="only those whose name holds one of these words")
    names = parser.parse_args().names
    rows, failed = [], []
    for file in sorted(HERE.glob("bench_*.py")):
        if not names or any(name in file.stem for name in names):
            found, well = run_benchmark(file)
            rows += found
            failed += [] if well else [file.stem]
    print(table(rows))
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
