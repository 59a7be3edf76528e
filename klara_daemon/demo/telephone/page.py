"""The small telephone network's page: its calls and what was said in them, for people who watch the demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from klara_daemon.demo.telephone.records import CallRecord

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #1c1c28; }
h1 { font-size: 1.4rem }
article { border: 1px solid #d8d8e0; border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem }
h2 { font-size: 1rem; margin: .3rem 0 } small { color: #666 } p { margin: .3rem 0 }
.klara { padding-right: 6rem } .person { padding-left: 6rem; text-align: right; color: #0b5d3b }
"""


def calls_page(calls: Iterable[CallRecord], names: Mapping[str, str]) -> str:
    """All calls, the newest first. Everything in it is escaped; nothing is fetched from anywhere."""
    articles = "".join(_article(call, names) for call in calls) or "<p>Nobody has been called yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">'
        '<meta name="viewport" content="width=device-width"><title>A small telephone network</title>'
        f"<style>{_STYLE}</style></head><body><h1>A small telephone network</h1>{articles}</body></html>"
    )


def _article(call: CallRecord, names: Mapping[str, str]) -> str:
    person = call.to if call.direction != "inbound" else call.caller
    who = f"{names[person]} ({person})" if person in names else person
    way = "rang Klara" if call.direction == "inbound" else "was rung"
    when = f"{call.created_at:%a %d %b %Y, %H:%M} {call.created_at.tzname() or ''}"
    spoken = "".join(f'<p class="{escape(s.by)}">{escape(s.text)}</p>' for s in call.transcript)
    return (
        f"<article><h2>{escape(who)} {way}: {escape(call.status.replace('-', ' '))}</h2>"
        f"<small>{escape(when)}</small>{spoken}</article>"
    )
