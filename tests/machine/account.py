"""The account: dials are judged as they come in, attempts and outreaches after every step, and all in the end."""

from __future__ import annotations

from typing import Any, Final

from tests.machine import referee
from tests.machine.daemon import CALLS_AT_ONCE, Daemon
from tests.machine.jobs import JOBS, Job
from tests.machine.lines import Lines
from tests.machine.referee import Dial, Dialled, Standing
from tests.machine.world import World

Row = dict[str, Any]

_OUTREACHES: Final = (
    "SELECT o.*, s.entered_at, s.left_at FROM outreaches o JOIN stays s ON s.id = o.stay_id ORDER BY o.opened_at, o.id"
)
_ATTEMPTS: Final = "SELECT * FROM attempts ORDER BY claimed_at, id"
_REACHED: Final = frozenset({"partly_interviewed", "hung_up", "callback_requested"})
_LAST_WORDS: Final = {
    "interviewed": "completed",
    "declined": "refused",
    "opted_out": "refused",
    "human_requested": "human_requested",
}


class Account:
    """Collects what must never be in `breaches`."""

    def __init__(self, world: World, lines: Lines, daemon: Daemon) -> None:
        self._world = world
        self._lines = lines
        self._daemon = daemon
        self.breaches: list[str] = []
        self.dialled: list[Dialled] = []
        self.outreaches: list[Row] = []
        self.attempts: list[Row] = []
        self._known_ends: set[tuple[Any, Any]] = set()
        world.telephone.watching = self.judge

    # A dial

    async def judge(self, attempt_id: str, to: str, caller: str) -> None:
        """A dial has come in over the wire; who asks for it learns nothing of what is said here."""
        try:
            await self._judge(attempt_id, to)
        except Exception as error:  # noqa: BLE001 - else the phone company would answer 500, and nobody would know
            self.breaches.append(f"the referee failed: {error!r}")

    async def _judge(self, attempt_id: str, to: str) -> None:
        world = self._world
        rows = await world.scene.rows(
            "SELECT a.id, a.outreach_id, a.company_id, a.candidate_id, o.placement_id, o.offer_id, o.stage_id,"
            " s.entered_at, (SELECT count(*) FROM attempts b WHERE b.outreach_id = o.id) AS attempts"
            " FROM attempts a JOIN outreaches o ON o.id = a.outreach_id JOIN stays s ON s.id = o.stay_id"
            " WHERE a.id = $1::text::uuid",
            attempt_id,
        )
        if not rows:
            self.breaches.append(f"a dial of an attempt that is none: {attempt_id!r}")
            return
        [row] = rows
        await self._refresh_dispositions()
        dialled = Dialled(
            attempt_id, world.clock(), to, row["company_id"], row["candidate_id"], str(row["outreach_id"])
        )
        dial = self._dial(dialled, row)
        found = referee.breaches(dial)
        self.breaches += [f"{dialled.at:%a %F %T}Z dial to {to}: {breach}" for breach in found]
        self._saw_dial(dial)
        self.dialled.append(dialled)

    def _dial(self, dialled: Dialled, row: Row) -> Dial:
        world, company_id = self._world, dialled.company_id
        shown = world.recruitee.shown.get(dialled.candidate_id)
        return Dial(
            dialled=dialled,
            settings=world.settings[company_id],
            earlier=tuple(self.dialled),
            standing=self._standing(row),
            numbers=shown.numbers if shown else frozenset(),
            entered_at=row["entered_at"],
            callback_at=world.callbacks.get(row["outreach_id"]),
            opted_out=world.has_opted_out(company_id, dialled.candidate_id, frozenset({dialled.to})),
            paused=bool(world.paused & {0, company_id}),
            trunk_limit=CALLS_AT_ONCE,
            is_first=row["attempts"] == 1,
        )

    def _standing(self, row: Row) -> Standing:
        world = self._world
        shown = world.recruitee.shown.get(row["candidate_id"])
        job_open, job_read_s = world.recruitee.jobs_shown.get(row["offer_id"], (False, -1e9))
        return Standing(
            in_stage=shown is not None and (row["placement_id"], row["stage_id"]) in shown.callable_at,
            job_open=job_open,
            is_watched=any(job.offer_id == row["offer_id"] and job.call == row["stage_id"] for job in world.watched),
            age_s=world.seconds - min(job_read_s, shown.at_s if shown else -1e9),
        )

    async def _refresh_dispositions(self) -> None:
        rows = await self._world.scene.rows("SELECT id, disposition FROM attempts")
        dispositions = {str(row["id"]): row["disposition"] for row in rows}
        self._lines.take_note()
        live = {str(talk.attempt_id) for talk in self._lines.live()}
        for one in self.dialled:
            one.disposition = dispositions.get(one.attempt_id)
            one.is_live = one.attempt_id in live or one.disposition is None

    def _saw_dial(self, dial: Dial) -> None:
        saw = self._world.sometimes.saw
        saw("dial")
        if dial.counted:
            saw("dial: another attempt")
        if dial.callback_stands:
            saw("dial: callback")
            if len(dial.counted) >= dial.settings.max_attempts:
                saw("dial: callback above the maximum")
        if any(one.to != dial.dialled.to for one in dial.of_outreach):
            saw("dial: another number of the candidate")
        if len(dial.to_person) > len(dial.counted):
            saw("dial: to somebody whom another job has called")
        if dial.live():
            saw("dial: while another call is live")

    # After each step

    async def look(self) -> None:
        """Hold all rows against what has happened."""
        self._world.note_who_left()
        await self._refresh_dispositions()
        self.outreaches = await self._world.scene.rows(_OUTREACHES)
        self.attempts = await self._world.scene.rows(_ATTEMPTS)
        self.breaches += [
            *self._of_the_wire(),
            *(breach for one in self.attempts for breach in self._of_attempt(one)),
            *(breach for one in self.outreaches for breach in self._of_outreach(one)),
        ]
        if parked := await self._world.scene.value("SELECT min(reason) FROM parked"):
            self.breaches.append(f"parked: {parked}")

    def _of_the_wire(self) -> list[str]:
        telephone = self._world.telephone
        twice = len(telephone.dials) - len(set(telephone.dials))
        return [
            *(f"dialled {twice} attempts twice" for _ in range(bool(twice))),
            *(f"two calls to {first.to} at once" for first, _ in telephone.overlaps),
            *(f"wrong on the wire: {problem}" for problem in telephone.problems),
        ]

    def _of_attempt(self, attempt: Row) -> list[str]:
        disposition = attempt["disposition"]
        if disposition is None or disposition in self._may_be(str(attempt["id"])):
            return []
        return [f"attempt {attempt['id']} ended as {disposition}, not {sorted(self._may_be(str(attempt['id'])))}"]

    def _may_be(self, attempt_id: str) -> frozenset[str]:
        """What an attempt may have come to, by what really happened."""
        talk = next((talk for talk in self._lines.talks.values() if str(talk.attempt_id) == attempt_id), None)
        if talk is not None:
            return talk.may_be
        number = next((one.to for one in self.dialled if one.attempt_id == attempt_id), None)
        refused = {"invalid_number"} if number in self._world.out_of_service else set()
        return frozenset({"not_placed", *refused})

    def _of_outreach(self, outreach: Row) -> list[str]:
        state, who = outreach["state"], f"outreach of {outreach['candidate_id']}"
        attempts = [one for one in self.attempts if one["outreach_id"] == outreach["id"]]
        is_open = any(one["state"] != "ended" for one in attempts)
        match state:
            case "waiting" | "ended" if is_open:
                return [f"{who} is {state}, and a call of it is open"]
            case "held" if not outreach["held_because"]:
                return [f"{who} is held for no reason"]
            case "ended" if (key := (outreach["id"], outreach["ended_at"])) not in self._known_ends:
                self._known_ends.add(key)
                self._world.sometimes.saw(f"ended: {outreach['outcome']}")
                if not self._explains(outreach, attempts):
                    past = [one["disposition"] for one in attempts]
                    return [f"{who} ended as {outreach['outcome']}, which {past} does not explain"]
        return []

    def _explains(self, outreach: Row, attempts: list[Row]) -> bool:  # noqa: PLR0911 - one case, one answer
        """Whether what happened explains this outcome."""
        world, company_id, candidate_id = self._world, outreach["company_id"], outreach["candidate_id"]
        past = [one["disposition"] for one in attempts]
        counted = [disposition for disposition in past if disposition not in referee.UNCOUNTED]
        words = [_LAST_WORDS[disposition] for disposition in past if disposition in _LAST_WORDS]
        enough = len(counted) >= world.settings[company_id].max_attempts
        reached = bool(_REACHED & set(past))
        match outreach["outcome"]:
            case "completed" | "human_requested" as outcome:
                return outcome in words
            case "refused":
                said = "refused" in words or past.count("hung_up") >= 2
                return said or world.has_ever_opted_out(company_id, candidate_id, world.numbers_ever(candidate_id))
            case "exhausted":
                return enough and not reached
            case "unfinished":
                return enough and reached
            case "uncallable":
                return not self._numbers_left(outreach, attempts)
            case "withdrawn":
                place = (outreach["placement_id"], outreach["stage_id"])
                return place in world.away or self._job(outreach) in world.ever_unwatched
            case _:
                return False

    def _numbers_left(self, outreach: Row, attempts: list[Row]) -> frozenset[str]:
        """Which of the candidate's numbers, as last shown, this outreach has not found wrong."""
        shown = self._world.recruitee.shown.get(outreach["candidate_id"])
        wrong = {one["e164"] for one in attempts if one["disposition"] in ("invalid_number", "wrong_person")}
        return shown.numbers - wrong if shown else frozenset()

    def _job(self, outreach: Row) -> Job:
        return next(job for job in JOBS if job.offer_id == outreach["offer_id"])

    # Nobody is forgotten

    async def nobody_is_forgotten(self) -> None:
        """After the daemon has come to rest: everybody who stands in a watched stage waits, is held, or has an end."""
        await self.look()
        world = self._world
        stays = await world.scene.rows("SELECT * FROM stays WHERE left_at IS NULL")
        stand = {place for person in world.people for place in world.recruitee.callable_at(person)}
        watched = {job.call for job in world.watched}
        expected = {place for place in stand if place[1] in watched}
        known = [(stay["placement_id"], stay["stage_id"]) for stay in stays]
        self.breaches += [f"{place} stands in a watched stage, and no stay knows" for place in expected - set(known)]
        self.breaches += [f"{place} does not stand there, and a stay goes on" for place in set(known) - expected]
        self.breaches += [f"{place} has {known.count(place)} stays" for place in set(known) if known.count(place) > 1]
        by_stay = {one["stay_id"]: one for one in self.outreaches}
        for stay in stays:
            if (stay["placement_id"], stay["stage_id"]) in expected:
                self.breaches += self._of_stay(stay, by_stay.get(stay["id"]))
        self.breaches += [
            f"outreach of {one['candidate_id']} goes on though the stay is over"
            for one in self.outreaches
            if one["left_at"] is not None and one["state"] != "ended"
        ]

    def _of_stay(self, stay: Row, outreach: Row | None) -> list[str]:  # noqa: PLR0911 - one case, one answer
        world = self._world
        if outreach is None:
            was_there_before = stay["already_there"] and any(
                job.call == stay["stage_id"] for job in world.ever_unwatched
            )
            return [] if was_there_before else [f"{stay['candidate_id']} is forgotten: no outreach"]
        attempts = [one for one in self.attempts if one["outreach_id"] == outreach["id"]]
        who = f"outreach of {stay['candidate_id']}"
        match outreach["state"], outreach["outcome"]:
            case "calling", _:
                return [f"{who} is calling, and everything is at rest"]
            case "waiting", _ if outreach["due_at"] <= world.clock():
                return [f"{who} was due at {outreach['due_at']}, and nobody calls"]
            case "held", _:
                return self._of_hold(outreach, attempts)
            case "ended", "withdrawn":
                return [f"{who} is withdrawn, and the candidate stands there"]
            case "ended", "uncallable" if self._numbers_left(outreach, attempts):
                return [f"{who} is uncallable, and there is {self._numbers_left(outreach, attempts)}"]
            case _:
                return []

    def _of_hold(self, outreach: Row, attempts: list[Row]) -> list[str]:
        world = self._world
        failed = sum(one["disposition"] == "technical_failure" for one in attempts)
        because = (
            not referee.allow_calls_to(world.settings[outreach["company_id"]], outreach["number"], world.clock())
            or not world.recruitee.is_open(outreach["offer_id"])
            or self._job(outreach) not in world.watched
            or failed >= 10
        )
        return [] if because else [f"outreach of {outreach['candidate_id']} is held by {outreach['held_because']!r}"]

    async def everybody_has_an_end(self) -> None:
        """After the world has run on without anybody picking up: nobody waits any more."""
        await self.nobody_is_forgotten()
        for one in self.outreaches:
            failed = sum(
                at["disposition"] == "technical_failure" for at in self.attempts if at["outreach_id"] == one["id"]
            )
            if one["state"] != "ended" and failed < 10:
                self.breaches.append(f"outreach of {one['candidate_id']} is {one['state']} and comes to no end")

    async def evidence(self) -> str:
        """The breaches, and all that was decided in this example."""
        lines = await self._world.scene.rows("SELECT * FROM timeline ORDER BY id")
        told = [
            f"{line['at']:%a %F %T} {line['candidate_id']} {str(line['outreach_id'])[:4]} {line['event']}"
            f" [{line['rule'] or ''}] {line['details']}"
            for line in lines
        ]
        return "\n".join(["", *self.breaches, "", *told, f"{self._world.clock():%a %F %T} now"])

    # What a run has seen

    async def saw(self) -> None:
        """Count what happened in this example."""
        saw = self._world.sometimes.saw
        for row in await self._world.scene.rows(
            "SELECT event, rule, count(*)::int AS times FROM timeline WHERE event <> 'outreach_ended' GROUP BY 1, 2"
        ):
            for code in (row["rule"] or "").split() or [""]:
                saw(f"{row['event']}: {code}".rstrip(": "), row["times"])
        for attempt in self.attempts:
            saw(f"attempt: {attempt['disposition']}")
