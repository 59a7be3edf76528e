"""A machine that moves clock, settings, stages and telephone at random: the calling rule holds, nobody is forgotten.

`KLARA_TEST_MACHINE_EXAMPLES` asks for so many examples, others at each run.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from klara_daemon.demo.telephone.api import Fault
from tests.actors.scene import BERLIN, COMPANY
from tests.machine.account import Account
from tests.machine.daemon import Daemon
from tests.machine.house import Example, House, house
from tests.machine.jobs import CARE, COMPANIES, JOBS, NIGHT, NO_NUMBERS, NUMBERS, Job
from tests.machine.lines import Ending, Lines
from tests.machine.referee import allow_calls_to
from tests.machine.settings import UNKNOWN_ZONE, Settings
from tests.machine.world import LONGEST_CALL_S, OptOut, World

T = TypeVar("T")

EXAMPLES: Final = "KLARA_TEST_MACHINE_EXAMPLES"
EXAMPLES_USUALLY: Final = 50
STEPS: Final = 80
CALLS_AT_MOST: Final = 300
STARTS: Final = (
    datetime(2026, 9, 7, 9, 0, tzinfo=BERLIN),  # a Monday
    datetime(2026, 3, 27, 16, 0, tzinfo=BERLIN),  # the Friday before summer time
    datetime(2026, 10, 23, 16, 0, tzinfo=BERLIN),  # the Friday before winter time
    datetime(2026, 12, 23, 11, 0, tzinfo=BERLIN),  # before Christmas
    datetime(2026, 3, 6, 16, 0, tzinfo=BERLIN),  # before summer time in New York
    datetime(2028, 2, 28, 9, 0, tzinfo=BERLIN),  # before a leap day
)
ZONES: Final = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe", UNKNOWN_ZONE)
PLACES: Final = (("DE", "NW"), ("DE", "BY"), ("AT", "9"), ("CH", "ZH"))
WEEKDAYS: Final = (
    ("mon", "tue", "wed", "thu", "fri", "sat"),
    ("mon", "wed", "fri"),
    ("sat",),
    ("mon", "sat", "sun"),
    ("sun",),
    (),
)
ALL_DAY: Final = (0, 24 * 60)
WINDOWS: Final = (
    ((9 * 60, 12 * 60), (14 * 60, 18 * 60)),
    (ALL_DAY,),
    ((8 * 60, 10 * 60), (10 * 60, 20 * 60)),
    ((0, 3 * 60), (22 * 60, 24 * 60)),
    ((10 * 60, 10 * 60 + 5),),
    (),
    ((18 * 60, 9 * 60),),
    ((9 * 60, 13 * 60), (12 * 60, 15 * 60)),
)
EDGES: Final = (0, 1, 30, 539, 540, 720, 840, 1079, 1080, 1439)
SECONDS: Final = (1, 5, 31, 61, 121, 301, 605, 3600, 3 * 3600, 10 * 3600, 86400, 3 * 86400, 31 * 86400)
UNCERTAIN: Final = (Fault.ERROR_500, Fault.ERROR_503, Fault.RESET, Fault.CUT_OFF, Fault.NOT_JSON, Fault.NO_SID)
BAD_ANSWERS: Final = (*[(fault, placed) for fault in UNCERTAIN for placed in (True, False)], (Fault.TOO_MANY, False))
ENDINGS: Final = (*Ending, *[Ending.NO_ANSWER] * 6, *[Ending.BUSY, Ending.VOICEMAIL, Ending.FAILED] * 2)
RECRUITERS_DO: Final = ("close or open", "another job", "another job", "disqualify", "delete", "numbers")
OPERATORS_DO: Final = ("pause or resume", "watch or not", "opt out by number", "opt out", "take back")
MISHAPS: Final = ("again", "again", "lost", "killed", "telephone fails", "recruitee fails", "out of service")
MEANWHILE: Final = (
    "the process is frozen", "the window ends", "calling is paused", "somebody says no", "settings are saved",
    "somebody leaves, and that is read", "a job is closed, and that is read", "a stage is watched no more",
    "the other dials",
)  # fmt: skip
LOOKS: Final = (
    "read", "watched stages", "replanning", "handing out", "forgotten", "sweep", "asking", "hanging up", "breaker",
    "writing back", "polling",
)  # fmt: skip


def _changes() -> st.SearchStrategy[dict[str, Any]]:
    """One thing that is set otherwise; nothing: all as at first."""
    place = st.sampled_from(PLACES).map(lambda place: {"country": place[0], "subdivision": place[1]})
    each: dict[str, Sequence[object]] = {
        "time_zone": ZONES,
        "weekdays": WEEKDAYS,
        "windows": WINDOWS,
        "max_attempts": (1, 2, 3, 5),
        "attempts_per_day": (1, 2, 3, 10),
        "pause_minutes": (0, 5, 180, 1440),
        "first_call_delay_minutes": (0, 3, 60),
        "max_per_30_days": (1, 2, 10),
        "observe_public_holidays": (True, False),
        "closed_days": ((), (date(2026, 9, 8), date(2026, 12, 24), date(2026, 3, 30), date(2026, 10, 26))),
        "calls_at_once": (None, 1, 2),
    }
    single = [st.fixed_dictionaries({name: st.sampled_from(values)}) for name, values in each.items()]
    return st.one_of(st.just({}), st.just({}), place, *single)


nth = st.integers(0, 11)
hands = st.integers(0, 1)
jobs = st.sampled_from((CARE, *JOBS))
yes_or_no = st.booleans()
seldom = st.sampled_from([False, False, False, True])
phones = st.lists(
    st.sampled_from((*NUMBERS[:4], *NUMBERS[:4], *NUMBERS, *NO_NUMBERS)), min_size=1, max_size=3, unique=True
)
people = st.tuples(jobs, phones)
endings = st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=4)
changes = _changes()


class CallingMachine(RuleBasedStateMachine):
    """The rules are what happens; after each of them everything that must hold is looked at."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._stack = AsyncExitStack()
        house.sometimes.examples += 1

    @initialize(start=st.sampled_from(STARTS), others=st.lists(people, max_size=3))
    def it_begins(self, start: datetime, others: list[tuple[Job, list[str]]]) -> None:
        """Stages are watched, some people stand in them, and the daemon knows."""
        self.example: Example = self._house.run(self._stack.enter_async_context(self._house.new_example(start)))
        self.world: World = self.example.world
        self.lines: Lines = self.example.lines
        self.daemon: Daemon = self.example.daemon
        self.account: Account = self.example.account
        self._do(self._begin([(CARE, [NUMBERS[0]]), *others]))

    async def _begin(self, everybody: list[tuple[Job, list[str]]]) -> None:
        for job, numbers in everybody:
            await self.world.add_person(job, tuple(numbers), in_stage=True, webhook=True)
        await self.daemon.work()

    def teardown(self) -> None:
        """The world is mended, comes to rest, and runs on until everybody has an end."""
        try:
            if hasattr(self, "account") and not self.account.breaches:
                self._do(self._come_to_rest())
                self._do(self._run_on())
        finally:
            self._house.run(self._stack.aclose())

    def _do(self, happens: Awaitable[object]) -> None:
        self._house.sometimes.steps += 1
        self._house.run(self._and_look(happens))

    async def _and_look(self, happens: Awaitable[object]) -> None:
        await happens
        await self.account.look()
        assert not self.account.breaches, await self.account.evidence()

    # Time

    @rule(seconds=st.sampled_from(SECONDS), lost=seldom)
    def time_goes_by(self, seconds: int, lost: bool) -> None:
        """Seconds, minutes, days, on both clocks."""
        self._do(self._advance(timedelta(seconds=seconds), lost=lost))

    @rule(weekday=st.integers(0, 6), minute=st.sampled_from(EDGES))
    def another_day_comes(self, weekday: int, minute: int) -> None:
        """To a minute of a weekday at which something changes, by the clocks in Berlin."""
        here = self.world.clock().astimezone(BERLIN)
        day = here.date() + timedelta(days=(weekday - here.weekday()) % 7)
        at = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=BERLIN).astimezone(UTC)
        if at > self.world.clock():
            self._do(self._advance(at - self.world.clock()))

    async def _until_due(self, after: timedelta = timedelta(0)) -> None:
        due_at = await self.world.next_due_at()
        if due_at is not None and due_at + after > self.world.clock():
            await self._advance(due_at + after - self.world.clock())

    async def _advance(self, by: timedelta, *, lost: bool = False) -> None:
        """No call lasts for hours."""
        if by.total_seconds() > LONGEST_CALL_S:
            for talk in self.lines.live():
                await self.lines.end(talk, Ending.NO_ANSWER, lost=lost)
        await self.world.advance(by)

    # Recruiters

    @rule(who=people, in_stage=yes_or_no, webhook=yes_or_no)
    def somebody_applies(self, who: tuple[Job, list[str]], in_stage: bool, webhook: bool) -> None:
        """With one to three numbers, some of which others have too, and some of which are none."""
        self._do(self.world.add_person(who[0], tuple(who[1]), in_stage=in_stage, webhook=webhook))

    @rule(
        which=nth, where=st.sampled_from(("call", "call", "call", "interview", "applied", "hired")), webhook=yes_or_no
    )
    def a_card_is_moved(self, which: int, where: str, webhook: bool) -> None:
        """Into the watched stage, or out of it."""
        if cards := self.world.cards():
            card = _one_of(cards, which)
            self._do(self.world.move(card, getattr(self.world.job_of(card), where), webhook=webhook))

    @rule(what=st.sampled_from(RECRUITERS_DO), which=nth, job=jobs, webhook=yes_or_no, numbers=phones)
    def a_recruiter_changes_something(self, what: str, which: int, job: Job, webhook: bool, numbers: list[str]) -> None:
        """Somebody comes into another job, is rejected or taken back, deleted, renumbered; a job closes, opens."""
        cards = self.world.cards()
        match what:
            case "close or open":
                status = "closed" if self.world.recruitee.is_open(job.offer_id) else "published"
                self.world.recruitee.edit_offer(job.company_id, job.offer_id, status=status)
                self._do(self._nothing())
            case "another job" if cards:
                self._do(self.world.add_card(_one_of(cards, which).candidate_id, job, webhook=webhook))
            case "disqualify" if cards:
                self._do(self.world.disqualify(_one_of(cards, which), webhook=webhook))
            case "delete" if cards:
                self.world.delete(_one_of(cards, which).candidate_id)
                self._do(self._nothing())
            case "numbers" if cards:
                self.world.edit_phones(_one_of(cards, which).candidate_id, tuple(numbers))
                self._do(self._nothing())

    # Operators, and people who write letters

    @rule(company_id=st.sampled_from((COMPANY, *COMPANIES)), changed=changes)
    def settings_are_saved(self, company_id: int, changed: dict[str, Any]) -> None:
        """Any, also such as no document may hold; or those of the beginning."""
        self._do(self.world.set(company_id, **changed) if changed else self.world.save(company_id, Settings()))

    @rule(what=st.sampled_from(OPERATORS_DO), which=nth, company_id=st.sampled_from((0, *COMPANIES)))
    def somebody_intervenes(self, what: str, which: int, company_id: int) -> None:
        """Calling is paused or goes on; a stage is watched no more, or again; somebody says no, or yes after all."""
        cards = self.world.cards()
        match what:
            case "pause or resume":
                self._do(self.world.pause_or_resume(company_id))
            case "watch or not":
                self._do(self.world.watch_or_not(NIGHT))
            case "opt out by number":
                self._do(self.world.opt_out(OptOut(COMPANY, None, NUMBERS[which % 4])))
            case "opt out" if cards:
                person = self.world.recruitee.candidate(_one_of(cards, which).candidate_id)
                self._do(self.world.opt_out(OptOut(person.company_id, person.id, None)))
            case "take back":
                self._do(self.world.take_back_opt_outs())
            case _:
                pass

    @rule(which=nth, hours=st.sampled_from((0, 1, 5, 26, 50, 80)))
    def somebody_asks_for_a_callback(self, which: int, hours: int) -> None:
        """By letter too."""
        if going_on := [one for one in self.account.outreaches if one["state"] != "ended"]:
            at = self.world.clock() + timedelta(hours=hours)
            self._do(self.world.ask_for_callback(_one_of(going_on, which)["id"], at))

    # The telephone

    @precondition(lambda self: self.lines.live())
    @rule(which=nth, lost=seldom)
    def a_call_goes_on(self, which: int, lost: bool) -> None:
        """It rings, it is answered."""
        self._do(self.lines.go_on(_one_of(self.lines.live(), which), lost=lost))

    @precondition(lambda self: self.lines.live())
    @rule(which=nth, ending=st.sampled_from(ENDINGS), lost=seldom, hours=st.sampled_from((2, 30)))
    def a_call_ends(self, which: int, ending: Ending, lost: bool, hours: int) -> None:
        """In one of all ways."""
        self._do(self._end(which, ending, lost=lost, hours=hours))

    @precondition(lambda self: self.lines.live())
    @rule(endings=endings)
    def every_call_ends_and_the_daemon_works(self, endings: list[Ending]) -> None:
        """Each in its own way."""
        self._do(self._end_all_and_work(endings))

    @precondition(lambda self: self.lines.talks)
    @rule(which=nth, news=nth)
    def old_news_comes_again(self, which: int, news: int) -> None:
        """Late, and out of order."""
        talk = _one_of(list(self.lines.talks.values()), which)
        if talk.told:
            self._do(self.lines.tell(talk, _one_of(talk.told, news), again=self._house.sometimes.steps))

    @precondition(lambda self: self.lines.talks)
    @rule()
    def all_news_that_was_lost_comes_late(self) -> None:
        """The web role was away."""
        self._do(self._tell_all())

    async def _end(self, which: int, ending: Ending, *, lost: bool, hours: int) -> None:
        talk = _one_of(self.lines.live(), which)
        await self.lines.end(talk, ending, lost=lost)
        if ending is Ending.CALLBACK:
            attempt = await self.world.scene.attempt(talk.attempt_id)
            await self.world.ask_for_callback(attempt.outreach_id, self.world.clock() + timedelta(hours=hours))

    async def _end_all_and_work(self, endings: Sequence[Ending]) -> None:
        for number, talk in enumerate(self.lines.live()):
            await self.lines.end(talk, _one_of(endings, number), lost=False)
        await self.daemon.work()

    async def _nobody_picks_up(self) -> None:
        for talk in self.lines.live():
            await self.lines.end(talk, Ending.NO_ANSWER, lost=False)

    async def _tell_all(self) -> None:
        for talk in self.lines.talks.values():
            if talk.call.status not in talk.told:
                await self.lines.tell(talk)

    # The daemon

    @rule()
    def the_daemon_works(self) -> None:
        """Everybody does what there is to do at this moment."""
        self._do(self.daemon.work())

    @rule(seconds=st.sampled_from((0, 0, 1, -1)))
    def a_call_is_due_and_placed(self, seconds: int) -> None:
        """The usual course of things."""
        self._do(self._due_and_work(timedelta(seconds=seconds)))

    @rule(ending=st.sampled_from(ENDINGS))
    def a_call_is_due_is_placed_and_ends(self, ending: Ending) -> None:
        """The same, up to the next plan."""
        self._do(self._whole_calls([ending]))

    @rule(endings=endings)
    def some_calls_come_and_go(self, endings: list[Ending]) -> None:
        """The same, several times."""
        self._do(self._whole_calls(endings))

    @rule(endings=endings)
    def everything_is_well_and_calls_come_and_go(self, endings: list[Ending]) -> None:
        """Whatever forbade calls is mended, everybody comes back into their stage, and calls come and go."""
        self._do(self._all_is_well(endings))

    @rule(look=st.sampled_from(LOOKS))
    def one_actor_looks(self, look: str) -> None:
        """And the others do not."""
        self._do(self.daemon.looks[look]())

    @rule(which=nth, number=st.integers(1, 3), everything=yes_or_no)
    def messages_are_delivered(self, which: int, number: int, everything: bool) -> None:
        """Some of one kind; or all, and what follows from them."""
        self._do(self.daemon.post.deliver_all() if everything else self._deliver_some(which, number))

    @rule(hand=hands, is_due=yes_or_no)
    def a_call_is_dialled(self, hand: int, is_due: bool) -> None:
        """By one of two processes."""
        self._do(self._dial(hand, is_due=is_due))

    @rule(hand=hands, is_due=yes_or_no, dies=st.sampled_from(("before", "after")))
    def a_dialer_is_killed_while_it_dials(self, hand: int, is_due: bool, dies: str) -> None:
        """Before the request is out, or before its answer is in."""
        self._do(self._dial(hand, is_due=is_due, dies=dies))

    @rule(hand=hands, is_due=yes_or_no, fault=st.sampled_from(BAD_ANSWERS))
    def a_dial_is_answered_badly(self, hand: int, is_due: bool, fault: tuple[Fault, bool]) -> None:
        """And what has become of it nobody knows."""
        self._do(self._dial(hand, is_due=is_due, fault=fault))

    @rule(is_due=yes_or_no)
    def two_dial_at_once(self, is_due: bool) -> None:
        """Each in its own process."""
        self._do(self._both_dial(is_due=is_due))

    @rule(hand=hands, is_due=yes_or_no)
    def a_call_is_claimed(self, hand: int, is_due: bool) -> None:
        """And waits for its slot."""
        self._do(self._claim(hand, is_due=is_due))

    @precondition(lambda self: self.daemon.claims)
    @rule(which=nth)
    def a_claimed_call_has_its_slot(self, which: int) -> None:
        """However long that took: its process may have been frozen."""
        self._do(self.daemon.send(_one_of(self.daemon.claims, which)))

    @rule(hand=hands, is_claimed=yes_or_no, what=st.sampled_from(MEANWHILE), which=nth)
    def something_changes_just_before_the_dial(self, hand: int, is_claimed: bool, what: str, which: int) -> None:
        """After the candidate was read and before the call is claimed; or after that, while it waits for its slot."""
        self._do(self._change_before_dial(hand, what, which, is_claimed=is_claimed))

    @rule(what=st.sampled_from(MISHAPS), which=st.integers(0, 200))
    def something_goes_wrong(self, what: str, which: int) -> None:
        """A message comes twice, or all are lost; dialers are killed; a vendor fails; a number goes out of service."""
        match what:
            case "again":
                self._do(self.daemon.post.deliver_again(which))
            case "lost":
                self._do(self.daemon.post.lose())
            case "killed":
                self.daemon.die()
                self._do(self._nothing())
            case "telephone fails":
                self._do(self._ask_in_vain(("asking", "hanging up")[which % 2]))
            case "recruitee fails":
                self.world.recruitee.faults.fail_next(("GET .*/candidates", "GET .*/offers")[which % 2], 503, which % 3)
                self._do(self._nothing())
            case "out of service" if not self.world.out_of_service:
                self.world.go_out_of_service(NUMBERS[which % 3])
                self._do(self._nothing())

    async def _due_and_work(self, after: timedelta) -> None:
        await self.daemon.work()
        await self._until_due(after)
        await self.daemon.work()

    async def _whole_calls(self, endings: Sequence[Ending]) -> None:
        for ending in endings:
            await self._due_and_work(timedelta(0))
            await self._end_all_and_work([ending])

    async def _all_is_well(self, endings: Sequence[Ending]) -> None:
        world = self.world
        world.recruitee.faults.mend()
        for company_id in list(world.paused):
            await world.pause_or_resume(company_id)
        for company_id in COMPANIES:
            await world.save(company_id, self._mended(world.settings[company_id]))
        for job in JOBS:
            world.recruitee.edit_offer(job.company_id, job.offer_id, status="published")
        await world.take_back_opt_outs()
        await self._everybody_comes_back()
        await self._whole_calls(endings)

    async def _everybody_comes_back(self) -> None:
        for stage in ("interview", "call"):
            for card in self.world.cards():
                await self.world.move(card, getattr(self.world.job_of(card), stage), webhook=True)
            self.world.note_who_left()
            await self.daemon.work()

    async def _deliver_some(self, which: int, number: int) -> None:
        await self.daemon.post.relay()
        if waiting := self.daemon.post.waiting():
            await self.daemon.post.deliver(_one_of(waiting, which), number)

    async def _make_due(self) -> None:
        """Somebody's call is due and handed to the dialers; whoever came to an end comes back for that."""
        if not await self.world.is_anybody_due():
            if await self.world.next_due_at() is None:
                await self._everybody_comes_back()
            await self._until_due()
        await self.daemon.looks["handing out"]()
        await self.daemon.post.deliver_all()

    async def _dial(
        self, hand: int, *, is_due: bool, dies: str | None = None, fault: tuple[Fault, bool] | None = None
    ) -> None:
        if is_due:
            await self._make_due()
        self.daemon.hands[hand].provider.dies = dies
        self.world.telephone.dial_faults.extend([fault] if fault else [])
        await self.daemon.hands[hand].dial()
        self.daemon.hands[hand].provider.dies = None
        self.world.telephone.dial_faults.clear()

    async def _both_dial(self, *, is_due: bool) -> None:
        if is_due:
            await self._make_due()
        await self.daemon.both_dial()

    async def _claim(self, hand: int, *, is_due: bool) -> None:
        if is_due:
            await self._make_due()
        await self.daemon.hands[hand].claim()

    async def _change_before_dial(self, hand: int, what: str, which: int, *, is_claimed: bool) -> None:
        await self._make_due()
        dialler = self.daemon.hands[hand]
        if is_claimed:
            await dialler.claim()
            if self.daemon.claims:
                await self._meanwhile(what, which)
            for claim in self.daemon.claims:
                await self.daemon.send(claim)
        else:
            dialler.dialer.meanwhile = lambda: self._meanwhile(what, which)
            await dialler.dial()
            dialler.dialer.meanwhile = None

    async def _meanwhile(self, what: str, which: int) -> None:
        world, card = self.world, _one_of(self.world.cards() or [None], which)
        world.sometimes.saw(f"meanwhile: {what}")
        match what:
            case "the process is frozen":
                await self._advance(timedelta(seconds=40))
            case "the window ends":
                here = world.clock().astimezone(BERLIN)
                ends = here.replace(hour=(12, 18)[here.hour >= 12], minute=0)
                await self._advance(max(timedelta(0), ends.astimezone(UTC) - world.clock()))
            case "calling is paused" if not world.paused:
                await world.pause_or_resume((0, COMPANY)[which % 2])
            case "somebody says no" if card:
                await world.opt_out(OptOut(world.job_of(card).company_id, card.candidate_id, None))
            case "settings are saved":
                name, value = _one_of(
                    [("weekdays", ()), ("windows", ()), ("calls_at_once", 1), ("max_attempts", 1)], which
                )
                await world.set(COMPANY, **{name: value})
            case "somebody leaves, and that is read" if card:
                await world.move(card, world.job_of(card).interview, webhook=True)
                await self.daemon.post.deliver_all()
                await self.daemon.looks["read"]()
            case "a job is closed, and that is read":
                world.recruitee.edit_offer(COMPANY, CARE.offer_id, status="closed")
                await self.daemon.looks["polling all"]()
            case "a stage is watched no more":
                await world.watch_or_not(NIGHT)
            case "the other dials":
                await self.daemon.hands[which % 2].dial()
            case _:
                pass

    async def _ask_in_vain(self, look: str) -> None:
        self.world.telephone.question_faults.append(Fault.ERROR_500)
        await self.daemon.looks[look]()
        self.world.telephone.question_faults.clear()

    async def _nothing(self) -> None:
        """What happens has happened already."""

    # In the end

    async def _come_to_rest(self) -> None:
        """Vendors are mended, pauses ended; some rounds later the daemon has nothing left to do."""
        self.world.recruitee.faults.mend()
        self.daemon.die()
        for company_id in list(self.world.paused):
            await self.world.pause_or_resume(company_id)
        await self._nobody_picks_up()
        await self._tell_all()
        for seconds in (61, 130, 605, 605, 61):
            await self._rest(seconds)
        await self.account.nobody_is_forgotten()

    async def _rest(self, seconds: float) -> None:
        await self.world.let_pass(seconds)
        await self.daemon.write_back()
        await self.daemon.work()
        await self._nobody_picks_up()
        await self.daemon.work()

    async def _run_on(self) -> None:
        """Settings allow calls, jobs are open; from one due time to the next nobody picks up."""
        for company_id in COMPANIES:
            await self.world.save(company_id, self._mended(self.world.settings[company_id]))
        for job in JOBS:
            self.world.recruitee.edit_offer(job.company_id, job.offer_id, status="published")
        for _ in range(2):
            await self._rest(901)
        for _ in range(CALLS_AT_MOST):
            if not await self._one_call_more():
                break
        await self._rest(901)
        await self.account.everybody_has_an_end()
        await self.account.saw()

    async def _one_call_more(self) -> bool:
        """Whoever is due is called; where nobody is, the next one's time comes; False when nobody waits any more."""
        if await self.world.is_anybody_due():
            await self._advance(timedelta(seconds=61))
        elif await self.world.next_due_at() is not None:
            await self._until_due()
        else:
            return False
        await self.daemon.call_all()
        await self._nobody_picks_up()
        await self.daemon.post.deliver_all()
        return True

    def _mended(self, settings: Settings) -> Settings:
        """The same, or all day long, where they allow no call to one of the numbers."""
        if all(allow_calls_to(settings, number, self.world.clock()) for number in NUMBERS):
            return settings
        return replace(Settings(), windows=(ALL_DAY,), max_attempts=settings.max_attempts)


def _one_of(things: Sequence[T], which: int) -> T:
    return things[which % len(things)]


#: What a run must have seen, lest it hold every invariant by doing nothing.
EXPECTED: Final = (
    "dial",
    "dial: another attempt",
    "dial: callback",
    "dial: to somebody whom another job has called",
    "dial_postponed: number_busy",
    "attempt: not_placed",
    "attempt: technical_failure",
    "call_planned: number_per_day",
    "call_planned: sunday",
    "ended: exhausted",
    "ended: refused",
    "ended: withdrawn",
)


def test_whatever_happens_the_calling_rule_holds_and_nobody_is_forgotten(machine_database_url: str) -> None:
    asked = os.environ.get(EXAMPLES)
    wanted = settings(
        max_examples=int(asked or EXAMPLES_USUALLY),
        stateful_step_count=STEPS,
        derandomize=asked is None,
        database=None,
        deadline=None,
        print_blob=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with house(machine_database_url) as run:
        run_state_machine_as_test(lambda: CallingMachine(run), settings=wanted)  # type: ignore[arg-type]
    assert run.sometimes.never(*EXPECTED) == []
