"""The feasts that each country's people know by heart, reckoned anew from Easter: what rule 2 is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

DAY = timedelta(days=1)
MONDAY, WEDNESDAY, THURSDAY, SUNDAY = 1, 3, 4, 7


def easter(year: int) -> date:
    """Easter Sunday, as Meeus, Jones and Butcher reckon it."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month = (h + weekday - 7 * m + 90) // 25
    return date(year, month, (h + weekday - 7 * m + 33 * month + 19) % 32)


Feast = Callable[[int], date]


def on(month: int, day: int) -> Feast:
    """The same date each year."""
    return lambda year: date(year, month, day)


def after_easter(days: int) -> Feast:
    """So many days after Easter Sunday."""
    return lambda year: easter(year) + days * DAY


def nth(number: int, weekday: int, month: int) -> Feast:
    """The first (1), second ... or last (-1) such weekday of a month."""

    def feast(year: int) -> date:
        days = [date(year, month, 1) + each * DAY for each in range(31)]
        found = [day for day in days if day.month == month and day.isoweekday() == weekday]
        return found[number - 1 if number > 0 else number]

    return feast


def days_after(feast: Feast, days: int) -> Feast:
    """So many days after another feast."""
    return lambda year: feast(year) + days * DAY


NEW_YEAR, EPIPHANY, LABOUR_DAY = on(1, 1), on(1, 6), on(5, 1)
GOOD_FRIDAY, EASTER_MONDAY = after_easter(-2), after_easter(1)
ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI = after_easter(39), after_easter(50), after_easter(60)
ASSUMPTION, REFORMATION, ALL_SAINTS = on(8, 15), on(10, 31), on(11, 1)
IMMACULATE_CONCEPTION, CHRISTMAS, ST_STEPHEN = on(12, 8), on(12, 25), on(12, 26)
WOMENS_DAY, CHILDRENS_DAY, BERCHTOLD, ST_JOSEPH = on(3, 8), on(9, 20), on(1, 2), on(3, 19)


# Countries whose whole year is known here


def repentance(year: int) -> date:
    """Saxony's day of repentance: the Wednesday before 23 November."""
    return next(day for n in range(1, 8) if (day := date(year, 11, 23) - n * DAY).isoweekday() == WEDNESDAY)


GERMANY = (
    NEW_YEAR, GOOD_FRIDAY, EASTER_MONDAY, LABOUR_DAY, ASCENSION, WHIT_MONDAY, on(10, 3), CHRISTMAS, ST_STEPHEN,
)  # fmt: skip
GERMAN_STATES: dict[str, tuple[Feast, ...]] = {
    "BW": (EPIPHANY, CORPUS_CHRISTI, ALL_SAINTS),
    "BY": (EPIPHANY, CORPUS_CHRISTI, ALL_SAINTS),
    "BE": (WOMENS_DAY,),
    "BB": (REFORMATION,),
    "HB": (REFORMATION,),
    "HH": (REFORMATION,),
    "HE": (CORPUS_CHRISTI,),
    "MV": (WOMENS_DAY, REFORMATION),
    "NI": (REFORMATION,),
    "NW": (CORPUS_CHRISTI, ALL_SAINTS),
    "RP": (CORPUS_CHRISTI, ALL_SAINTS),
    "SL": (CORPUS_CHRISTI, ASSUMPTION, ALL_SAINTS),
    "SN": (REFORMATION, repentance),
    "ST": (EPIPHANY, REFORMATION),
    "SH": (REFORMATION,),
    "TH": (CHILDRENS_DAY, REFORMATION),
}
AUSTRIA = (
    NEW_YEAR, EPIPHANY, EASTER_MONDAY, LABOUR_DAY, ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI, ASSUMPTION, on(10, 26),
    ALL_SAINTS, IMMACULATE_CONCEPTION, CHRISTMAS, ST_STEPHEN,
)  # fmt: skip
POLAND = (
    NEW_YEAR, EPIPHANY, EASTER_MONDAY, LABOUR_DAY, on(5, 3), CORPUS_CHRISTI, ASSUMPTION, ALL_SAINTS, on(11, 11),
    on(12, 24), CHRISTMAS, ST_STEPHEN,
)  # fmt: skip
FRANCE = (
    NEW_YEAR, EASTER_MONDAY, LABOUR_DAY, on(5, 8), ASCENSION, WHIT_MONDAY, on(7, 14), ASSUMPTION, ALL_SAINTS,
    on(11, 11), CHRISTMAS,
)  # fmt: skip
WHOLE_YEARS: dict[tuple[str, str | None], tuple[Feast, ...]] = {
    ("DE", None): GERMANY,
    **{("DE", state): (*GERMANY, *feasts) for state, feasts in GERMAN_STATES.items()},
    **{("AT", state): AUSTRIA for state in (None, *"123456789")},
    **{("PL", None if n == 0 else f"{2 * n:02}"): POLAND for n in range(17)},
    ("FR", None): FRANCE,
    ("FR", "6AE"): (*FRANCE, GOOD_FRIDAY, ST_STEPHEN),
    ("FR", "57"): (*FRANCE, GOOD_FRIDAY, ST_STEPHEN),
    ("FR", "974"): (*FRANCE, on(12, 20)),
}
ONLY_ONCE: dict[tuple[str, str | None], set[date]] = {
    ("DE", "BE"): {date(2028, 6, 17)},
    ("GB", "SCT"): {date(2026, 6, 15)},
}

