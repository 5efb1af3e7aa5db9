"""Addresses of overview, settings, people, account, templates and jobs."""

from __future__ import annotations

from django.urls import URLPattern, path

from userstatus import (
    account_page,
    batch_page,
    job_acts,
    job_pages,
    overview,
    people,
    settings_pages,
    template_pages,
    undoing,
    user_page,
)

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("settings/", settings_pages.settings_page, name="settings"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/new/", people.person_new, name="person_new"),
    path("settings/people/<uuid:uuid>/", people.person, name="person"),
    path("settings/people/<uuid:uuid>/close/", people.person_close, name="person_close"),
    path("settings/people/<uuid:uuid>/open/", people.person_open, name="person_open"),
    path("settings/people/<uuid:uuid>/link/", people.person_link, name="person_link"),
    path("account/", account_page.account, name="account"),
    path("templates/", template_pages.templates, name="templates"),
    path("templates/new/", template_pages.template_new, name="template_new"),
    path("templates/<uuid:uuid>/", template_pages.template, name="template"),
    path("templates/<uuid:uuid>/edit/", template_pages.template_edit, name="template_edit"),
    path("templates/<uuid:uuid>/mend/", template_pages.template_mend, name="template_mend"),
    path("templates/<uuid:uuid>/check/", template_pages.template_check, name="template_check"),
    path("users/<uuid:uuid>/check/", user_page.user_check, name="user_check"),
    path("jobs/", job_pages.jobs, name="jobs"),
    path("jobs/live/", job_pages.jobs_live, name="jobs_live"),
    path("jobs/<uuid:uuid>/", job_pages.job, name="job"),
    path("jobs/<uuid:uuid>/cancel/", job_acts.job_cancel, name="job_cancel"),
    path("jobs/<uuid:uuid>/resume/", job_acts.job_resume, name="job_resume"),
    path("jobs/<uuid:uuid>/retry/", job_acts.job_retry, name="job_retry"),
    path("jobs/<uuid:uuid>/undo/", undoing.job_undo, name="job_undo"),
    path("jobs/<uuid:uuid>/results/", batch_page.job_results, name="job_results"),
]
