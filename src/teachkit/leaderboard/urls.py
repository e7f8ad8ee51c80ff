"""The map of the site."""

from django.contrib.auth import views as auth
from django.urls import path, reverse_lazy
from django.views.generic import TemplateView

from teachkit.leaderboard.board import standing
from teachkit.leaderboard.board import views as board
from teachkit.leaderboard.pages import guides
from teachkit.leaderboard.pages import views as pages
from teachkit.leaderboard.people import team_views
from teachkit.leaderboard.people import views as people
from teachkit.leaderboard.people.forms import Login
from teachkit.leaderboard.submissions import api, comparing, moderation
from teachkit.leaderboard.submissions import views as submissions

urlpatterns = [
    path("", pages.home, name="home"),
    path("challenges/<slug:slug>/", pages.challenge, name="challenge"),
    path("challenges/<slug:slug>/board/", board.leaderboard, name="board"),
    path("challenges/<slug:slug>/submit/", submissions.submit, name="submit"),
    path("submissions/", submissions.mine, name="mine"),
    path("submissions/<int:pk>/", submissions.detail, name="submission"),
    path("submissions/<int:pk>/state/", submissions.state, name="state"),
    path("submissions/<int:pk>/file/", submissions.download, name="file"),
    path("submissions/<int:pk>/scores.json", comparing.scores, name="scores"),
    path("submissions/<int:pk>/<slug:metric>-<slug:kind>.<slug:form>", comparing.figure, name="figure"),
    path(
        "submissions/<int:pk>/sets/<slug:name>-<slug:kind>.<slug:form>",
        standing.set_figure,
        name="set_figure",
    ),
    path("submissions/<int:pk>/<slug:action>/", moderation.moderate, name="moderate"),
    path("compare/", comparing.compare, name="compare"),
    path("moderation/", moderation.moderation, name="moderation"),
    path("scores/", guides.scores, name="metrics"),
    path("datasets/", guides.datasets, name="datasets"),
    path("datasets/<slug:name>.png", guides.picture, name="picture"),
    path("research/", guides.research, name="research"),
    path("api/challenges/<slug:slug>/", api.about, name="api_challenge"),
    path("api/challenges/<slug:slug>/submissions/", api.hand_in, name="api_hand_in"),
    path("api/submissions/<int:pk>/", api.entry, name="api_entry"),
    path("register/", people.register, name="register"),
    path("confirm/<str:signed>/", people.confirm, name="confirm"),
    path(
        "login/",
        auth.LoginView.as_view(template_name="people/login.html", authentication_form=Login),
        name="login",
    ),
    path("logout/", auth.LogoutView.as_view(http_method_names=["post", "options"]), name="logout"),
    path("profile/", people.profile, name="profile"),
    path("profile/tokens/", people.make_token, name="make_token"),
    path("profile/tokens/<int:pk>/drop/", people.drop_token, name="drop_token"),
    path("profile/data/", people.my_data, name="my_data"),
    path("profile/close/", people.close_account, name="close_account"),
    path("team/", team_views.team, name="team"),
    path("team/new/", team_views.make_team, name="make_team"),
    path("team/rename/", team_views.rename, name="rename_team"),
    path("team/invite/", team_views.invite, name="invite"),
    path("team/invitations/<int:pk>/withdraw/", team_views.withdraw, name="withdraw"),
    path("team/members/<int:pk>/leave/", team_views.leave, name="leave"),
    path("join/<str:secret>/", team_views.join, name="join"),
    path("healthz", pages.health, name="health"),
    path("privacy/", TemplateView.as_view(template_name="pages/privacy.html"), name="privacy"),
    path("about/", TemplateView.as_view(template_name="pages/about.html"), name="about"),
]
RESET = {
    "password-reset/": (
        "password_reset",
        auth.PasswordResetView.as_view(
            template_name="people/reset.html",
            email_template_name="people/reset_mail.txt",
            subject_template_name="people/reset_subject.txt",
            success_url=reverse_lazy("password_reset_done"),
        ),
    ),
    "password-reset/sent/": (
        "password_reset_done",
        auth.PasswordResetDoneView.as_view(template_name="people/reset_sent.html"),
    ),
    "password-reset/<uidb64>/<token>/": (
        "password_reset_confirm",
        auth.PasswordResetConfirmView.as_view(template_name="people/reset_new.html"),
    ),
    "password-reset/done/": (
        "password_reset_complete",
        auth.PasswordResetCompleteView.as_view(template_name="people/reset_done.html"),
    ),
}
urlpatterns += [path(address, view, name=name) for address, (name, view) in RESET.items()]
handler500 = "teachkit.leaderboard.pages.views.broken"
