"""Addresses of the pages of the app."""

from django.urls import path

from feedback.views import cycles, rounds
from feedback.views.desk import moves, queue
from feedback.views.desk import report as desk_report

app_name = "feedback"
urlpatterns = [
    path("annees/", cycles.cycle_list, name="cycle-list"),
    path("annees/commencer/", cycles.start_cycle, name="cycle-start"),
    path("bureau/", queue.desk, name="desk"),
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
    path("tournees/", rounds.round_list, name="round-list"),
    path("tournees/nouvelle/", rounds.plan_round, name="round-plan"),
    path("tournees/<slug:key>/", rounds.round_page, name="round"),
    path("tournees/<slug:key>/ouverture/", rounds.open_round, name="round-open"),
    path("tournees/<slug:key>/fermeture/", rounds.close_round, name="round-close"),
]
