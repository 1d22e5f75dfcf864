"""Every write about ablations."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from habitats.models import Ablation
from ml.models import ModelVersion, Run

logger = structlog.get_logger(__name__)


def record_ablation(
    *, run: Run, version: ModelVersion, pairs: Sequence[Mapping[str, Any]], at: datetime.datetime, **facts: Any
) -> Ablation:
    """Keep what the samples of a source brought to a version; once per run.

    Args:
        run: the run that measured it.
        version: whose frozen samples were used.
        pairs: scores by seed.
        at: the moment.
        **facts: `source_prefix`, `sample_count`, `sample_weight`, `differences`.
    """
    ablation, _created = Ablation.objects.update_or_create(
        run=run,
        defaults={"version": version, "mode": run.mode, "pairs": list(pairs), "created_at": at, **facts},
    )
    logger.info("ablation recorded", version=version.number, source=ablation.source_prefix)
    return ablation
