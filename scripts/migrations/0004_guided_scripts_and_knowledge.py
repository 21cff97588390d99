import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scripts", "0003_last_writer"),
        ("customers", "0001_initial"),  # pg_trgm
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("guide", "Guide"),
                            ("norm", "Service norm"),
                            ("faq", "Frequent question"),
                            ("scenario", "Scenario"),
                            ("timetable", "Timetable"),
                        ],
                        default="guide",
                        max_length=10,
                        verbose_name="category",
                    ),
                ),
                ("title", models.CharField(max_length=160, verbose_name="title")),
                ("text", models.TextField(blank=True, default="", verbose_name="text")),
                ("number", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("review_on", models.DateField(blank=True, null=True, verbose_name="to be reviewed on")),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="changed"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired")),
            ],
            options={
                "verbose_name": "article",
            },
        ),
        migrations.CreateModel(
            name="ArticleFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                ("file_id", models.BigIntegerField(unique=True, verbose_name="file")),
                (
                    "added_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="added"),
                ),
                ("removed_at", models.DateTimeField(blank=True, null=True, verbose_name="removed")),
            ],
            options={
                "verbose_name": "attachment of an article",
            },
        ),
        migrations.CreateModel(
            name="ArticleVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("title", models.CharField(max_length=160, verbose_name="title")),
                ("text", models.TextField(blank=True, default="", verbose_name="text")),
                ("what_changed", models.CharField(blank=True, default="", max_length=300, verbose_name="what changed")),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="written"),
                ),
            ],
            options={
                "verbose_name": "version of an article",
            },
        ),
        migrations.CreateModel(
            name="GuidanceCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "quadrant",
                    models.CharField(
                        choices=[
                            ("strength", "We like to say it, customers like to hear it"),
                            ("duty", "We must say it, customers do not care for it"),
                            ("leave_out", "Neither: leave it out"),
                            ("weak_point", "We do not like to say it, customers want to hear it"),
                        ],
                        max_length=10,
                        verbose_name="quadrant",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("objection", "Objection"),
                            ("selling_point", "Selling point"),
                            ("mandatory", "Mandatory statement"),
                            ("own", "Own words"),
                        ],
                        default="own",
                        max_length=13,
                        verbose_name="kind",
                    ),
                ),
                ("text", models.CharField(max_length=300, verbose_name="text")),
                ("note", models.CharField(blank=True, default="", max_length=500, verbose_name="how to say it")),
            ],
            options={
                "verbose_name": "card of a guidance map",
            },
        ),
        migrations.CreateModel(
            name="GuidanceMap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("campaign_id", models.BigIntegerField(blank=True, null=True, verbose_name="campaign")),
                ("title", models.CharField(max_length=160, verbose_name="title")),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="made"),
                ),
                ("archived_at", models.DateTimeField(blank=True, null=True, verbose_name="archived")),
            ],
            options={
                "verbose_name": "guidance map",
            },
        ),
        migrations.CreateModel(
            name="Objection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=200, verbose_name="what the customer says")),
                (
                    "reason",
                    models.CharField(
                        blank=True, default="", max_length=120, verbose_name="reason of refusal it belongs to"
                    ),
                ),
                ("search", models.CharField(blank=True, default="", max_length=500)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="written"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired")),
            ],
            options={
                "verbose_name": "objection",
            },
        ),
        migrations.CreateModel(
            name="ObjectionAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000, verbose_name="answer")),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("in_use", "In use"), ("dropped", "Dropped")],
                        default="draft",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("call_id", models.BigIntegerField(blank=True, null=True, verbose_name="from call")),
                ("second", models.PositiveIntegerField(blank=True, null=True, verbose_name="second of the recording")),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="written"),
                ),
            ],
            options={
                "verbose_name": "answer to an objection",
            },
        ),
        migrations.CreateModel(
            name="Phrase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "part",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("first_question", "First question"),
                            ("opening", "Opening"),
                            ("introduction", "Product introduction"),
                            ("persuasion", "Persuasion"),
                            ("closing", "Closing"),
                            ("ending", "Ending"),
                        ],
                        default="",
                        max_length=16,
                        verbose_name="part",
                    ),
                ),
                ("text", models.TextField(max_length=1000, verbose_name="phrase")),
                ("call_id", models.BigIntegerField(blank=True, null=True, verbose_name="from call")),
                ("second", models.PositiveIntegerField(blank=True, null=True, verbose_name="second of the recording")),
                (
                    "added_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="added"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired")),
            ],
            options={
                "verbose_name": "best phrase",
            },
        ),
        migrations.CreateModel(
            name="PhraseVote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="at")),
            ],
            options={
                "verbose_name": "vote for a phrase",
            },
        ),
        migrations.CreateModel(
            name="ProhibitedWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=60, unique=True, verbose_name="word")),
                ("why", models.CharField(blank=True, default="", max_length=200, verbose_name="why not")),
            ],
            options={
                "verbose_name": "prohibited word",
            },
        ),
        migrations.CreateModel(
            name="Scenario",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("moment", models.CharField(blank=True, default="", max_length=120, verbose_name="moment")),
                ("picture", models.TextField(max_length=2000, verbose_name="the picture, in words")),
                ("lines", models.TextField(blank=True, default="", max_length=2000, verbose_name="lines to say")),
                (
                    "sms_text",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="text of the message"),
                ),
                ("conditions", models.JSONField(blank=True, default=dict, verbose_name="conditions")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("pilot", "Being tried"),
                            ("in_use", "In use"),
                            ("dropped", "Dropped"),
                        ],
                        default="draft",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="written"),
                ),
            ],
            options={
                "verbose_name": "scenario",
            },
        ),
        migrations.CreateModel(
            name="ScriptBranch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("choice", models.CharField(max_length=200, verbose_name="answer")),
            ],
            options={
                "verbose_name": "branch of a script",
            },
        ),
        migrations.CreateModel(
            name="StepComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=2000, verbose_name="comment")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="at")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
            ],
            options={
                "verbose_name": "comment on a script",
            },
        ),
        migrations.CreateModel(
            name="StepObjection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "objection at a step",
            },
        ),
        migrations.CreateModel(
            name="StepQuote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("article_version", models.PositiveIntegerField(verbose_name="version of the article")),
            ],
            options={
                "verbose_name": "quoted article",
            },
        ),
        migrations.AddField(
            model_name="product",
            name="suits",
            field=models.TextField(blank=True, db_default="", default="", verbose_name="who it suits"),
        ),
        migrations.AddField(
            model_name="scriptstep",
            name="key",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False
            ),
        ),
        migrations.AddField(
            model_name="scriptversion",
            name="based_on",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scripts.scriptversion",
                verbose_name="made from version",
            ),
        ),
        migrations.AddConstraint(
            model_name="scriptstep",
            constraint=models.UniqueConstraint(fields=("version", "key"), name="script_step_key"),
        ),
        migrations.AddField(
            model_name="article",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.AddField(
            model_name="article",
            name="products",
            field=models.ManyToManyField(
                blank=True, related_name="articles", to="scripts.product", verbose_name="products"
            ),
        ),
        migrations.AddField(
            model_name="articlefile",
            name="added_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="added by",
            ),
        ),
        migrations.AddField(
            model_name="articlefile",
            name="article",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="files",
                to="scripts.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="articleversion",
            name="article",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="scripts.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="articleversion",
            name="written_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="written by",
            ),
        ),
        migrations.AddField(
            model_name="guidancemap",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="guidancemap",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="maps",
                to="scripts.product",
                verbose_name="product",
            ),
        ),
        migrations.AddField(
            model_name="guidancecard",
            name="map",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="cards",
                to="scripts.guidancemap",
                verbose_name="map",
            ),
        ),
        migrations.AddField(
            model_name="objection",
            name="created_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="written by",
            ),
        ),
        migrations.AddField(
            model_name="objection",
            name="product",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: of every product.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="objections",
                to="scripts.product",
                verbose_name="product",
            ),
        ),
        migrations.AddField(
            model_name="objectionanswer",
            name="objection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="scripts.objection",
                verbose_name="objection",
            ),
        ),
        migrations.AddField(
            model_name="objectionanswer",
            name="written_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="written by",
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="added_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="added by",
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="product",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="phrases",
                to="scripts.product",
                verbose_name="product",
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="said_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="said by",
            ),
        ),
        migrations.AddField(
            model_name="phrasevote",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="phrasevote",
            name="phrase",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="votes",
                to="scripts.phrase",
                verbose_name="phrase",
            ),
        ),
        migrations.AddField(
            model_name="scenario",
            name="article",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="scenarios",
                to="scripts.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="scenario",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="scenarios",
                to="scripts.product",
                verbose_name="product that fits",
            ),
        ),
        migrations.AddField(
            model_name="scenario",
            name="written_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="written by",
            ),
        ),
        migrations.AddField(
            model_name="scriptbranch",
            name="question",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="branches",
                to="scripts.scriptquestion",
                verbose_name="question",
            ),
        ),
        migrations.AddField(
            model_name="scriptbranch",
            name="target",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reached_from",
                to="scripts.scriptstep",
                verbose_name="goes on with",
            ),
        ),
        migrations.AddField(
            model_name="stepcomment",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="stepcomment",
            name="settled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="settled by",
            ),
        ),
        migrations.AddField(
            model_name="stepcomment",
            name="step",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="comments",
                to="scripts.scriptstep",
                verbose_name="step",
            ),
        ),
        migrations.AddField(
            model_name="stepcomment",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="comments",
                to="scripts.scriptversion",
                verbose_name="version",
            ),
        ),
        migrations.AddField(
            model_name="stepobjection",
            name="objection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="step_links",
                to="scripts.objection",
                verbose_name="objection",
            ),
        ),
        migrations.AddField(
            model_name="stepobjection",
            name="step",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="objection_links",
                to="scripts.scriptstep",
                verbose_name="step",
            ),
        ),
        migrations.AddField(
            model_name="stepquote",
            name="article",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="quotes",
                to="scripts.article",
                verbose_name="article",
            ),
        ),
        migrations.AddField(
            model_name="stepquote",
            name="step",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="quotes",
                to="scripts.scriptstep",
                verbose_name="step",
            ),
        ),
        migrations.AddIndex(
            model_name="article",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["title", "text"], name="article_search", opclasses=["gin_trgm_ops", "gin_trgm_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="article",
            index=models.Index(condition=models.Q(("retired_at", None)), fields=["review_on"], name="article_review"),
        ),
        migrations.AddConstraint(
            model_name="articleversion",
            constraint=models.UniqueConstraint(fields=("article", "number"), name="article_version_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="articleversion",
            trigger=pgtrigger.compiler.Trigger(
                name="article_version_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="37e547642ccf1b85e10f90949bced6b22c375a86",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_article_version_never_changes_0b5a1",
                    table="scripts_articleversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="guidancemap",
            constraint=models.UniqueConstraint(
                condition=models.Q(("archived_at", None)),
                fields=("product", "campaign_id"),
                name="guidance_map_open_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="objectionanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("second", None), ("call_id__isnull", False), _connector="OR"),
                name="objection_answer_moment_has_call",
            ),
        ),
        migrations.AddConstraint(
            model_name="phrase",
            constraint=models.CheckConstraint(
                condition=models.Q(("second", None), ("call_id__isnull", False), _connector="OR"),
                name="phrase_moment_has_call",
            ),
        ),
        migrations.AddConstraint(
            model_name="phrasevote",
            constraint=models.UniqueConstraint(fields=("phrase", "by"), name="phrase_vote_once"),
        ),
        migrations.AddConstraint(
            model_name="scenario",
            constraint=models.UniqueConstraint(fields=("product", "name"), name="scenario_name_per_product"),
        ),
        migrations.AddConstraint(
            model_name="scriptbranch",
            constraint=models.UniqueConstraint(fields=("question", "choice"), name="script_branch_once"),
        ),
        migrations.AddConstraint(
            model_name="stepcomment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at", None), ("settled_by", None)),
                    models.Q(("settled_at__isnull", False), ("settled_by__isnull", False)),
                    _connector="OR",
                ),
                name="step_comment_settled_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="stepobjection",
            constraint=models.UniqueConstraint(fields=("step", "objection"), name="step_objection_once"),
        ),
        migrations.AddConstraint(
            model_name="stepquote",
            constraint=models.UniqueConstraint(fields=("step", "article"), name="step_quote_once"),
        ),
    ]
