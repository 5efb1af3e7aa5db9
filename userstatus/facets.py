"""What the filter panels offer: packages, errors, enterprises and templates that are present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from provisioning import catalogue
from provisioning.filtering import NO_ERROR, UNCODED, UserFilter
from provisioning.models import Subscriber
from templates_app.models import OnboardingTemplate, Package

#: An enterprise list longer than this is cut; search finds the rest.
MOST_ENTERPRISES = 200


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
    enterprises: list[Option]
    templates: list[Option]
    everyone: int

    def chosen(self, name: str) -> str:
        """What the panel's button says: the chosen option, and how many more there are."""
        labels = [option.code or option.label for option in getattr(self, name) if option.is_chosen]
        if not labels:
            return ""
        return labels[0] if len(labels) == 1 else f"{labels[0]} +{len(labels) - 1}"


def facets_of(
    users: QuerySet[Subscriber], chosen: UserFilter, templates: Sequence[OnboardingTemplate]
) -> Facets:
    """The options, counted over the whole list: one query."""
    packages, codes, enterprises = Counter[str](), Counter[str](), Counter[str]()
    clean = uncoded = 0
    rows = (
        users.order_by()
        .values_list("package", "error_code", "enterprise_id")
        .annotate(
            n=Count("pk"),
            fine=Count("pk", filter=Q(error_key=NO_ERROR)),
            odd=Count("pk", filter=Q(error_key=UNCODED)),
        )
    )
    for package, code, enterprise, n, without_error, without_code in rows:
        packages[package] += n
        codes[code] += n
        enterprises[enterprise] += n
        clean += without_error
        uncoded += without_code
    codes.pop("", None)
    return Facets(
        packages=_packages(packages, chosen),
        errors=_errors(codes, uncoded, clean, chosen),
        enterprises=_enterprises(enterprises, chosen),
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


def _errors(counts: Counter[str], uncoded: int, clean: int, chosen: UserFilter) -> list[Option]:
    options = [
        Option(code, str(catalogue.explain(code).title), n, code == chosen.error, code)
        for code, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    none = Option(NO_ERROR, _("Users without an error"), clean, chosen.error == NO_ERROR)
    odd = Option(UNCODED, _("An error without a code"), uncoded, chosen.error == UNCODED)
    shown = [odd] if uncoded or odd.is_chosen else []
    return [*options, *shown, none]


def _enterprises(counts: Counter[str], chosen: UserFilter) -> list[Option]:
    names = sorted((name for name in counts if name), key=str.casefold)
    shown = names[:MOST_ENTERPRISES]
    if chosen.enterprise in names and chosen.enterprise not in shown:
        shown.append(chosen.enterprise)
    return [Option(name, name, counts[name], name == chosen.enterprise) for name in shown]
