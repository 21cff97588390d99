"""Messages of other systems: ask before one is sent, so that calls and messages share one budget of contacts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.api_calls import IDEMPOTENCY, key_of, must
from campaigns.models import Campaign
from campaigns.services import messages
from core.clock import database_now
from core.idempotency import once
from customers.models import Contact, Customer


class MessagePost(serializers.Serializer[Any]):
    customer = serializers.PrimaryKeyRelatedField(queryset=Customer.objects.none())
    campaign = serializers.SlugRelatedField(slug_field="code", queryset=Campaign.objects.none())

    def get_fields(self) -> dict[str, Any]:
        """Only customers and campaigns that the asker may see."""
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None and request.user.is_authenticated:
            fields["customer"].queryset = Customer.objects.visible_to(request.user)
            fields["campaign"].queryset = Campaign.objects.visible_to(request.user).select_related("product")
        return fields


class MessageSerializer(serializers.ModelSerializer[Contact]):
    class Meta:
        model = Contact
        fields = ("id", "at", "customer_id", "campaign_id", "state")
        read_only_fields = fields


class MessageViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Contacts taken for messages."""

    queryset = Contact.objects.none()
    serializer_class = MessageSerializer

    def get_queryset(self) -> QuerySet[Contact]:
        must(rules.can_send_messages(self.request.user))
        return Contact.objects.visible_to(self.request.user).filter(channel=Contact.Channel.MESSAGE)

    @extend_schema(request=MessagePost, responses={201: MessageSerializer}, parameters=[IDEMPOTENCY])
    def create(self, request: Request) -> Response:
        """Take one contact of the person's budget before the message is sent. The same key again answers as before while the contact is taken. 409 with a sentence when the rules of contact stand against it: do not send."""
        must(rules.can_send_messages(request.user))
        posted = MessagePost(data=request.data, context=self.get_serializer_context())
        posted.is_valid(raise_exception=True)
        customer, campaign = posted.validated_data["customer"], posted.validated_data["campaign"]

        def run() -> dict[str, Any]:
            taken = messages.reserve_message(customer=customer, campaign=campaign, by=request.user, at=database_now())
            return dict(MessageSerializer(taken).data)

        said = {"post": "messages", "customer": customer.pk, "campaign": campaign.code}
        answer = once(user=request.user, key=key_of(request), fingerprint=said, run=run)
        messages.check_taken(Contact.objects.get(pk=answer["id"], at=answer["at"]))
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=MessageSerializer)
    @action(detail=True, methods=["post"], url_path="not-sent")
    def not_sent(self, request: Request, pk: str | None = None) -> Response:
        """The message was not sent after all: the contact goes back to the person's budget. 409 when it was given back already."""
        row = messages.give_message_back(contact=self.get_object(), by=request.user, at=database_now())
        return Response(MessageSerializer(row).data)


def register(router: BaseRouter) -> None:
    router.register("messages", MessageViewSet, basename="message")
