"""Paths of quality."""

from django.urls import path

from qa.views import clips, keeping, recordings

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
]
