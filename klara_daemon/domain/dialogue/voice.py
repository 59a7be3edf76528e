"""Klara's voice in one call: the catalogue's sentences, filled with what this call is about."""

from __future__ import annotations

from klara_daemon.domain.dialogue.catalogue import catalogue
from klara_daemon.domain.dialogue.speakable import job_title, person_name, spoken
from klara_daemon.domain.dialogue.turns import Phase, Question, Say, Script, State


class Voice:
    """Says sentences of the catalogue, in the language of the script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.name = person_name(script.candidate)
        self._job = job_title(script.job)
        self._company = spoken(script.company)
        self._catalogue = catalogue(script.language)

    @property
    def language(self) -> str:
        """The language that is spoken and understood."""
        return self._catalogue.language

    def say(self, key: str, question: str = "") -> Say:
        """The sentence of this key; without a name or a job to fill in, the sentence that does without."""
        sentence = self._catalogue.said[key]
        for place, filling in (("name", self.name), ("job", self._job)):
            if f"{{{place}}}" in sentence.text and not filling:
                sentence = self._catalogue.said[f"{key}_without_{place}"]
        text = sentence.text.format(name=self.name, job=self._job, company=self._company, question=question)
        return Say(text, sentence.wording, interruptible=not key.startswith("opening"))

    def ask(self, question: Question, key: str = "question") -> Say:
        """A question in the recruiter's words, within the sentence of this key."""
        return self.say(key, spoken(question.text))

    def prompt(self, state: State) -> Say:
        """What Klara waits to have answered, said once more."""
        match state.phase:
            case Phase.CONNECTING | Phase.PERSON | Phase.ENDED:
                return self.say("opening")
            case Phase.WHOSE_NUMBER:
                return self.say("whose_number")
            case Phase.FETCHING:
                return self.say("still_waiting")
            case Phase.GOOD_TIME:
                return self.say("good_time_resumed" if self.script.answered else "good_time")
            case Phase.ASKING:
                question = self.question(state)
                return self.ask(question) if question else self.say("still_there")

    def open_questions(self, state: State) -> tuple[Question, ...]:
        """The questions that neither this call nor an earlier one has settled, in order."""
        settled = self.script.answered.union(state.answered)
        return tuple(question for question in self.script.questions if question.key not in settled)

    def question(self, state: State) -> Question | None:
        """The open question: the one last asked, or the first if that has gone from the script."""
        left = self.open_questions(state)
        return next((question for question in left if question.key == state.question), left[0] if left else None)
