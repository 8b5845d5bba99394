#!/usr/bin/python3
"""Writes cron_reference.h: when cron expressions run where clocks change.

Knows nothing of our search: it walks through every minute of UTC, asks Python's zoneinfo what the
clock shows, and applies the rule of internal/domain/cron.h. Dates lie in the past, so that no law
changes them any more.

usage: tests/unit/cron_reference.py > tests/unit/cron_reference.h
"""
import calendar
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
UTC = timezone.utc
# A zone and the days around a change of its clock.
PLACES = [
    ("Europe/Berlin", [(2024, 3, 31), (2024, 10, 27)]),
    ("America/New_York", [(2023, 3, 12), (2023, 11, 5)]),
    ("Australia/Lord_Howe", [(2022, 10, 2), (2023, 4, 2)]),  # half an hour
    ("Pacific/Apia", [(2011, 12, 30)]),  # a day that was not
    ("America/Santiago", [(2021, 4, 4), (2021, 9, 5)]),  # at midnight
    ("Africa/Casablanca", [(2023, 3, 19), (2023, 4, 23)]),
    ("Asia/Kathmandu", [(2020, 1, 1)]),
    ("Europe/Dublin", [(2020, 3, 29), (2020, 10, 25)]),
    ("Antarctica/Troll", [(2021, 3, 28), (2021, 10, 31)]),  # two hours
    ("UTC", [(2020, 2, 28)]),
]
FIXED = ["30 2 * * *", "0 2 * * *", "0 3 * * *", "15,45 1-3 * * *", "*/20 * * * *", "30 * * * *",
         "0 0 * * *", "30 1 * * *", "*/30 0-4 * * *", "0 0 L * *", "15 2 * * 0", "0 2 * * 7L",
         "0 12 * * *", "0 0 30 12 *"]


def field(text, low, high):
    values = set()
    for part in text.split(","):
        part, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if part == "*" else part).partition("-")
        values |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return values


class Cron:
    def __init__(self, text):
        minute, hour, day, month, weekday = text.split()
        self.minutes, self.hours = field(minute, 0, 59), field(hour, 0, 23)
        self.months = field(month, 1, 12)
        self.last = day == "L"
        self.days = set() if self.last else field(day, 1, 31)
        self.last_weekday = int(weekday[:-1]) % 7 if weekday[-1] == "L" else None
        self.weekdays = (set() if weekday[-1] == "L" else
                         {w % 7 for w in field(weekday, 0, 7)})
        self.either = day[0] != "*" and weekday[0] != "*"

    def matches(self, t):
        length = calendar.monthrange(t.year, t.month)[1]
        weekday = (t.weekday() + 1) % 7
        by_date = t.day in self.days or (self.last and t.day == length)
        by_weekday = weekday in self.weekdays or (weekday == self.last_weekday
                                                  and t.day + 7 > length)
        day = by_date or by_weekday if self.either else by_date and by_weekday
        return (t.minute in self.minutes and t.hour in self.hours and t.month in self.months
                and day)


def shown(utc, zone):
    return utc.astimezone(zone).replace(tzinfo=None, fold=0)


def runs(cron, zone, utc):
    """Whether it runs in the minute of UTC that begins at `utc`."""
    now, before = shown(utc, zone), shown(utc - MINUTE, zone)
    if len(cron.hours) == 24:
        return cron.matches(now)
    skipped = before + MINUTE
    while skipped < now:  # the clock was set forward over these
        if cron.matches(skipped):
            return True
        skipped += MINUTE
    return cron.matches(now) and utc.astimezone(zone).fold == 0


def find(cron, zone, after, days):
    utc = (after + MINUTE).replace(second=0)
    for _ in range(days * 1440):
        if runs(cron, zone, utc):
            return utc
        utc += MINUTE
    return None


def random_text(rand):
    def one(low, high):
        a, b = sorted(rand.sample(range(low, high + 1), 2))
        return rand.choice(["*", f"*/{rand.randint(2, 5)}", f"{a}-{b}", f"{a},{b}", f"{a}"])
    return f"{one(0, 59)} {rand.choice([one(0, 5), one(0, 23)])} * * {rand.choice(['*', '*', '0', '1-5', '6,7'])}"


def main():
    rand = random.Random(6)
    print("""/* Written by cron_reference.py: do not edit. */
#pragma once

#include <stdint.h>

static const struct {
    const char *zone, *text;
    int64_t after, next; /* seconds */
} cron_reference[] = {
    /* clang-format off */""")
    for name, days in PLACES:
        zone = ZoneInfo(name)
        for day in days:
            for text in FIXED + [random_text(rand) for _ in range(4)]:
                begin = datetime(*day, tzinfo=UTC) - timedelta(days=1)
                after = begin + timedelta(minutes=rand.randrange(2 * 1440), seconds=rand.choice([0, 59]))
                for _ in range(2):  # and the one behind it
                    found = find(Cron(text), zone, after, 4)
                    if not found:
                        break
                    print(f'{{ "{name}", "{text}", {int(after.timestamp())}, '
                          f"{int(found.timestamp())} }},")
                    after = found
    print("    /* clang-format on */\n};")


main()
