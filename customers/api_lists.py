"""Lead lists over the API: upload, status, verdicts, decisions, commit. The same services as the pages."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.views import APIView

from core.clock import database_now
from core.errors import PermissionRefused
from core.idempotency import once
from core.numbers import number_or_none
from customers import list_queries, list_rules
from customers.api_lists_shapes import (
    CorrectionSerializer,
    DecisionSerializer,
    FaultSerializer,
    JobAnswerSerializer,
    LeadListSerializer,
    LookSerializer,
    MappingSerializer,
    OutcomeSerializer,
    RepairSerializer,
    RowSerializer,
    TakeBackSerializer,
    UploadSerializer,
)
from customers.filters_lists import LeadListFilter
from customers.models import LeadList, RowVerdict
from customers.services import list_decisions, list_receiving, lists, mappings, repairs
from people.models import User


class MaySeeLists(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return list_rules.can_see_lists(request.user)


@extend_schema_view(list=extend_schema(summary="Lead lists"), retrieve=extend_schema(summary="One lead list"))
class LeadListViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LeadList]):
    """A file of customers: upload it, ask until it is checked, look at the verdicts, commit."""

    queryset = LeadList.objects.none()
    serializer_class = LeadListSerializer
    filterset_class = LeadListFilter
    permission_classes = [*viewsets.GenericViewSet.permission_classes, MaySeeLists]
    parser_classes = [JSONParser, MultiPartParser]

    def get_queryset(self) -> QuerySet[LeadList]:
        return list_queries.lists_of(_user(self.request)).order_by("-created_at", "-pk")

    @extend_schema(
        summary="Upload a list",
        request={"multipart/form-data": UploadSerializer},
        responses={201: LeadListSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key again answers as before."
            )
        ],
    )
    def create(self, request: Request) -> Response:
        told = UploadSerializer(data=request.data, context={"request": request})
        told.is_valid(raise_exception=True)
        data = told.validated_data

        def receive() -> dict[str, Any]:
            made = list_receiving.receive_list(
                file=data["file"], file_name=data["file"].name, name=data["name"] or data["file"].name.rsplit(".", 1)[0], source=data["source"],
                city=data["city"], consent_basis=data["consent_basis"], by=_user(request), at=database_now(), map_first=data["map_first"],
                known=data["known"], known_fields=data["known_fields"], known_days=data["known_days"],
                left_list=data["left_list"], left_campaign_id=data["left_campaign"], left_campaign_days=data["left_campaign_days"],
            )  # fmt: skip
            return {"id": made.pk}

        fingerprint = [
            _digest(data["file"]),
            data["name"],
            data["source"].pk,
            data["city"] and data["city"].pk,
            data["consent_basis"],
            data["map_first"],
            data["known"],
            data["known_fields"],
            data["known_days"],
            data["left_list"] and data["left_list"].pk,
            data["left_campaign"],
            data["left_campaign_days"],
        ]
        answer = once(
            user=request.user, key=request.headers.get("Idempotency-Key", ""), fingerprint=fingerprint, run=receive
        )
        made = LeadList.objects.get(pk=answer["id"])
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Rows with their verdicts, numbers masked",
        responses=RowSerializer(many=True),
        parameters=[
            OpenApiParameter("verdict", str, enum=RowVerdict.Verdict.values),
            OpenApiParameter("reason", str),
            OpenApiParameter("q", str),
        ],
        filters=False,
    )
    @action(detail=True, filterset_class=None)
    def verdicts(self, request: Request, pk: str | None = None) -> Response:
        lead_list = self.get_object()
        asked = request.query_params
        found = list_queries.verdicts_of(
            lead_list,
            _user(request),
            verdict=asked.get("verdict", ""),
            reason=asked.get("reason", ""),
            search=asked.get("q", ""),
        )
        page = self.paginate_queryset(found) or []
        rows = list_queries.rows_of(lead_list, list(page), _user(request))
        return self.get_paginated_response(RowSerializer(rows, many=True).data)

    @extend_schema(summary="Decide about rows", request=DecisionSerializer, responses=LeadListSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str | None = None) -> Response:
        lead_list = self._workable()
        told = DecisionSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        list_decisions.decide_rows(lead_list=lead_list, by=_user(request), at=database_now(), **told.validated_data)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Sheets, headings and columns of the file",
        responses=LookSerializer,
        parameters=[OpenApiParameter("sheet", str), OpenApiParameter("row_no", int)],
        filters=False,
    )
    @action(detail=True, filterset_class=None, pagination_class=None, url_path="mapping")
    def columns(self, request: Request, pk: str | None = None) -> Response:
        row = request.query_params.get("row_no", "")
        looked = mappings.look_into(
            lead_list=self._workable(),
            by=_user(request),
            sheet=request.query_params.get("sheet"),
            row_no=int(row) if row.isdecimal() and len(row) < 6 else None,
        )
        return Response(LookSerializer(looked).data)

    @extend_schema(
        summary="Choose the columns and check", request=MappingSerializer, responses={202: JobAnswerSerializer}
    )
    @columns.mapping.post
    def choose_columns(self, request: Request, pk: str | None = None) -> Response:
        lead_list = self._workable()
        told = MappingSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        data = told.validated_data
        columns = [(column["field"], column["name"]) for column in data.pop("columns")]
        job = mappings.confirm_mapping(
            lead_list=lead_list, columns=columns, **data, by=_user(request), at=database_now()
        )
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Faults that one correction can take away", responses=FaultSerializer(many=True), filters=False
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def faults(self, request: Request, pk: str | None = None) -> Response:
        return Response(FaultSerializer(list_queries.faults_of(self._workable()), many=True).data)

    @extend_schema(
        summary="Correct all rows with one fault",
        request=CorrectionSerializer,
        responses={200: OutcomeSerializer, 202: OutcomeSerializer},
    )
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, pk: str | None = None) -> Response:
        lead_list = self._workable()
        told = CorrectionSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        data = told.validated_data
        correction = repairs.Correction(data["fault"], data["value"], data["spelling"])
        if data["preview"]:
            outcome = repairs.preview_correction(lead_list=lead_list, correction=correction, by=_user(request))
        else:
            outcome = repairs.correct_rows(
                lead_list=lead_list, correction=correction, by=_user(request), at=database_now()
            )
        answer = status.HTTP_202_ACCEPTED if outcome.job else status.HTTP_200_OK
        return Response(OutcomeSerializer(outcome).data, status=answer)

    @extend_schema(summary="Repair one row", request=RepairSerializer, responses=RowSerializer)
    @action(detail=True, methods=["post"], url_path=r"rows/(?P<row>[0-9]+)/repair")
    def repair(self, request: Request, pk: str | None = None, row: str = "") -> Response:
        lead_list = self._workable()
        told = RepairSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        values = {name: str(value) for name, value in told.validated_data.items()}
        verdict = repairs.repair_row(
            lead_list=lead_list, row_no=number_or_none(row) or 0, values=values, by=_user(request), at=database_now()
        )
        [shown] = list_queries.rows_of(lead_list, [verdict], _user(request))
        return Response(RowSerializer(shown).data)

    @extend_schema(summary="Commit the good rows", request=None, responses={202: JobAnswerSerializer})
    @action(detail=True, methods=["post"])
    def commit(self, request: Request, pk: str | None = None) -> Response:
        job = lists.commit_list(lead_list=self._workable(), by=_user(request), at=database_now())
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Take a committed list back", request=TakeBackSerializer, responses={202: JobAnswerSerializer}
    )
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str | None = None) -> Response:
        lead_list = self._workable()
        told = TakeBackSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        reason = told.validated_data["reason"]
        job = lists.undo_list(lead_list=lead_list, by=_user(request), reason=reason, at=database_now())
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Give the list up", request=None, responses=LeadListSerializer)
    @action(detail=True, methods=["post"], url_path="give-up")
    def give_up(self, request: Request, pk: str | None = None) -> Response:
        given_up = lists.give_up_list(lead_list=self._workable(), by=_user(request), at=database_now())
        return Response(self.get_serializer(given_up).data)

    def _workable(self) -> LeadList:
        lead_list = self.get_object()
        if not list_rules.can_work_on_list(_user(self.request), lead_list):
            raise PermissionRefused(_("Only the data team works on lists."))
        return lead_list


def _user(request: Request) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def register(router: BaseRouter) -> None:
    router.register("lists", LeadListViewSet, basename="list")
