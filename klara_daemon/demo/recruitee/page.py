"""The small Recruitee's only page: each pipeline as columns, with the candidates and what stands in their notes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, tzinfo
from html import escape

from klara_daemon.demo.recruitee.accounts import Candidate, Company, Offer, Placement, Stage

STYLE = """
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1d2330; --soft: #667085; --line: #dfe3ea;
        --accent: #2f6fed; --bad: #b42318; --good: #067647; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171d; --card: #1f242d; --ink: #e8ebf0; --soft: #98a2b3;
        --line: #323945; --accent: #7ba7ff; --bad: #f97066; --good: #47cd89; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; background: var(--ground); color: var(--ink);
       font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.1rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 1.25rem 0 .6rem; }
h2 small, header p, .phone, .empty, time { color: var(--soft); font-weight: normal; font-size: .85rem; margin: 0; }
.pipeline { display: flex; gap: .75rem; overflow-x: auto; align-items: flex-start; padding-bottom: .5rem; }
.stage { flex: 1 0 15rem; max-width: 26rem; border-top: 3px solid var(--accent); padding-top: .4rem; }
.stage h3 { font-size: .9rem; margin: 0 0 .5rem; display: flex; justify-content: space-between; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .75rem;
        margin-bottom: .6rem; overflow-wrap: anywhere; }
.card h4 { margin: 0; font-size: .95rem; }
.mark { font-size: .75rem; border: 1px solid; border-radius: 1rem; padding: 0 .5rem; }
.out { color: var(--bad); } .hired { color: var(--good); }
.note { border-inline-start: 3px solid var(--line); margin: .5rem 0 0; padding-inline-start: .6rem; font-size: .85rem; }
.note p { margin: 0; min-height: .6em; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'",
    "Cache-Control": "no-store",
}


def show(companies: Iterable[Company], now: datetime) -> str:
    """The page as HTML, all times in the zone of `now`. It fetches nothing and looks again every two seconds."""
    offers = "".join(_offer(company, offer, now.tzinfo) for company in companies for offer in company.offers.values())
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Recruitee in small</title><style>{STYLE}</style></head><body>"
        f"<header><h1>Recruitee in small</h1><p>{_at(now)}</p></header>"
        f"<main>{offers or '<p>No job yet.</p>'}</main></body></html>"
    )


def _offer(company: Company, offer: Offer, zone: tzinfo | None) -> str:
    columns = "".join(_stage(company, offer, stage, zone) for stage in offer.stages)
    title, status = escape(offer.title), "" if offer.status == "published" else f" · {escape(offer.status)}"
    heading = f"<h2>{title} <small>{escape(company.name)}{status}</small></h2>"
    return f'<section>{heading}<div class="pipeline">{columns}</div></section>'


def _stage(company: Company, offer: Offer, stage: Stage, zone: tzinfo | None) -> str:
    there = [
        (person, placement)
        for person in company.candidates.values()
        for placement in person.placements
        if person.deleted_at is None and (placement.offer_id, placement.stage_id) == (offer.id, stage.id)
    ]
    cards = "".join(_card(person, placement, zone) for person, placement in there) or '<p class="empty">nobody</p>'
    return f'<div class="stage"><h3>{escape(stage.name)}<span>{len(there)}</span></h3>{cards}</div>'


def _card(person: Candidate, placement: Placement, zone: tzinfo | None) -> str:
    marks = ""
    if placement.disqualified_at:
        marks += f' <span class="mark out">{escape(placement.disqualify_reason or "disqualified")}</span>'
    if placement.hired_at:
        marks += ' <span class="mark hired">hired</span>'
    phones = escape(", ".join(person.phones)) or "no phone"
    notes = "".join(
        f'<div class="note" dir="auto"><time>{_at(note.created_at.astimezone(zone))}</time>'
        + "".join(f"<p>{escape(line)}</p>" for line in note.paragraphs)
        + "</div>"
        for note in person.notes
    )
    return (
        f'<article class="card"><h4 dir="auto">{escape(person.name)}{marks}</h4>'
        f'<p class="phone" dir="ltr">{phones}</p>{notes}</article>'
    )


def _at(at: datetime) -> str:
    return f"{at:%A %d %B %Y, %H:%M %Z}"
