"""A seeded set for the scrubber: sentences with personal data in known places, and sentences with none.

All values are made up or reserved for documentation. They were written down as people write them, before the patterns
were tried on them; the hard ones stay in, so that what is missed is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

HOLDERS: Final = ("Marta Lindqvist", "José Ñuñez-Ortega", "Tomasz Wiśniewski", "kinofreund_77", "Aoife O'Dowd")
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "e-mail": (
        "anna.keller@example.org", "j_doe+film@mail.example.co.uk", "x@y.example", "MARTA.L@EXAMPLE.COM",
        "info(at)kanal.example", "peter [at] example [dot] net", "kim at example dot org", "o'brien@example.ie",
        "jörg@müller.example", "first.last@sub.domain.example.eu",
    ),
    "phone": (
        "+49 170 1234567", "+44 (0)20 7946 0958", "0049 30 123456", "030 / 1234 5678", "(555) 010-0199",
        "555-010-0199", "06 12 34 56 78", "+33612345678", "020 7946 0018", "0171-5550123", "+1-202-555-0143",
        "tel. 8123456", "+380 44 123 45 67", "call 5550123",
    ),
    "handle": ("@marta_l", "@j.doe", "@kinofreund77", "u/film_fan_1990", "@Ana-Perez", "@ab"),
    "profile": (
        "https://social.example/@marta", "www.video.example/user/marta.l", "https://vid.example/channel/UC12abcD",
        "net.example/in/jane-doe-12345", "https://board.example/u/kinofan",
    ),
    "IBAN": (
        "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR14 2004 1010 0505 0001 3M02 606",
        "NL91ABNA0417164300", "MT84MALT011000012345MTLCAST001S", "NO93 8601 1117 947",
    ),
    "card": ("4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005"),
    "IP": (
        "192.0.2.44", "203.0.113.7", "2001:db8::8a2e:370:7334",
        "2001:0db8:0000:0000:0000:8a2e:0370:7334", "::ffff:192.0.2.1",
    ),
    "identifier": ("0b9d3f6e-54a1-4c3a-9a51-3d1f0f7c2e11", "5F0C1D7A-1B2C-4D3E-8F90-A1B2C3D4E5F6"),
    "birth date": (
        "born on 3 March 1990", "date of birth: 1990-03-03", "DOB 03/03/1990", "geboren am 3. März 1990",
        "born 14th May 2009",
    ),
    "address": (
        "221 Baker Street", "14 Privet Drive", "Hauptstraße 12a", "Lange Gasse 4", "12 rue de la Paix", "Via Roma 7",
        "Calle Mayor 21", "1600 Amphitheatre Avenue", "Kerkstraat 101",
    ),
    "titled name": (
        "Mr John Smith", "Dr. Anna von Berg", "Frau Müller-Lüdenscheidt", "Mrs O'Neill", "Señora García",
        "Herr Öztürk",
    ),
    "holder's name": (
        "Marta Lindqvist", "MARTA LINDQVIST", "marta lindqvist", "Lindqvist", "Jose Nunez-Ortega", "José Ñuñez-Ortega",
        "Wisniewski", "kinofreund_77", "Aoife O'Dowd",
    ),
}  # fmt: skip
STRANGERS: Final = ("Hannah Berger", "Luca Moretti", "Priya Raman", "Sofie Dahl")
"""Names that nobody gave the scrubber, without a title: measured apart, and expected to stay."""
FRAMES: Final = (
    "The description says “{}” at the end of the second paragraph.",
    "At minute 12 the film shows {} on a sheet of paper.",
    "{} is named in the title, and the person complained.",
    "The notice reads: please remove it, my contact is {}, thank you.",
    "Im Abspann steht {}, ohne Einwilligung.",
    "Le titre contient {} et un lien.",
)
CLEAN: Final = (
    "The title promises a cure in 3 days; the film shows none and says at 00:41:07 that there is none.",
    "Reported 1,204 times between 2026-10-01 and 2026-10-31, of which 37 reports were upheld.",
    "The video was published on 14 May 2024 and has 1 200 000 views.",
    "Section 4.2.1 of the terms of 1 January 2025 forbids misleading titles.",
    "The classifier titles-3.2 gave 0.9731, above its threshold of 0.95.",
    "Rated 16 by the certificate of 1999; the uploader declared 12.",
    "The price was shown as 49.99 EUR instead of 19.99 EUR in 2 of 3 places.",
    "Regulation (EU) 2022/2065, Article 17(3)(b), and Directive 2005/29/EC.",
    "The audio between 12:30 and 14:05 is taken from another film without a licence.",
    "Case 4 Ob 121/22k of 24 March 2023 concerns the same kind of offer.",
    "The thumbnail shows blood; the film itself shows none in its 92 minutes.",
    "Of 10000 viewers asked, 8123 found the label right.",
    "EAN 4006381333931 is printed on the package in the picture.",
    "The film repeats the claim in chapters 2, 5 and 11 and cites no source.",
    "A banner covers a third of the picture from minute 3 to minute 58.",
    "Version 10.4 of the player shows the warning, version 9 does not.",
    "The creator was warned twice, in June 2025 and in August 2026.",
    "Kapitel 7 verherrlicht Gewalt; die Altersfreigabe ab 18 fehlt.",
    "The ratio is 16:9, the bit rate 4500 kbit/s, the file 1.2 GB.",
    "The offer names a discount of 70 % that the shop does not give.",
)


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A sentence, and where the personal data stands in it; no place where it has none."""

    text: str
    kind: str
    start: int
    end: int


def seeded(seed: int = 20_261_122, each: int = 4) -> Iterator[Seeded]:
    """Every value in `each` frames, then the clean sentences."""
    draw = Random(seed)  # noqa: S311 - the same set in every run
    for kind, values in (*VALUES.items(), ("a stranger's name", STRANGERS)):
        for value in values:
            for frame in draw.sample(FRAMES, each):
                start = frame.index("{}")
                yield Seeded(text=frame.format(value), kind=kind, start=start, end=start + len(value))
    for text in CLEAN:
        yield Seeded(text=text, kind="", start=0, end=0)
