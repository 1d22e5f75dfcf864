"""Strip package-lock.json of addresses: the registry is the business of each machine, the hashes stay."""

import json

from bioccia.lifecycle import paths

LOCK = paths.REPOSITORY / "package-lock.json"
STRIPPED = ("resolved", "funding")


def main() -> None:
    """Rewrite the lock file without its addresses."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        for key in STRIPPED:
            package.pop(key, None)
    LOCK.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
