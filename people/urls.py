from django.urls import path

from people.views import exports, persons, places, session

app_name = "people"
urlpatterns = [
    path("login/", session.SignIn.as_view(), name="login"),
    path("logout/", session.SignOut.as_view(), name="logout"),
    path("account/", session.account, name="account"),
    path("account/password/", session.account_password, name="account-password"),
    path("account/language/", session.account_language, name="account-language"),
    path("account/theme/", session.account_theme, name="account-theme"),
    path("people/region/", places.region, name="region"),
    path("people/cities/", places.cities, name="cities"),
    path("people/cities/new/", places.city_new, name="city-new"),
    path("people/cities/<int:pk>/", places.city, name="city"),
    path("people/cities/<int:pk>/switch/", places.city_switch, name="city-switch"),
    path("people/teams/", places.teams, name="teams"),
    path("people/teams/new/", places.team_new, name="team-new"),
    path("people/teams/<int:pk>/", places.team, name="team"),
    path("people/roles/", persons.roles, name="roles"),
    path("exports/", exports.exports, name="exports"),
    path("exports/badge/", exports.exports_badge, name="exports-badge"),
    path("exports/ask/", exports.export_ask, name="export-ask"),
    path("exports/<int:pk>/decide/", exports.export_decide, name="export-decide"),
    path("people/users/", persons.users, name="users"),
    path("people/users/new/", persons.user_new, name="user-new"),
    path("people/users/<int:pk>/", persons.user, name="user"),
    path("people/users/<int:pk>/change/", persons.user_change, name="user-change"),
    path("people/users/<int:pk>/role/", persons.user_role, name="user-role"),
    path("people/users/<int:pk>/role/<int:membership>/end/", persons.role_end, name="role-end"),
    path("people/users/<int:pk>/move/", persons.user_move, name="user-move"),
    path("people/users/<int:pk>/password/", persons.user_password, name="user-password"),
    path("people/users/<int:pk>/account/", persons.user_account, name="user-account"),
    path("people/users/<int:pk>/token/", persons.user_token, name="user-token"),
]
