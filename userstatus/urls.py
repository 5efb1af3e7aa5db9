"""Addresses of the administrators' pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from userstatus.actions import bulk_views
from userstatus.actions import views as action_views
from userstatus.actions.registry import ACTIONS, BULK_ACTIONS
from userstatus.exports import views as export_views
from userstatus.home import views as home_views
from userstatus.jobs import action_views as job_action_views
from userstatus.jobs import batch_page, undo
from userstatus.jobs import views as job_views
from userstatus.onboarding import views as template_views
from userstatus.settings import people
from userstatus.settings import views as settings_views
from userstatus.user import views as user_views
from userstatus.users import enterprises, live, selected
from userstatus.users import views as list_views

app_name = "userstatus"

_PAGES: list[URLPattern] = [
    path("", home_views.overview, name="overview"),
    path("settings/", settings_views.settings_page, name="settings"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/new/", people.person_new, name="person_new"),
    path("settings/people/<uuid:uuid>/", people.person, name="person"),
    path("settings/people/<uuid:uuid>/close/", people.person_close, name="person_close"),
    path("settings/people/<uuid:uuid>/open/", people.person_open, name="person_open"),
    path("settings/people/<uuid:uuid>/link/", people.person_link, name="person_link"),
    path("account/", settings_views.account, name="account"),
    path("templates/", template_views.templates, name="templates"),
    path("templates/new/", template_views.template_new, name="template_new"),
    path("templates/<uuid:uuid>/", template_views.template, name="template"),
    path("templates/<uuid:uuid>/edit/", template_views.template_edit, name="template_edit"),
    path("templates/<uuid:uuid>/mend/", template_views.template_mend, name="template_mend"),
    path("templates/<uuid:uuid>/check/", template_views.template_check, name="template_check"),
    path("users/<uuid:uuid>/check/", user_views.user_check, name="user_check"),
    path("jobs/", job_views.jobs, name="jobs"),
    path("jobs/live/", job_views.jobs_live, name="jobs_live"),
    path("jobs/<uuid:uuid>/", job_views.job, name="job"),
    path("jobs/<uuid:uuid>/cancel/", job_action_views.job_cancel, name="job_cancel"),
    path("jobs/<uuid:uuid>/resume/", job_action_views.job_resume, name="job_resume"),
    path("jobs/<uuid:uuid>/retry/", job_action_views.job_retry, name="job_retry"),
    path("jobs/<uuid:uuid>/undo/", undo.job_undo, name="job_undo"),
    path("jobs/<uuid:uuid>/results/", batch_page.job_results, name="job_results"),
]
_USERS: list[URLPattern] = [
    path("templates/<uuid:uuid>/users/", list_views.users, name="users"),
    path("templates/<uuid:uuid>/users/live/", live.live, name="users_live"),
    path("templates/<uuid:uuid>/users/enterprises/", enterprises.enterprises, name="enterprises"),
    path("templates/<uuid:uuid>/users/selected/", selected.selected, name="selected"),
    path("users/", list_views.users, name="all_users"),
    path("users/enterprises/", enterprises.enterprises, name="all_enterprises"),
    path("users/selected/", selected.selected, name="all_selected"),
    path("users/live/", live.live, name="all_users_live"),
    path("users/<uuid:uuid>/", user_views.user, name="user"),
    path("users/<uuid:uuid>/menu/", action_views.user_menu, name="user_menu"),
    *[
        path(f"users/<uuid:uuid>/{action.name}/", action_views.act(action), name=action.name)
        for action in ACTIONS
        if action.form
    ],
    *[
        path(
            f"templates/<uuid:uuid>/users/bulk/{action.name}/",
            bulk_views.bulk(action),
            name=f"bulk_{action.name}",
        )
        for action in BULK_ACTIONS
    ],
]
_EXPORTS: list[URLPattern] = [
    path("users/export/", export_views.start_all, name="export_all_start"),
    path("templates/<uuid:uuid>/users/export/", export_views.start, name="export_start"),
    path("exports/<uuid:uuid>/", export_views.export, name="export"),
    path("exports/<uuid:uuid>/cancel/", export_views.cancel, name="export_cancel"),
    path("exports/<uuid:uuid>/download/", export_views.download, name="export_download"),
]
urlpatterns = [*_PAGES, *_USERS, *_EXPORTS]
