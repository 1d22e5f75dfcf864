"""Addresses of the pages of the app."""

from django.urls import path

from feedback.views import attachments, contest, contest_polygons, cycles, exports, my_reports, rounds
from feedback.views.desk import moves, queue
from feedback.views.desk import report as desk_report

app_name = "feedback"
urlpatterns = [
    path("annees/", cycles.cycle_list, name="cycle-list"),
    path("annees/commencer/", cycles.start_cycle, name="cycle-start"),
    path("bureau/", queue.desk, name="desk"),
    path("bureau/export.csv", exports.reports_table, name="desk-export"),
    path("bureau/suivant/", queue.take_next, name="desk-next"),
    path("bureau/<int:pk>/", desk_report.report_page, name="desk-report"),
    path("bureau/<int:pk>/effet/", desk_report.effect, name="desk-effect"),
    path("bureau/<int:pk>/prendre/", moves.take, name="desk-take"),
    path("bureau/<int:pk>/rendre/", moves.let_go, name="desk-let-go"),
    path("bureau/<int:pk>/verrou/", moves.renew, name="desk-renew"),
    path("bureau/<int:pk>/question/", moves.ask_author, name="desk-ask"),
    path("bureau/<int:pk>/terrain/", moves.send_to_field, name="desk-field"),
    path("bureau/<int:pk>/proposition/", moves.propose, name="desk-propose"),
    path("bureau/<int:pk>/signature/", moves.sign, name="desk-sign"),
    path("bureau/<int:pk>/renvoi/", moves.send_back, name="desk-send-back"),
    path("bureau/<int:pk>/rattachement/", moves.merge, name="desk-merge"),
    path("bureau/<int:pk>/annulation/", moves.revert, name="desk-revert"),
    path("pieces/<int:pk>/", attachments.attachment, name="attachment"),
    path("pieces/<int:pk>/vignette/", attachments.thumbnail, name="attachment-thumbnail"),
    path("pieces/<int:pk>/retrait/", attachments.remove, name="attachment-remove"),
    path("signalements/", my_reports.report_list, name="my-reports"),
    path("signalements/nouveau/", contest.contest, name="contest"),
    path("signalements/polygone/", contest_polygons.polygon_line, name="contest-polygon"),
    path("signalements/voisinage/", contest_polygons.polygons_near, name="contest-near"),
    path("signalements/<int:pk>/", my_reports.report_page, name="report"),
    path("signalements/<int:pk>/brouillon/", contest.contest_draft, name="contest-draft"),
    path("signalements/<int:pk>/envoye/", contest.report_sent, name="report-sent"),
    path("signalements/<int:pk>/photos/", my_reports.photos, name="report-photos"),
    path("signalements/<int:pk>/reponse/", my_reports.answer, name="report-answer"),
    path("signalements/<int:pk>/appel/", my_reports.appeal, name="report-appeal"),
    path("signalements/<int:pk>/retrait/", my_reports.withdraw, name="report-withdraw"),
    path("tournees/", rounds.round_list, name="round-list"),
    path("tournees/nouvelle/", rounds.plan_round, name="round-plan"),
    path("tournees/<slug:key>/", rounds.round_page, name="round"),
    path("tournees/<slug:key>/ouverture/", rounds.open_round, name="round-open"),
    path("tournees/<slug:key>/fermeture/", rounds.close_round, name="round-close"),
]
