"""Products and articles over the API, to read: whoever is signed in may, as on the pages."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.routers import BaseRouter

from scripts import queries, queries_knowledge
from scripts.forms_knowledge import ArticleFilter
from scripts.models import Article, ArticleFile, Offer, Product


class OfferSerializer(serializers.ModelSerializer[Offer]):
    class Meta:
        model = Offer
        fields = ("id", "code", "name", "terms", "price_cents", "valid_from", "valid_to")
        read_only_fields = fields


class ProductSerializer(serializers.ModelSerializer[Product]):
    """Points and statements: one a line."""

    offers = OfferSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = (
            "id", "code", "name", "description", "suits", "price_cents", "selling_points", "mandatory_statements",
            "is_larger_plan", "is_on", "offers",
        )  # fmt: skip
        read_only_fields = fields


class ArticleFileSerializer(serializers.ModelSerializer[ArticleFile]):
    class Meta:
        model = ArticleFile
        fields = ("name", "file_id", "added_at")
        read_only_fields = fields


class ArticleSerializer(serializers.ModelSerializer[Article]):
    """As its newest version stands. `products`: their codes."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    products = serializers.SlugRelatedField("code", many=True, read_only=True)
    files = ArticleFileSerializer(many=True, read_only=True)

    class Meta:
        model = Article
        fields = (
            "id", "category", "title", "text", "number", "owner", "review_on", "products", "changed_at", "retired_at", "files",
        )  # fmt: skip
        read_only_fields = fields


class ProductViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """What is sold, with the offers of this channel."""

    queryset = Product.objects.none()
    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        offers = Offer.objects.order_by("-valid_from", "-pk")
        return queries.products().prefetch_related(Prefetch("offers", offers))


class ArticleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """What agents must know; searched as on the page, hits in the title first."""

    queryset = Article.objects.none()
    serializer_class = ArticleSerializer
    filterset_class = ArticleFilter

    def get_queryset(self) -> QuerySet[Article]:
        files = ArticleFile.objects.filter(removed_at=None).order_by("added_at")
        rows = queries_knowledge.articles().prefetch_related(Prefetch("files", files))
        return rows.order_by("rank", "-changed_at", "-pk")


def register(router: BaseRouter) -> None:
    router.register("products", ProductViewSet, basename="product")
    router.register("articles", ArticleViewSet, basename="article")
