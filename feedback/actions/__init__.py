"""Every write of the consultation: rounds, drafts, reports, the desk, decisions, files, the yearly cycle."""

from feedback.actions.attachments import attach_file, remove_attachment
from feedback.actions.audit import open_audit_at_gate
from feedback.actions.clock import expire_reports, follow_new_maps, return_stale_reports
from feedback.actions.cycles import attach_release, attach_run, finish_phase, note_waiting, start_cycle
from feedback.actions.decisions import integrate_reports, propose_decision, revert_report, sign_decision
from feedback.actions.desk import ask_author, let_go, merge_report, renew_lock, send_to_field, take_report
from feedback.actions.drafts import save_draft
from feedback.actions.errata import open_erratum, withdraw_release
from feedback.actions.facts import ReportFacts, facts_of
from feedback.actions.proposals import Proposal
from feedback.actions.releases import (
    PublishedFile,
    abandon_release,
    prepare_release,
    publish_release,
    request_publication,
    sign_dossier,
)
from feedback.actions.reports import answer_question, appeal_report, submit_report, withdraw_report
from feedback.actions.rounds import close_round, open_round, plan_round, turn_rounds
from feedback.actions.thresholds import fix_thresholds

__all__ = [
    "Proposal",
    "PublishedFile",
    "ReportFacts",
    "abandon_release",
    "answer_question",
    "appeal_report",
    "ask_author",
    "attach_file",
    "attach_release",
    "attach_run",
    "close_round",
    "expire_reports",
    "facts_of",
    "finish_phase",
    "fix_thresholds",
    "follow_new_maps",
    "integrate_reports",
    "let_go",
    "merge_report",
    "note_waiting",
    "open_audit_at_gate",
    "open_erratum",
    "open_round",
    "plan_round",
    "prepare_release",
    "propose_decision",
    "publish_release",
    "remove_attachment",
    "renew_lock",
    "request_publication",
    "return_stale_reports",
    "revert_report",
    "save_draft",
    "send_to_field",
    "sign_decision",
    "sign_dossier",
    "start_cycle",
    "submit_report",
    "take_report",
    "turn_rounds",
    "withdraw_release",
    "withdraw_report",
]
