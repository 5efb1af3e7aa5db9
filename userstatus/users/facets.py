"""What the filter panels offer: packages, errors, enterprises and templates that are present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from provisioning import catalogue
from provisioning.lists.filters import NO_ERROR, UNCODED, UserFilter
from provisioning.lists.finder import Finder
from templates_app.models import OnboardingTemplate, Package
from userstatus.filter_texts import ERRORS


@dataclass(frozen=True)
class Option:
    """One value that a filter may have."""

    value: str
    label: str
    count: int | None
    is_chosen: bool
    code: str = ""


@dataclass(frozen=True)
class Facets:
    """Options of each panel, and how many users the list has without any filter."""

    packages: list[Option]
    errors: list[Option]
    #: Only the chosen one: there may be thousands, and the panel asks for those that one types.
    enterprises: list[Option]
    templates: list[Option]
    everyone: int

    def chosen(self, name: str) -> str:
        """What the panel's button says: the chosen option, and how many more there are."""
        labels = [option.code or option.label for option in getattr(self, name) if option.is_chosen]
        if not labels:
            return ""
        return labels[0] if len(labels) == 1 else f"{labels[0]} +{len(labels) - 1}"


def facets_of(finder: Finder, templates: Sequence[OnboardingTemplate]) -> Facets:
    """The options, counted over the whole list, whatever the filter."""
    chosen, packages, errors = finder.chosen, Counter[str](), Counter[str]()
    for tally in finder.everyone:
        packages[tally.package] += tally.n
        errors[tally.error_key] += tally.n
    name = chosen.enterprise
    return Facets(
        packages=_packages(packages, chosen),
        errors=_errors(errors, chosen),
        enterprises=[Option(name, name, None, is_chosen=True)] if name else [],
        templates=[
            Option(str(item.uuid), item.name, None, item.uuid == chosen.template)
            for item in templates
        ],
        everyone=packages.total(),
    )


def _packages(counts: Counter[str], chosen: UserFilter) -> list[Option]:
    labels = {str(package.value): str(package.label) for package in Package}
    strange = sorted(word for word in counts if word and word not in labels)
    return [
        Option(word, labels.get(word, word), counts[word], word in chosen.packages)
        for word in [*labels, *strange]
    ]


def _errors(counts: Counter[str], chosen: UserFilter) -> list[Option]:
    clean, uncoded = counts.pop(NO_ERROR, 0), counts.pop(UNCODED, 0)
    options = [
        Option(code, str(catalogue.explain(code).title), n, code == chosen.error, code)
        for code, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    none = _without_code(NO_ERROR, clean, chosen)
    odd = _without_code(UNCODED, uncoded, chosen)
    shown = [odd] if uncoded or odd.is_chosen else []
    return [*options, *shown, none]


def _without_code(key: str, count: int, chosen: UserFilter) -> Option:
    return Option(key, str(ERRORS[key].option), count, chosen.error == key)
