"""Names of made-up people and companies, by language, for the generator."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

#: Letters that do not fall apart into a plain letter and an accent.
PLAIN = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "ß": "ss", "ł": "l", "ı": "i", "đ": "d", "ð": "d", "þ": "th"}
)


@dataclass(frozen=True)
class Language:
    """First and last names that go together, and the telephone prefix of where they live."""

    prefix: str
    first: tuple[str, ...]
    last: tuple[str, ...]


@cache  # of the few names below
def plain(name: str) -> str:
    """Return a name as it stands in e-mail addresses: lower case, a to z, digits and hyphens."""
    text = name.lower().translate(PLAIN)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter if letter.isalnum() else "-" for letter in text).strip("-")


LANGUAGES = (
    Language(
        "45",
        (
            "Åse",
            "Søren",
            "Mette",
            "Jørgen",
            "Kirsten",
            "Bjørn",
            "Maja",
            "Rasmus",
            "Ærø",
            "Frederik",
        ),
        ("Sørensen", "Møller", "Ågård", "Kjær", "Nørgaard", "Holm", "Bæk", "Østergaard", "Juhl"),
    ),
    Language(
        "46",
        ("Åke", "Göran", "Märta", "Linnéa", "Björn", "Elsa", "Nils", "Örjan"),
        ("Lindström", "Sjöberg", "Åkesson", "Öberg", "Hägg", "Nyström", "Ek"),
    ),
    Language(
        "47",
        ("Håkon", "Ingrid", "Sølvi", "Øystein", "Kari", "Pål", "Liv"),
        ("Bjørnstad", "Håland", "Næss", "Ødegård", "Strand", "Lie"),
    ),
    Language(
        "49",
        ("Jürgen", "Käthe", "Björn", "Anneliese", "Sören", "Lukas", "Mia"),
        ("Müller", "Groß", "Schäfer", "Köhler", "von der Heide", "Weiß", "Vogt"),
    ),
    Language(
        "34",
        ("José María", "Begoña", "Iñaki", "Lucía", "Andrés", "Núria", "Ramón"),
        ("García Márquez", "Núñez", "Ibáñez", "Peña", "Ortega", "Solís"),
    ),
    Language(
        "33",
        ("François", "Chloé", "Zoë", "Jean-Baptiste", "Hélène", "Noël"),
        ("Lefèvre", "D'Aubigné", "Garçon", "Bérenger", "L'Hôte", "Dubois"),
    ),
    Language(
        "48",
        ("Łukasz", "Żaneta", "Michał", "Agnieszka", "Grażyna", "Stanisław"),
        ("Wójcik", "Dąbrowska", "Łęcki", "Źródło", "Nowak", "Kaźmierczak"),
    ),
    Language(
        "44",
        ("Siobhán", "Owen", "Priya", "Grace", "Dylan", "Amara", "Tom"),
        ("O'Brien", "Smith-Jones", "Llewellyn", "MacLeod", "Patel", "Ng", "Wright"),
    ),
    Language(
        "90",
        ("Işıl", "Çağla", "Gökhan", "Şebnem", "Ömer", "Ayşe"),
        ("Yıldız", "Öztürk", "Çelik", "Doğan", "Şahin"),
    ),
)

COMPANIES = (
    *("Fjord", "Holm", "Nordlys", "Kastanje", "Møllehøj", "Blåbær", "Havn", "Aurora", "Lindental"),
    *("Sierra", "Castaño", "Rivière", "Zamek", "Oakfield", "Harbour", "Anadolu", "Solvang"),
)
TRADES = (
    *("Byg", "Revision", "Transport", "Klinik", "Advokater", "Café", "Logistik", "Skole", "Energi"),
    *("Hotel", "Bakery", "Werkstatt", "Clínica", "Design", "Gård", "Data", "Auto"),
)
