"""The last step: the folder takes its name, and everything becomes public in one transaction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback.actions.releases import PublishedFile, publish_release
from feedback.publication.draft import folder_of_draft, release_of
from feedback.release_folders import MEDIA_TYPES, check_hashes, folder_of, put_in_place
from ml.compute.publishing.manifest import MANIFEST, content_hash, hash_of_file, read_manifest, write_manifest
from ml.compute.publishing.verify import CLASSES, CONFIDENCE
from ml.run_session import RunSession


def publish(session: RunSession) -> Mapping[str, Any]:
    """Put the folder in place and publish.

    A rename cannot be undone by a rollback, nor a row by a rename: the rename comes first, and nobody reads the folder
    before the row says that it is published. Killed between the two, the step finds the folder in place and goes on.
    """
    release = release_of(session)
    hashes = _written(session)
    draft = folder_of_draft(session)
    if (folder_of(release) / MANIFEST).is_file() and read_manifest(folder_of(release)) == hashes:
        folder = folder_of(release)
    else:
        check_hashes(draft, hashes)
        write_manifest(draft, hashes)
        folder = put_in_place(draft, release)
    check_hashes(folder, hashes)
    layers = {f"habitats-{release.year}": str(folder / CLASSES), f"confidence-{release.year}": str(folder / CONFIDENCE)}
    content = content_hash(hashes)
    files = _files(folder, hashes)
    publish_release(release=release, files=files, content_sha256=content, layers=layers, at=session.now())
    return {"release": str(release), "content_sha256": content}


def _written(session: RunSession) -> dict[str, str]:
    """SHA-256 of every file that the steps before have written."""
    outputs = session.outputs
    facts = [
        outputs[name] for name in ("write_polygons", "write_tiles", "write_changes", "write_accuracy", "write_card")
    ]
    facts += [outputs["write_rasters"][name] for name in (CLASSES, CONFIDENCE)]
    return {fact["name"]: fact["sha256"] for fact in facts}


def _files(folder: Path, hashes: Mapping[str, str]) -> list[PublishedFile]:
    listed = {**hashes, MANIFEST: hash_of_file(folder / MANIFEST)}
    return [
        PublishedFile(
            name=name,
            sha256=sha256,
            size_bytes=(folder / name).stat().st_size,
            media_type=MEDIA_TYPES[Path(name).suffix],
        )
        for name, sha256 in sorted(listed.items())
    ]
