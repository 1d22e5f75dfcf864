"""Addresses of the pages of the app."""

from django.urls import path

from feedback.views import attachments, contest, contest_polygons, cycles, exports, my_reports, rounds, work
from feedback.views.desk import moves, queue
from feedback.views.desk import report as desk_report
from feedback.views.releases import preparation, public

app_name = "feedback"
urlpatterns = [
    path("mon-travail/", work.my_work, name="my-work"),
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
    path("releases/", public.release_list, name="release-list"),
    path("releases/preparer/<int:year>/", preparation.gate_page, name="release-gate"),
    path("releases/preparer/<int:year>/liste/", preparation.gate_lines, name="release-gate-lines"),
    path("releases/preparer/<int:year>/dossier/", preparation.prepare, name="release-prepare"),
    path("releases/dossiers/<int:pk>/", preparation.dossier_page, name="release-dossier"),
    path("releases/dossiers/<int:pk>/signature/", preparation.sign, name="release-sign"),
    path("releases/dossiers/<int:pk>/abandon/", preparation.abandon, name="release-abandon"),
    path("releases/<int:year>.<int:number>/", public.release_page, name="release"),
    path("releases/<int:year>.<int:number>/retrait/", preparation.withdraw, name="release-withdraw"),
    path("releases/<int:year>.<int:number>/erratum/", preparation.erratum, name="release-erratum"),
    path("releases/<int:year>.<int:number>/<str:name>", public.release_file, name="release-file"),
    path("releases/<int:year>/", public.latest_release, name="release-latest"),
    path("releases/<int:year>/<str:name>", public.latest_release, name="release-latest-file"),
]
