"""Calls to made-up customers, told by the telephone system of the house over the API. For administrators alone: nobody else learns of a number."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from core.clock import database_now
from core.idempotency import once
from customers import rules
from customers.services.canaries import report_canary_call
from people.models import User


class CanaryCallPost(serializers.Serializer[Any]):
    number = serializers.CharField(max_length=40, help_text="The number that was called; it is kept nowhere.")
    called_at = serializers.DateTimeField(help_text="When. The same number and time again is the same call.")
    caller = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=200,
        help_text="Who called, as far as known. Kept sealed.",
    )


class CanaryCallAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    canary_id = serializers.IntegerField()
    called_at = serializers.DateTimeField()


class CanaryCallViewSet(viewsets.ViewSet):
    """Calls to made-up customers: each is an alert until an administrator has looked into it."""

    @extend_schema(
        summary="Report that a made-up customer was called", request=CanaryCallPost, responses={201: CanaryCallAnswer}
    )
    def create(self, request: Request) -> Response:
        """Takes an Idempotency-Key. 403 to everybody but administrators, whatever the number; 409 when it is no made-up customer's."""
        user = cast(User, request.user)
        if not rules.can_see_canaries(user):
            raise PermissionDenied
        post = CanaryCallPost(data=request.data)
        post.is_valid(raise_exception=True)
        told = post.validated_data

        def report() -> dict[str, Any]:
            call = report_canary_call(**told, by=user, at=database_now())
            return {"id": call.pk, "canary_id": call.canary_id, "called_at": _said(call.called_at)}

        fingerprint = {"post": "canary-calls", **told, "called_at": _said(told["called_at"])}
        key = request.headers.get("Idempotency-Key", "").strip()
        return Response(once(user=user, key=key, fingerprint=fingerprint, run=report), status=status.HTTP_201_CREATED)


def _said(moment: datetime) -> str:
    return moment.isoformat()


def register(router: BaseRouter) -> None:
    router.register("canary-calls", CanaryCallViewSet, basename="canary-call")
