"""Signing in and out, and what a person sets for themselves."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.audit import audit
from core.clock import database_now
from core.errors import DomainError
from people.forms import PreferencesForm
from people.models import User
from people.services import persons


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "people/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        audit("people.session.opened", self.request.user, by=self.request.user, at=database_now())
        return answer


class SignOut(LogoutView):
    http_method_names = ["post", "options"]


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Own language and look."""
    form = PreferencesForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        persons.set_preferences(user=request.user, **form.cleaned_data)
        translation.activate(request.user.language)
        messages.success(request, _("Your choice is kept."))
        return _with_language(redirect("people:account"), request.user.language)
    return _account_page(request, form, PasswordChangeForm(request.user))


@require_POST
def account_password(request: HttpRequest) -> HttpResponse:
    """Another password, which asks for the old one."""
    form = PasswordChangeForm(request.user, request.POST)
    if form.is_valid():
        password = form.cleaned_data["new_password1"]
        try:
            user = persons.reset_password(user=request.user, password=password, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error("new_password1", str(refusal))
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect("people:account")
    return _account_page(request, PreferencesForm(instance=request.user), form)


def _account_page(request: HttpRequest, form: PreferencesForm, password_form: PasswordChangeForm) -> HttpResponse:
    rows = request.user.memberships.select_related("team__city", "city").order_by("-valid_from", "pk")
    faulty = form.errors or password_form.errors
    context = {"form": form, "password_form": password_form, "memberships": rows, "today": timezone.localdate()}
    return render(request, "people/account.html", context, status=422 if faulty else 200)


@login_not_required
@require_POST
def account_language(request: HttpRequest) -> HttpResponse:
    """The switch at the foot of every page, the sign-in page included."""
    language = request.POST.get("language", "")
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = reverse("home")
    if language not in User.Language.values:
        return redirect(target)
    if request.user.is_authenticated:
        persons.set_preferences(user=request.user, language=language)
    return _with_language(redirect(target), language)


def _with_language(answer: HttpResponse, language: str) -> HttpResponse:
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 86400, samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        secure=settings.LANGUAGE_COOKIE_SECURE, path=settings.LANGUAGE_COOKIE_PATH,
    )  # fmt: skip
    return answer


@require_POST
def account_theme(request: HttpRequest) -> HttpResponse:
    theme = request.POST.get("theme", "")
    if theme not in User.Theme.values:
        return HttpResponse(status=400)
    persons.set_preferences(user=request.user, theme=theme)
    return HttpResponse(status=204)
