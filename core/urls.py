from django.urls import path

from core import views

app_name = "core"
urlpatterns = [
    path("jobs/", views.jobs, name="jobs"),
    path("jobs/badge/", views.jobs_badge, name="jobs-badge"),
    path("jobs/<int:pk>/", views.job_detail, name="job"),
    path("jobs/<int:pk>/progress/", views.job_progress, name="job-progress"),
    path("jobs/<int:pk>/cancel/", views.job_cancel, name="job-cancel"),
    path("jobs/<int:pk>/again/", views.job_again, name="job-again"),
    path("audit/", views.audit_trail, name="audit"),
    path("calendar/", views.calendar_page, name="calendar"),
    path("calendar/fill/", views.calendar_fill, name="calendar-fill"),
    path("calendar/<int:pk>/clear/", views.calendar_clear, name="calendar-clear"),
    path("files/<int:pk>/", views.file_download, name="file"),
]
