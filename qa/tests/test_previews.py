"""What publishing a draft would have changed last month: counted whole by a job, kept with the draft, old as soon as the draft is another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from core.jobs import claims, run_inline
from core.jobs.runner import LostLease, Run
from core.models import Job
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import FormPreview, FormVersion, PreviewMoves
from qa.queries_previews import preview_shown
from qa.services import forms, previews
from qa.tests.factories import AT, call_of
from qa.tests.sheets import draft_of, evaluated, form_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def page(client, qa):
    client.force_login(qa)
    return client


@pytest.fixture
def reweighed(qa):
    """A next version in which closing weighs 60 and opening 40: who did not ask for the order comes to 40 + 60 / 2 = 70 instead of 80."""
    version = form_of(qa)
    draft = forms.new_version(form=version.form, by=qa, at=AT)
    for name, weight in (("Opening", 40), ("Closing", 60)):
        _weigh(draft, name, weight, qa)
    return version, draft


def _weigh(draft, name, weight, by):
    stage = draft.stages.get(name=name)
    stage.weight = weight
    forms.save_stage(version=draft, stage=stage, by=by)


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def counted(draft, by, at=None):
    preview = previews.ask_preview(version=draft, by=by, at=at or timezone.now())
    assert run_inline(preview.job_id)
    return shown(draft, by)


def shown(draft, user):
    draft = FormVersion.objects.get(pk=draft.pk)
    return preview_shown(user, draft, FormVersion.objects.in_force_of(draft))


def test_the_count_says_by_team_who_would_cross_the_pass_mark(page, qa, reweighed):
    version, draft = reweighed
    now = timezone.now()
    near, far = TeamFactory(name="Near"), TeamFactory(name="Far")
    for team, told, at in [
        (near, {}, now), (near, {"Asks for the order": "yes"}, now), (far, {}, now), (far, {}, now - timedelta(days=31)),
        (far, {"Greets": "no", "Asks for the order": "yes"}, now),  # 30 + 40 = 70 before, 20 + 60 = 80 then
    ]:  # fmt: skip
        evaluated(call_of(team), version, qa, at=at, told=told)

    found = counted(draft, qa)

    assert [(row.team, row.evaluations, row.up, row.down) for row in found.teams] == [
        (str(far), 2, 1, 1),
        (str(near), 2, 0, 1),
    ]
    text = page.get(url("form-publish", draft.pk)).content.decode()
    assert "1 would pass that did not, 2 would not pass that did." in text


def test_a_team_crosses_the_pass_mark_by_the_mean_of_its_scores(page, qa, reweighed):
    version, draft = reweighed
    up, down, stays = (TeamFactory(name=name) for name in ("A rises", "B falls", "C stays"))
    greets_not = {"Greets": "no", "Asks for the order": "yes"}
    for team, told in [
        (up, greets_not),  # 70 to 80
        (down, {}), (down, {}),  # 80 to 70
        (stays, {}), (stays, {"Asks for the order": "yes"}),  # 80 and 100 to 70 and 100
    ]:  # fmt: skip
        evaluated(call_of(team), version, qa, at=timezone.now(), told=told)

    found = counted(draft, qa)

    assert [(row.mean_now, row.mean_then, row.crosses) for row in found.teams] == [
        (70, 80, "up"),
        (80, 70, "down"),
        (90, 85, ""),
    ]
    text = page.get(url("form-publish", draft.pk)).content.decode()
    assert "2 teams would cross the pass mark with the mean of their scores." in text


def test_a_draft_that_reports_failed_calls_with_nought_moves_the_mean_and_makes_an_older_count_old(page, qa):
    version = form_of(qa)
    draft = forms.new_version(form=version.form, by=qa, at=AT)
    for told in ({}, {"Insults": "yes"}):
        evaluated(
            call_of(TeamFactory(name="One")) if not told else call_of(), version, qa, at=timezone.now(), told=told
        )
    before = counted(draft, qa)
    forms.set_marks(version=draft, pass_mark=80, fail_reports_zero=True, by=qa, at=AT)

    assert shown(draft, qa).is_old
    after = counted(draft, qa)

    assert all(row.mean_now == row.mean_then for row in before.teams)
    assert 0 in [row.mean_then for row in after.teams]
    assert 0 not in [row.mean_now for row in after.teams]


def test_every_evaluation_is_counted_once_however_many_chunks_it_takes(monkeypatch, qa, reweighed):
    version, draft = reweighed
    monkeypatch.setattr(previews, "CHUNK", 2)
    team = TeamFactory()
    for _n in range(5):
        evaluated(call_of(team), version, qa, at=timezone.now())

    found = counted(draft, qa)

    job = Job.objects.get(pk=found.preview.job_id)
    assert (found.evaluations, found.down) == (5, 5)
    assert (job.done, job.total, job.result) == (5, 5, {"evaluations": 5})


def test_a_count_broken_off_in_a_chunk_goes_on_after_the_last_whole_one(monkeypatch, qa, reweighed):
    version, draft = reweighed
    monkeypatch.setattr(previews, "CHUNK", 2)
    for _n in range(3):
        evaluated(call_of(), version, qa, at=timezone.now())
    preview = previews.ask_preview(version=draft, by=qa, at=timezone.now())
    run = Run(claims.claim(preview.job_id))
    score, chunks = previews._moves, []

    def breaks(part, *sheets):
        chunks.append(part)
        if len(chunks) == 2:
            raise RuntimeError
        return score(part, *sheets)

    monkeypatch.setattr(previews, "_moves", breaks)
    with pytest.raises(RuntimeError):
        previews.count_preview(run)
    assert shown(draft, qa).is_counted is False
    assert shown(draft, qa).evaluations == 2

    claims.put_back(run.job, after=timedelta(0))
    assert run_inline(preview.job_id)

    assert (shown(draft, qa).is_counted, shown(draft, qa).evaluations) == (True, 3)


def test_a_count_asked_for_anew_takes_the_place_of_the_one_at_work(monkeypatch, qa, reweighed):
    version, draft = reweighed
    evaluated(call_of(), version, qa, at=timezone.now())
    first = previews.ask_preview(version=draft, by=qa, at=timezone.now())

    found = counted(draft, qa)
    run_inline(first.job_id)

    assert found.preview.pk != first.pk
    assert FormPreview.objects.filter(version=draft).count() == 1
    assert shown(draft, qa).evaluations == 1
    assert Job.objects.get(pk=first.job_id).state == Job.State.DONE


def test_a_worker_that_lost_the_job_adds_nothing(qa, reweighed):
    version, draft = reweighed
    evaluated(call_of(), version, qa, at=timezone.now())
    preview = previews.ask_preview(version=draft, by=qa, at=timezone.now())
    stale = Run(claims.claim(preview.job_id))
    Job.objects.filter(pk=preview.job_id).update(token=99)

    with pytest.raises(LostLease):
        previews.count_preview(stale)

    assert PreviewMoves.objects.count() == 0


def test_what_was_scored_to_calibrate_and_what_was_taken_back_is_not_counted(qa, reweighed):
    from qa.models import Evaluation

    version, draft = reweighed
    kept, double, gone = (evaluated(call_of(), version, qa, at=timezone.now()) for _n in range(3))
    Evaluation.objects.filter(pk=double.pk).update(pick="calibration")
    Evaluation.objects.filter(pk=gone.pk).update(withdrawn_at=timezone.now())

    found = counted(draft, qa)

    assert found.evaluations == 1
    assert found.preview.evaluations().get() == kept


def test_each_reader_sees_the_counts_of_the_own_place_alone(client, qa, reweighed):
    version, draft = reweighed
    here, there = TeamFactory(name="Here"), TeamFactory(name="There")
    evaluated(call_of(here), version, qa, at=timezone.now())
    evaluated(call_of(there), version, qa, at=timezone.now())
    counted(draft, qa)
    of_city, of_nowhere = UserFactory(role="qa", city=here.city), UserFactory(role="qa", city=CityFactory())
    client.force_login(of_city)

    text = client.get(url("form-publish", draft.pk)).content.decode()

    assert [row.team for row in shown(draft, of_city).teams] == [str(here)]
    assert shown(draft, of_nowhere).evaluations == 0
    assert str(here) in text
    assert str(there) not in text


def test_a_stage_with_another_name_keeps_its_weight_and_is_named(page, qa, reweighed):
    version, draft = reweighed
    stage = draft.stages.get(name="Closing")
    stage.name = "End"
    forms.save_stage(version=draft, stage=stage, by=qa)
    evaluated(call_of(), version, qa, at=timezone.now())
    counted(draft, qa)

    text = page.get(url("form-publish", draft.pk)).content.decode()

    # 40 and 40: (40 + 40 / 2) / 80 = 75
    assert "reckoned with their old weight: Closing" in text
    assert "0 would pass that did not, 1 would not pass that did." in text


@pytest.mark.parametrize("change", ["weight", "mark", "name"])
def test_a_count_is_old_when_what_it_counts_with_has_changed(page, qa, reweighed, change):
    _version, draft = reweighed
    counted(draft, qa)
    assert shown(draft, qa).is_old is False

    if change == "weight":
        _weigh(draft, "Closing", 50, qa)
    elif change == "mark":
        forms.set_marks(version=draft, pass_mark=75, fail_reports_zero=False, by=qa, at=AT)
    else:
        stage = draft.stages.get(name="Closing")
        stage.name = "End"
        forms.save_stage(version=draft, stage=stage, by=qa)

    text = page.get(url("form-publish", draft.pk)).content.decode()
    assert "The count is old" in text
    assert "Publish without the count" in text


def test_other_words_leave_the_count_as_it_is(page, qa, reweighed):
    _version, draft = reweighed
    counted(draft, qa)

    item = draft.stages.get(name="Closing").items.first()
    item.help = "With an example."
    forms.save_item(version=draft, item=item, by=qa)

    text = page.get(url("form-publish", draft.pk)).content.decode()
    assert "The count is old" not in text
    assert "Publish without the count" not in text


def test_the_page_asks_for_the_count_shows_its_progress_and_is_loaded_anew_at_its_end(page, qa, reweighed):
    version, draft = reweighed
    evaluated(call_of(), version, qa, at=timezone.now())
    assert "Not counted yet." in page.get(url("form-publish", draft.pk)).content.decode()

    asked = page.post(url("form-preview", draft.pk), follow=True).content.decode()
    assert url("form-preview-progress", draft.pk) in asked
    assert "Publish without the count" in asked
    at_work = page.get(url("form-preview-progress", draft.pk), headers=HTMX)
    assert at_work.headers.get("HX-Refresh") is None
    assert "hx-get" in at_work.content.decode()
    run_inline(FormPreview.objects.get().job_id)

    assert page.get(url("form-preview-progress", draft.pk), headers=HTMX)["HX-Refresh"] == "true"
    done = page.get(url("form-publish", draft.pk)).content.decode()
    assert "1 would not pass that did." in done
    assert url("form-preview-progress", draft.pk) not in done
    assert "Publish without the count" not in done


def test_a_count_that_was_stopped_can_be_asked_for_anew(page, qa, reweighed):
    _version, draft = reweighed
    preview = previews.ask_preview(version=draft, by=qa, at=timezone.now())
    Job.objects.filter(pk=preview.job_id).update(state=Job.State.CANCELLED, finished_at=timezone.now())

    assert "stopped by hand" in page.get(url("form-publish", draft.pk)).content.decode()
    Job.objects.all().delete()  # ended jobs are removed after some months
    assert "The count was not finished." in page.get(url("form-publish", draft.pk)).content.decode()

    page.post(url("form-preview", draft.pk))
    assert FormPreview.objects.get().job_id != preview.job_id


def test_publishing_does_not_wait_for_the_count_but_says_so(page, qa, reweighed):
    _version, draft = reweighed
    page.post(url("form-preview", draft.pk))

    page.post(url("form-publish", draft.pk), {"seen": forms.fingerprint(draft)})
    run_inline(FormPreview.objects.get().job_id)

    assert FormVersion.objects.get(pk=draft.pk).status == "published"
    assert FormPreview.objects.get().counted_at is not None


def test_a_draft_that_changed_after_the_page_was_opened_is_not_published(page, qa, reweighed):
    _version, draft = reweighed
    seen = forms.fingerprint(draft)
    item = draft.stages.get(name="Closing").items.first()
    item.text = "Asks twice"
    forms.save_item(version=draft, item=item, by=qa)

    answer = page.post(url("form-publish", draft.pk), {"seen": seen})

    assert answer.status_code == 409
    assert "The draft was changed after you opened this page." in answer.content.decode()
    assert FormVersion.objects.get(pk=draft.pk).is_draft


def test_a_first_version_has_nothing_to_be_compared_with(page, qa):
    draft = draft_of(qa)

    asked = page.post(url("form-preview", draft.pk), follow=True).content.decode()

    assert "No version is in force, so there is nothing to compare with." in asked
    assert not FormPreview.objects.exists()
    assert "Publish without the count" not in page.get(url("form-publish", draft.pk)).content.decode()


def test_only_who_publishes_asks_for_a_count(client, reweighed):
    _version, draft = reweighed
    client.force_login(UserFactory(role="trainer"))

    answers = [client.post(url("form-preview", draft.pk)), client.get(url("form-preview-progress", draft.pk))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not FormPreview.objects.exists()
