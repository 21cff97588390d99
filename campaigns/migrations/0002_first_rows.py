"""The region's common results, and the first month partitions of calls."""

from django.db import migrations
from django.utils import timezone

# code, English, Chinese, key, needs, follow, flags
COMMON = [
    ("sold", "Sold", "成交", "s", "order", "won", "connected right_party sale"),
    ("callback", "Callback agreed", "约定回拨", "b", "callback", "callback", "connected right_party"),
    ("considering", "Considering", "考虑中", "c", "", "retry", "connected right_party"),
    ("family", "To discuss with family", "与家人商量", "f", "", "retry", "connected right_party"),
    ("decision_maker_absent", "Decision-maker absent", "决策人不在", "d", "", "retry", "connected"),
    ("wrong_person", "Wrong person", "非本人", "w", "", "closed", "connected"),
    ("refused_no_need", "No need", "没有需要", "n", "", "refused", "connected right_party refuses_offer"),
    ("refused_not_interested", "Not interested", "不感兴趣", "i", "", "refused", "connected right_party refuses_offer"),
    ("refused_price", "Too dear", "价格太贵", "p", "", "refused", "connected right_party refuses_offer"),
    ("refused_inconvenient", "Inconvenient", "办理不便", "x", "", "refused", "connected right_party refuses_offer"),
    ("refused_distrust", "Distrust", "不信任", "t", "", "refused", "connected right_party refuses_offer"),
    (
        "refused_mid_call",
        "Broke off in mid-call",
        "中途挂断",
        "m",
        "step",
        "refused",
        "connected right_party refuses_offer mid_call",
    ),
    ("complaint", "Complaint", "投诉", "k", "reason", "closed", "connected complaint"),
    ("do_not_call", "Asks not to be called", "不再来电", "z", "", "refused", "connected refuses_calls"),
    ("no_answer", "No answer", "无人接听", "1", "", "retry", ""),
    ("busy", "Busy", "占线", "2", "", "retry", ""),
    ("switched_off", "Switched off", "关机", "3", "", "retry", ""),
    ("invalid_number", "Invalid number", "空号", "4", "", "closed", "bad_number"),
]


def add_dispositions(apps, schema_editor):
    Disposition = apps.get_model("campaigns", "Disposition")
    for position, (code, label, label_zh, key, needs, follow, flags) in enumerate(COMMON, start=1):
        Disposition.objects.create(
            code=code,
            label=label,
            label_zh=label_zh,
            key=key,
            needs=needs,
            follow=follow,
            position=position * 10,
            **dict.fromkeys(flags.split(), True),
        )


def first_partitions(apps, schema_editor):
    from core.partitions import ensure_partitions

    ensure_partitions("campaigns_call", timezone.localdate().replace(day=1), 4)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("core", "0001_initial")]
    operations = [
        migrations.RunPython(add_dispositions, migrations.RunPython.noop),
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
    ]
