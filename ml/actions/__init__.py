"""Every write about runs, model versions, training sets and predictors."""

from ml.actions.predictors import register_predictors, register_published_map
from ml.actions.runs import (
    await_decision,
    claim_run,
    fail_run,
    finish_run,
    finish_step,
    note_heartbeat,
    note_help,
    note_rung,
    request_run,
    request_stop,
    requeue_run,
    start_step,
    stop_run,
)
from ml.actions.versions import (
    approve_at_console,
    approve_version,
    decide_by_gate,
    freeze_training_set,
    map_with_current,
    record_comparison,
    record_version,
    reject_version,
)

__all__ = [
    "approve_at_console",
    "approve_version",
    "await_decision",
    "claim_run",
    "decide_by_gate",
    "fail_run",
    "finish_run",
    "finish_step",
    "freeze_training_set",
    "map_with_current",
    "note_heartbeat",
    "note_help",
    "note_rung",
    "record_comparison",
    "record_version",
    "register_predictors",
    "register_published_map",
    "reject_version",
    "request_run",
    "request_stop",
    "requeue_run",
    "start_step",
    "stop_run",
]