EARLY_MAY, SPRING = nth(1, MONDAY, 5), nth(-1, MONDAY, 5)
LATE_SUMMER = nth(-1, MONDAY, 8)
BRITAIN = (GOOD_FRIDAY, EARLY_MAY, SPRING)
BRITISH_MONDAYS: dict[str, tuple[Feast, ...]] = {
    "ENG": (*BRITAIN, EASTER_MONDAY, LATE_SUMMER),
    "WLS": (*BRITAIN, EASTER_MONDAY, LATE_SUMMER),
    "NIR": (*BRITAIN, EASTER_MONDAY, LATE_SUMMER),
    "SCT": (*BRITAIN, nth(1, MONDAY, 8)),
}
BRITISH_DATES: dict[str, tuple[Feast, ...]] = {
    "ENG": (NEW_YEAR, CHRISTMAS, ST_STEPHEN),
    "WLS": (NEW_YEAR, CHRISTMAS, ST_STEPHEN),
    "NIR": (NEW_YEAR, on(3, 17), on(7, 12), CHRISTMAS, ST_STEPHEN),
    "SCT": (NEW_YEAR, on(1, 2), on(11, 30), CHRISTMAS, ST_STEPHEN),
}


def with_substitutes(dates: Iterable[date]) -> set[date]:
    """The dates, and for each on a weekend the next working day that is free."""
    found = set(dates)
    for day in sorted(found):
        instead = day
        while instead.isoweekday() > 5 or (instead != day and instead in found):
            instead += DAY
        found.add(instead)
    return found


def whole_year(country: str, part: str | None, year: int) -> set[date]:
    """All public holidays of a year."""
    once = {day for day in ONLY_ONCE.get((country, part), ()) if day.year == year}
    if country == "GB" and part:
        dates = with_substitutes(feast(year) for feast in BRITISH_DATES[part])
        return once | dates | {feast(year) for feast in BRITISH_MONDAYS[part]}
    return once | {feast(year) for feast in WHOLE_YEARS[country, part]}


# Countries of which the feasts that everybody knows are known here


def kings_day(year: int) -> date:
    """27 April, or the day before where that is a Sunday."""
    return date(year, 4, 27 if date(year, 4, 27).isoweekday() != SUNDAY else 26)


def battle_of_naefels(year: int) -> date:
    """Glarus: the first Thursday of April, a week later in Holy Week."""
    first = nth(1, THURSDAY, 4)(year)
    return first + 7 * DAY if first == easter(year) - 3 * DAY else first


