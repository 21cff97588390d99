"""Paths of quality."""

from django.urls import path

from qa.views import appeals, clips, evaluations, forms, keeping, recordings, scoring

app_name = "qa"

urlpatterns = [
    path("recordings/", recordings.recordings, name="recordings"),
    path("recordings/rules/", keeping.keep_rules, name="keep-rules"),
    path("recordings/rules/<int:pk>/drop/", keeping.keep_rule_drop, name="keep-rule-drop"),
    path("recordings/of-call/<int:pk>/", recordings.of_call, name="call-recordings"),
    path("recordings/of-call/<int:pk>/upload/", recordings.upload, name="call-upload"),
    path("recordings/<int:pk>/", recordings.recording, name="recording"),
    path("recordings/<int:pk>/sound/", recordings.sound, name="recording-sound"),
    path("recordings/<int:pk>/peaks/", recordings.peaks, name="recording-peaks"),
    path("recordings/<int:pk>/download/", recordings.download, name="recording-download"),
    path("recordings/<int:pk>/notes/", recordings.note_add, name="note-add"),
    path("recordings/<int:pk>/notes/<int:note_pk>/delete/", recordings.note_delete, name="note-delete"),
    path("recordings/<int:pk>/clip/", clips.choose, name="clip-choose"),
    path("clips/", clips.clips, name="clips"),
    path("clips/<int:pk>/sound/", clips.clip_sound, name="clip-sound"),
    path("clips/<int:pk>/drop/", clips.drop, name="clip-drop"),
    path("forms/", forms.quality_forms, name="forms"),
    path("forms/new/", forms.form_new, name="form-new"),
    path("forms/<int:pk>/draft/", forms.draft_begin, name="form-draft"),
    path("forms/versions/<int:pk>/", forms.version, name="form-version"),
    path("forms/versions/<int:pk>/edit/", forms.draft, name="form-edit"),
    path("forms/versions/<int:pk>/marks/", forms.marks, name="form-marks"),
    path("forms/versions/<int:pk>/stages/", forms.stage_add, name="stage-add"),
    path("forms/versions/<int:pk>/stages/<int:stage_pk>/", forms.stage_edit, name="stage-edit"),
    path("forms/versions/<int:pk>/stages/<int:stage_pk>/move/", forms.stage_move, name="stage-move"),
    path("forms/versions/<int:pk>/stages/<int:stage_pk>/drop/", forms.stage_drop, name="stage-drop"),
    path("forms/versions/<int:pk>/stages/<int:stage_pk>/items/", forms.item_add, name="item-add"),
    path("forms/versions/<int:pk>/items/<int:item_pk>/", forms.item_edit, name="item-edit"),
    path("forms/versions/<int:pk>/items/<int:item_pk>/move/", forms.item_move, name="item-move"),
    path("forms/versions/<int:pk>/items/<int:item_pk>/drop/", forms.item_drop, name="item-drop"),
    path("forms/versions/<int:pk>/publish/", forms.publish, name="form-publish"),
    path("forms/versions/<int:pk>/archive/", forms.archive, name="form-archive"),
    path("evaluations/", evaluations.evaluations, name="evaluations"),
    path("evaluations/of-call/<int:pk>/", scoring.begin, name="evaluation-begin"),
    path("evaluations/<int:pk>/", evaluations.evaluation, name="evaluation"),
    path("evaluations/<int:pk>/score/", scoring.score, name="score"),
    path("evaluations/<int:pk>/items/<int:item_pk>/", scoring.answer, name="score-item"),
    path("evaluations/<int:pk>/remark/", scoring.remark, name="score-remark"),
    path("evaluations/<int:pk>/submit/", scoring.submit, name="score-submit"),
    path("evaluations/<int:pk>/accept/", evaluations.accept, name="evaluation-accept"),
    path("evaluations/<int:pk>/withdraw/", evaluations.withdraw, name="evaluation-withdraw"),
    path("evaluations/<int:pk>/appeal/<int:answer_pk>/", evaluations.appeal, name="appeal-make"),
    path("evaluations/<int:pk>/decide/<int:appeal_pk>/", evaluations.decide, name="appeal-decide"),
    path("appeals/", appeals.appeals, name="appeals"),
    path("appeals/badge/", appeals.badge, name="appeals-badge"),
]
