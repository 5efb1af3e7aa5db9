"""Names, companies and mail domains of the demo; nobody here exists."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

DANISH_FIRST = [
    "Freja",
    "Ida",
    "Emma",
    "Alma",
    "Ella",
    "Karla",
    "Clara",
    "Sofie",
    "Laura",
    "Astrid",
    "Signe",
    "Nanna",
    "Mathilde",
    "Kirstine",
    "Inger",
    "Bodil",
    "Birgitte",
    "Lærke",
    "Maja",
    "Asta",
    "Søren",
    "Jens",
    "Mads",
    "Rasmus",
    "Jonas",
    "Magnus",
    "Oliver",
    "Noah",
    "Villads",
    "Aksel",
    "Bjørn",
    "Jørgen",
    "Kjeld",
    "Asger",
    "Emil",
    "Frederik",
    "Malthe",
    "Valdemar",
    "Thorbjørn",
    "Øjvind",
    "Åse",
    "Sørine",
]
DANISH_LAST = [
    "Nørgaard",
    "Østergaard",
    "Kjær",
    "Bech",
    "Dahlgaard",
    "Vinther",
    "Holm",
    "Lassen",
    "Mikkelsen",
    "Skovgaard",
    "Thorup",
    "Bruun",
    "Krogh",
    "Lund",
    "Sørensen",
    "Jørgensen",
    "Møller",
    "Bjerregaard",
    "Frandsen",
    "Knudsen",
    "Toft",
    "Winther",
    "Ågaard",
    "Juhl",
    "Hedegaard",
    "Kirkegaard",
    "Svendsen",
    "Riis",
    "Ravn",
    "Ørsted",
    "Damgaard",
    "Enevoldsen",
]
SPANISH_FIRST = [
    "Ana",
    "Lucía",
    "María",
    "Carmen",
    "Pilar",
    "Iñigo",
    "Íñaki",
    "Begoña",
    "Rocío",
    "Álvaro",
    "Javier",
    "Sergio",
    "Núria",
    "Jordi",
    "Xavier",
    "Ángela",
    "Marta",
    "Elena",
    "Raúl",
    "Óscar",
    "Rubén",
    "Inés",
    "Sofía",
    "Martín",
    "Nicolás",
    "Andrés",
    "Mónica",
    "Belén",
    "Adrián",
    "Noelia",
]
SPANISH_LAST = [
    "Fernández",
    "García",
    "Echeverría",
    "Ruiz",
    "Muñoz",
    "Peña",
    "Ibáñez",
    "Núñez",
    "Ortega",
    "Castaño",
    "Zubiri",
    "Llorente",
    "Vázquez",
    "Domínguez",
    "Romero",
    "Sáez",
    "Cordero",
    "Bermúdez",
    "Etxebarria",
    "Quiñones",
    "Alcántara",
    "Gómez",
    "Serrano",
    "Iglesias",
]


@dataclass(frozen=True)
class Company:
    """A customer: its BroadWorks enterprise or group, and its mail domain."""

    key: str
    domain: str


DANISH_COMPANIES = [
    Company("oestergaard-vvs", "oestergaard-vvs.example"),
    Company("dahlgaard-arkitekter", "dahlgaard-arkitekter.example"),
    Company("bageriet-toft", "bageriettoft.example"),
    Company("vinther-law", "vintherlaw.example"),
    Company("krogh-transport", "krogh-transport.example"),
    Company("tandklinikken-lund", "tandklinikkenlund.example"),
    Company("ravn-ejendomme", "ravn-ejendomme.example"),
    Company("havnens-fisk", "havnensfisk.example"),
    Company("thorup-lassen", "thoruplassen.example"),
    Company("nordlys-el", "nordlys-el.example"),
]
HOTELS = [
    Company("hotel-havblik", "hotelhavblik.example"),
    Company("kro-og-badehotel", "kroogbadehotel.example"),
    Company("bymidten-hotel", "bymidtenhotel.example"),
]
SPANISH_COMPANIES = [
    Company("panaderia-ruiz", "panaderiaruiz.example"),
    Company("talleres-zubiri", "tallereszubiri.example"),
    Company("clinica-alcantara", "clinicaalcantara.example"),
    Company("bodegas-ibanez", "bodegasibanez.example"),
    Company("obradoiro", "obradoiro.example"),
    Company("gestoria-pena", "gestoriapena.example"),
]
LARGE_SPANISH = [
    Company("aguas-del-norte", "aguasdelnorte.example"),
    Company("logistica-levante", "logisticalevante.example"),
]


def ascii_name(name: str) -> str:
    """How a name is written in an address: Nørgaard → noergaard, Muñoz → munoz."""
    for letter, spelt in (("æ", "ae"), ("ø", "oe"), ("å", "aa")):
        name = name.lower().replace(letter, spelt)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.replace(" ", ".")


def person(dice: random.Random, first: list[str], last: list[str]) -> tuple[str, str]:
    """A first and a last name; one in eight has two last names or a middle one."""
    names = dice.choice(first), dice.choice(last)
    if dice.random() < 0.125:
        return names[0], f"{names[1]} {dice.choice(last)}"
    return names
