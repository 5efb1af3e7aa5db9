"""Forms of the Rehearsal page: a scenario, and a fault with the options of its kind."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Partner
from partnerhub.rehearsal.services import Wish
from partnerhub.rehearsal.simulator_types import Kind, Option

#: Everything that can be asked of the backend (simulator/README.md).
OPERATIONS = (
    *("list", "get", "provision", "update", "remove"),
    *("precheck", "enterprises", "consent_move", "login"),
)
ALL = "*"
OPTION = "option_"
_SCRIPT = re.compile(r"^[x.]+$")


def new_form_id() -> str:
    """What makes one form, shown once, recognisable when it is sent twice."""
    return uuid.uuid4().hex


class OnceForm(forms.Form):
    """A form whose double sending is noticed by the view."""

    form_id = forms.UUIDField(widget=forms.HiddenInput)


class ScenarioForm(OnceForm):
    """Whom to rehearse with, and how."""

    partner = forms.ModelChoiceField(
        Partner.objects.none(), label=gettext_lazy("Partner"), empty_label=None
    )
    template = forms.CharField(
        label=gettext_lazy("Onboarding template"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "Empty: one that is named after the scenario, made if there is none."
        ),
    )
    pace = forms.FloatField(
        localize=True,
        label=gettext_lazy("Pace"),
        min_value=0.01,
        max_value=100,
        help_text=gettext_lazy("Factor on the story's times: 0.1 is ten times as fast."),
    )
    seed = forms.CharField(
        label=gettext_lazy("Seed"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("The same seed gives the same chances. Empty: the scenario's own."),
    )

    def __init__(self, *args: Any, partners: Iterable[Partner], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keys = [partner.pk for partner in partners]
        field = self.fields["partner"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        field.queryset = Partner.objects.filter(pk__in=keys).order_by("name")

    def wish(self, name: str) -> Wish:
        """What was asked for, once the form is valid."""
        data = self.cleaned_data
        return Wish(name, data["seed"].strip(), data["pace"], data["template"].strip())


class FaultForm(OnceForm):
    """Who is struck, how often, how long; the kind's own options come on top."""

    token_name = forms.ChoiceField(
        label=gettext_lazy("Whose requests"),
        help_text=gettext_lazy("By the name of the token that they carry."),
    )
    operation = forms.MultipleChoiceField(
        label=gettext_lazy("Which requests"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("None ticked: all of them."),
    )
    contains = forms.CharField(
        label=gettext_lazy("Only with this text"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Somewhere in address or body, as a BroadWorks ID."),
    )
    percent = forms.FloatField(
        localize=True,
        label=gettext_lazy("How many of a hundred"),
        min_value=0.01,
        max_value=100,
        help_text=gettext_lazy("Drawn by chance from the seed."),
    )
    script = forms.CharField(
        label=gettext_lazy("Or by script"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "x strikes, a dot lets through, and again from the start: x.. strikes every third."
        ),
    )
    count_by = forms.ChoiceField(
        label=gettext_lazy("Counted"),
        choices=[
            ("all", gettext_lazy("all requests together")),
            ("user", gettext_lazy("each user apart")),
        ],
    )
    times = forms.IntegerField(
        label=gettext_lazy("At most so many times"),
        required=False,
        min_value=1,
        max_value=1_000_000_000,
        help_text=gettext_lazy("Empty: until it ends."),
    )
    after_seconds = forms.FloatField(
        localize=True,
        label=gettext_lazy("Begins after (seconds)"),
        required=False,
        min_value=0,
        max_value=86_400,
    )
    for_seconds = forms.FloatField(
        localize=True,
        label=gettext_lazy("Lasts (seconds)"),
        required=False,
        min_value=0.1,
        max_value=86_400,
        help_text=gettext_lazy("Empty: until somebody stops it."),
    )
    seed = forms.CharField(
        label=gettext_lazy("Seed"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("The same seed gives the same chances. Empty: a new one."),
    )

    def __init__(self, *args: Any, kind: Kind, token_names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        tokens: Any = self.fields["token_name"]
        tokens.choices = [(ALL, _("Everybody's")), *((name, name) for name in token_names)]
        operations: Any = self.fields["operation"]
        operations.choices = [(name, name) for name in kind.operations or OPERATIONS]
        for option in kind.options:
            self.fields[OPTION + option.name] = option_field(option)
            self.initial.setdefault(OPTION + option.name, shown(option.default))

    def own_fields(self) -> list[forms.BoundField]:
        """The fields of the kind's own options."""
        return [self[OPTION + option.name] for option in self.kind.options]

    def clean_script(self) -> str:
        """Refuse what is no script."""
        script = str(self.cleaned_data["script"]).strip()
        if script and not _SCRIPT.match(script):
            raise forms.ValidationError(_("Use only x and dots, as in x..x"))
        if script and "x" not in script:
            raise forms.ValidationError(_("Without an x nothing would ever be struck."))
        return script

    def fault(self) -> dict[str, Any]:
        """The body of `POST faults`, once the form is valid."""
        data = self.cleaned_data
        operations = data["operation"] or self.kind.operations
        fault = {
            "kind": self.kind.kind,
            "token_name": data["token_name"],
            "operation": ",".join(operations) or ALL,
            "probability": data["percent"] / 100,
            "count_by": data["count_by"],
        }
        for name in ("contains", "script", "times", "after_seconds", "for_seconds", "seed"):
            if data[name] not in (None, ""):
                fault[name] = data[name]
        for option in self.kind.options:
            value = data[OPTION + option.name]
            if value not in (None, "") and value != option.default:
                fault[option.name] = value
        return fault


class ValueField(forms.CharField):
    """Whatever JSON can say; a text needs no quotes."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return json.loads(text) if text else text
        except ValueError:
            return text


class ListedField(forms.ChoiceField):
    """One of the values of an option, in the type that it has there."""

    def __init__(self, *, values: tuple[Any, ...], **kwargs: Any) -> None:
        self.values = {shown(value): value for value in values}
        super().__init__(choices=[(text, text) for text in self.values], **kwargs)

    def clean(self, value: Any) -> Any:
        return self.values.get(super().clean(value))


def option_field(option: Option) -> forms.Field:
    """The field that fits an option: by its values, else by the type of its default."""
    words: dict[str, Any] = {
        "label": option.name.replace("_", " ").capitalize(),
        "help_text": option.description,
    }
    default = option.default
    if isinstance(default, bool):
        return forms.BooleanField(required=False, **words)
    if option.values:
        return ListedField(values=option.values, required=default is not None, **words)
    if isinstance(default, int | float):
        field: Any = forms.IntegerField if isinstance(default, int) else forms.FloatField
        limits = {"min_value": option.least, "max_value": option.most}
        made: forms.Field = field(localize=True, **limits, **words)
        return made
    if isinstance(default, str):
        return forms.CharField(required=False, max_length=2000, strip=False, **words)
    return ValueField(required=False, max_length=2000, **words)


def shown(value: Any) -> Any:
    """A value as its field shows it first."""
    if value is None or isinstance(value, bool | str):
        return value if value is not None else ""
    return json.dumps(value)
