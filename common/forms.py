"""How forms are drawn: a renderer with the project's field template, and three widgets.

Every Django form gets the look by the setting `FORM_RENDERER = "common.forms.Renderer"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting

_BOXES = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple)


class SwitchInput(forms.CheckboxInput):
    """A tick drawn as a switch."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"role": "switch", **(attrs or {})})


class AddressInput(forms.TextInput):
    """An e-mail address, sent as it was typed.

    Not `type=email`: Chromium would send faß.example as fass.example, which is another domain.
    """

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        usual = {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(usual | (attrs or {}))


class ChoiceCards(forms.RadioSelect):
    """Radio buttons as cards with a hint under each label and an optional tag beside it.

    `hints` and `tags` map an option's value to text; both may be set after the form is made.
    """

    def __init__(
        self,
        *args: Any,
        hints: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.hints = dict(hints or {})
        self.tags = dict(tags or {})

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["hint"] = self.hints.get(str(value), "")
        option["note"] = self.tags.get(str(value), "")
        if option["hint"] and option["attrs"].get("id"):
            option["attrs"]["aria-describedby"] = f"{option['attrs']['id']}_hint"
        return option


class LookBoundField(BoundField):
    """A bound field that knows its CSS classes and which part of `parts/field.html` draws it."""

    @property
    def kind(self) -> str:
        """Return `switch`, `check`, `cards`, `options`, `password` or `input`."""
        widget = self.field.widget
        if isinstance(widget, SwitchInput):
            return "switch"
        if isinstance(widget, forms.CheckboxInput):
            return "check"
        if isinstance(widget, ChoiceCards):
            return "cards"
        if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
            return "options"
        return "password" if isinstance(widget, forms.PasswordInput) else "input"

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        built: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        if not isinstance(widget, _BOXES) and not widget.is_hidden:
            own = built.get("class") or widget.attrs.get("class", "")
            built["class"] = f"input {own}".strip()
        return built


class Renderer(TemplatesSetting):
    """Draw fields with `parts/field.html` and whole forms with `parts/form.html`."""

    field_template_name = "parts/field.html"
    form_template_name = "parts/form.html"
    bound_field_class = LookBoundField