CANTONS = (
    "AG", "AI", "AR", "BE", "BL", "BS", "FR", "GE", "GL", "GR", "JU", "LU", "NE", "NW", "OW", "SG", "SH", "SO", "SZ",
    "TG", "TI", "UR", "VD", "VS", "ZG", "ZH",
)  # fmt: skip
CATHOLIC_CANTONS = ("AI", "JU", "LU", "NW", "OW", "SZ", "TI", "UR", "VS", "ZG")
BY_CANTON: tuple[tuple[Feast, tuple[str, ...]], ...] = (
    *((feast, CANTONS) for feast in (NEW_YEAR, ASCENSION, on(8, 1), CHRISTMAS)),
    (GOOD_FRIDAY, tuple(canton for canton in CANTONS if canton not in ("GR", "TI", "VS"))),
    (BERCHTOLD, ("AG", "BE", "JU", "LU", "TG", "VD")),
    (LABOUR_DAY, ("BL", "BS", "JU", "NE", "SH", "TG", "TI", "ZH")),
    *((feast, CATHOLIC_CANTONS) for feast in (CORPUS_CHRISTI, ASSUMPTION)),
    (ALL_SAINTS, (*CATHOLIC_CANTONS, "GL", "SG")),
    (IMMACULATE_CONCEPTION, tuple(canton for canton in CATHOLIC_CANTONS if canton != "JU")),
    (ST_JOSEPH, ("NW", "SZ", "TI", "UR", "VS")),
    (EPIPHANY, ("SZ", "TI", "UR")),
    (ST_STEPHEN, ("BE", "BL", "BS", "GL", "GR", "LU", "SG", "SH", "TG", "TI", "ZH")),
    (EASTER_MONDAY, ("AG", "AI", "AR", "BE", "BL", "BS", "GE", "GR", "LU", "SG", "SH", "TG", "TI", "VD", "ZH")),
    (on(3, 1), ("NE",)),
    (on(6, 23), ("JU",)),
    (on(6, 29), ("TI",)),
    (on(9, 25), ("OW",)),
    (on(12, 31), ("GE",)),
    (battle_of_naefels, ("GL",)),
    (days_after(nth(1, SUNDAY, 9), 4), ("GE",)),
    (days_after(nth(3, SUNDAY, 9), 1), ("VD",)),
)
NETHERLANDS = (NEW_YEAR, EASTER_MONDAY, kings_day, ASCENSION, WHIT_MONDAY, CHRISTMAS, ST_STEPHEN)
SPAIN = (
    NEW_YEAR, EPIPHANY, GOOD_FRIDAY, LABOUR_DAY, ASSUMPTION, on(10, 12), ALL_SAINTS, on(12, 6), IMMACULATE_CONCEPTION,
    CHRISTMAS,
)  # fmt: skip
SPANISH_REGIONS: dict[str, tuple[Feast, ...]] = {
    "AN": (on(2, 28),),
    "AR": (on(4, 23),),
    "CT": (EASTER_MONDAY, on(6, 24), on(9, 11), ST_STEPHEN),
    "GA": (on(5, 17),),
    "MD": (on(5, 2),),
    "PV": (EASTER_MONDAY,),
    "VC": (EASTER_MONDAY, on(10, 9)),
}
WELL_KNOWN: dict[tuple[str, str | None], tuple[Feast, ...]] = {
    **{("CH", canton): tuple(feast for feast, where in BY_CANTON if canton in where) for canton in CANTONS},
    ("NL", None): NETHERLANDS,
    ("ES", None): SPAIN,
    **{("ES", region): (*SPAIN, *feasts) for region, feasts in SPANISH_REGIONS.items()},
    ("GB", None): BRITAIN,
}
# On which people work, though their neighbours do not.
WORKED_ON: tuple[tuple[str, str | None, Feast], ...] = (
    *(("CH", canton, CORPUS_CHRISTI) for canton in ("AR", "BE", "BL", "BS", "GE", "GL", "SG", "SH", "TG", "VD", "ZH")),
    *(("CH", canton, BERCHTOLD) for canton in ("AI", "AR", "BL", "BS", "GE", "GR", "SZ", "TI", "UR", "VS")),
    ("CH", "TI", GOOD_FRIDAY),
    ("CH", "VS", GOOD_FRIDAY),
    ("ES", "MD", EASTER_MONDAY),
    ("ES", "CT", after_easter(-3)),
    ("NL", None, LABOUR_DAY),
)
WHOLE = (*WHOLE_YEARS, *(("GB", part) for part in BRITISH_DATES))


def well_known(country: str, part: str | None, year: int) -> set[date]:
    """The dates that this module knows for a year."""
    if (country, part) in WHOLE:
        return whole_year(country, part, year)
    return {feast(year) for feast in WELL_KNOWN[country, part]}
