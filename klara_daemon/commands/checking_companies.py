"""The part of `klara-daemon check` that looks at each company: its settings, its token, its watched stages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp

from klara_daemon.config import Config
from klara_daemon.domain.attempt_policy import Hold, Situation, may_call
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.moves import Column, Move, Moved, NoMove, Standing, Wish, decide_move
from klara_daemon.domain.settings import BadSettings, Mode, parse
from klara_daemon.domain.stays import Place
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Access, Gone, Offer, Reconnect, RecruiteeError
from klara_daemon.store import companies, health, settings, watches
from klara_daemon.store.database import Connection
from klara_daemon.store.settings import WatchedStage
from klara_daemon.store.watches import LateFirstLook
from klara_daemon.vault import CannotOpen, Vault

HIRE = "hire"
LATE_LOOK_TOLD_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it, if anything."""

    area: str
    fault: str | None

    @classmethod
    def each(cls, area: str, faults: Iterable[str]) -> list[Finding]:
        """One for each fault, or one that says that there is none."""
        return [cls(area, fault) for fault in faults] or [cls(area, None)]


async def of_companies(conn: Connection, config: Config, http: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    """Everything about every company that has settings or a secret."""
    vault, recruitee = Vault(config.secret_keys), RecruiteeClient(http, config.recruitee_api_url)
    known = await health.known_companies(conn)
    if not known:
        yield Finding("companies", "none yet: `klara-daemon settings apply` and `klara-daemon company add`")
    for company_id in known:
        for finding in Finding.each(f"company {company_id}, settings", await _settings(conn, company_id)):
            yield finding
        access, fault = await _access(conn, vault, recruitee, company_id)
        yield Finding(f"company {company_id}, Recruitee", fault)
        async for finding in _watched_stages(conn, recruitee, company_id, access):
            yield finding


async def _settings(conn: Connection, company_id: int) -> list[str]:
    stored = await settings.stored(conn, company_id)
    if stored is None:
        return ["missing: it calls nobody; write them with `klara-daemon settings apply FILE`"]
    company = await settings.company(conn, company_id)
    try:
        parse(json.dumps(stored))
    except BadSettings as bad:
        return [str(fault) if company else f"it calls nobody: {fault}" for fault in bad.faults]
    if company is None or not stored.get("watched_stages"):
        return ["no stage is watched: it calls nobody; name one in the settings"]
    anybody = Situation(company.rules, number=company.caller_number, entered_at=None)
    decision = may_call(anybody, datetime.now(UTC))
    return [f"it calls nobody: {says.says}" for says in decision.rules] if isinstance(decision, Hold) else []


async def _access(
    conn: Connection, vault: Vault, recruitee: RecruiteeClient, company_id: int
) -> tuple[Access | None, str | None]:
    """The way into the company's account if there is one, and what is wrong with its secrets."""
    add = f"`klara-daemon company add --company {company_id} --token-file PATH`"
    try:
        secrets = await companies.secrets(conn, vault, company_id)
    except CannotOpen as error:
        return None, f"{error} {error.remedy}"
    if secrets.token is None:
        return None, f"no token: it calls nobody; store one with {add}"
    access = Access(company_id, secrets.token)
    try:
        await recruitee.whoami(access)
    except Reconnect as error:
        return None, f"{error}: it calls nobody; store a new token with {add}"
    except RecruiteeError as error:
        return None, f"{error}; is KLARA_RECRUITEE_API_URL right?"
    if secrets.webhook_secret is None:
        store = f"`klara-daemon company secret --company {company_id} --secret-file PATH`"
        return access, f"no webhook secret: webhooks only prompt polling; store it with {store}"
    return access, None


async def _watched_stages(
    conn: Connection, recruitee: RecruiteeClient, company_id: int, access: Access | None
) -> AsyncIterator[Finding]:
    unread = {(offer, stage): fault for id_, offer, stage, fault in await watches.faults(conn) if id_ == company_id}
    late = {(look.watch.company_id, look.watch.place): look for look in await _late_first_looks(conn)}
    offers: dict[int, Offer | RecruiteeError] = {}
    for watched in await settings.watched_stages(conn, company_id):
        if access and watched.offer_id not in offers:
            offers[watched.offer_id] = await _offer(recruitee, access, watched.offer_id)
        faults = [
            *await _questions(conn, watched),
            *_in_pipeline(watched, offers.get(watched.offer_id)),
        ]
        if not faults and (fault := unread.get((watched.offer_id, watched.stage_id))):
            faults = [f"the daemon could not read it the last time: {fault}"]
        if look := late.get((company_id, Place(watched.offer_id, watched.stage_id))):
            faults.append(_not_called_since(look))
        area = f"company {company_id}, stage {watched.stage_id} of job {watched.offer_id}"
        for finding in Finding.each(area, faults):
            yield finding


async def _late_first_looks(conn: Connection) -> list[LateFirstLook]:
    return await watches.late_first_looks(conn, datetime.now(UTC) - LATE_LOOK_TOLD_FOR)


def _not_called_since(look: LateFirstLook) -> str:
    return (
        f"it was first looked at {look.late // timedelta(minutes=1)} minutes after the settings named it; the"
        f" {look.people} who stood there then are not called, for some or all may have been there before: if they are"
        " to be called, set call_those_already_there, or move them out and, some minutes later, in again"
    )


async def _offer(recruitee: RecruiteeClient, access: Access, offer_id: int) -> Offer | RecruiteeError:
    try:
        return await recruitee.offer(access, offer_id)
    except RecruiteeError as error:
        return error


async def _questions(conn: Connection, watched: WatchedStage) -> list[str]:
    if watched.mode is not Mode.INTERVIEW:
        return []
    key = watched.question_set
    if key is not None and await settings.question_set(conn, watched.company_id, key):
        return []
    return [f"nobody is called from it: its question set {key!r} has no question"]


def _in_pipeline(watched: WatchedStage, offer: Offer | RecruiteeError | None) -> Iterator[str]:
    """What Recruitee says to the stage and its target; nothing where it could not be asked."""
    match offer:
        case None:
            return
        case Gone():
            yield "nobody is called from it: the job does not exist any more; mend the settings"
        case RecruiteeError():
            yield f"cannot be read: {offer}"
        case Offer() if not offer.stages:
            yield "cannot be checked: the job's pipeline template has gone"
        case Offer() if watched.stage_id not in {stage.id for stage in offer.stages}:
            yield "nobody is called from it: it does not exist any more; mend the settings"
        case Offer():
            decision = _move_after_interview(watched, offer)
            if isinstance(decision, NoMove) and decision.wanted:
                yield f"nobody is moved on after the interview: {decision.says}"


def _move_after_interview(watched: WatchedStage, offer: Offer) -> Move | Moved | NoMove:
    """What would be done with somebody who stands there and has been interviewed."""
    pipeline = [Column(stage.id, stage.name, stage.position, stage.category == HIRE) for stage in offer.stages]
    wish = Wish(watched.target.value, watched.target_stage_id, also_when_only_reached=False)
    standing = Standing(watched.stage_id, disqualified=False, hired=False)
    return decide_move(wish, Outcome.COMPLETED, watched.stage_id, standing, pipeline)
