"""Certificates of films that many people know, so that a demo has labels of high confidence beside its genres.

Each is meant to be the rating that the film has in the United States (Classification and Rating Administration). They
were written down from common knowledge and not compared with its register: good for a demo, not for a service. The data
set has none: other films keep what their genres say.
"""

from __future__ import annotations

from typing import Final

from ranking.data.catalogue import Film

_G: Final = (
    ("101 Dalmatians", 1996),
    ("20,000 Leagues Under the Sea", 1954),
    ("Aladdin", 1992),
    ("Alice in Wonderland", 1951),
    ("All Dogs Go to Heaven 2", 1996),
    ("Anastasia", 1997),
    ("The Aristocats", 1970),
    ("Babe", 1995),
    ("Balto", 1995),
    ("Beauty and the Beast", 1991),
    ("Bedknobs and Broomsticks", 1971),
    ("Cats Don't Dance", 1997),
    ("Cinderella", 1950),
    ("Dumbo", 1941),
    ("Fantasia", 1940),
    ("The Fox and the Hound", 1981),
    ("A Goofy Movie", 1995),
    ("Hercules", 1997),
    ("Homeward Bound: The Incredible Journey", 1993),
    ("Homeward Bound II: Lost in San Francisco", 1996),
    ("The Hunchback of Notre Dame", 1996),
    ("The Lion King", 1994),
    ("A Little Princess", 1995),
    ("The Love Bug", 1969),
    ("Mary Poppins", 1964),
    ("Muppet Treasure Island", 1996),
    ("Old Yeller", 1957),
    ("Oliver & Company", 1988),
    ("The Parent Trap", 1961),
    ("Pinocchio", 1940),
    ("Pocahontas", 1995),
    ("The Secret Garden", 1993),
    ("Snow White and the Seven Dwarfs", 1937),
    ("The Sound of Music", 1965),
    ("The Swan Princess", 1994),
    ("The Sword in the Stone", 1963),
    ("Swiss Family Robinson", 1960),
    ("Thumbelina", 1994),
    ("Toy Story", 1995),
    ("Willy Wonka and the Chocolate Factory", 1971),
    ("The Wizard of Oz", 1939),
)
_PG: Final = (
    ("Air Bud", 1997),
    ("Casper", 1995),
    ("E.T. the Extra-Terrestrial", 1982),
    ("Flipper", 1996),
    ("Fly Away Home", 1996),
    ("Free Willy", 1993),
    ("George of the Jungle", 1997),
    ("Home Alone", 1990),
    ("The Indian in the Cupboard", 1995),
    ("James and the Giant Peach", 1996),
    ("Jumanji", 1995),
    ("The Jungle Book", 1994),
    ("Matilda", 1996),
    ("The Nightmare Before Christmas", 1993),
    ("The Santa Clause", 1994),
    ("Space Jam", 1996),
)
CERTIFICATES: Final = {(title.casefold(), year): "G" for title, year in _G} | {
    (title.casefold(), year): "PG" for title, year in _PG
}


def certificate(film: Film) -> str:
    """The film's MPA certificate; empty where this table has none."""
    return CERTIFICATES.get((film.title.casefold(), film.year or 0), "")
