"""Who is next: laws that hold for any order of events."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.agenda import PATIENCE, Agenda, Prefill, Rank, Step

ANSWER, JUDGEMENT, PREFIX, TRANSCRIPT = Rank


def agenda_of(*jobs):
    agenda = Agenda()
    for job, rank in jobs:
        agenda.add(job, rank)
    return agenda


def test_nothing_to_do() -> None:
    assert Agenda().next() is None


def test_who_waits_goes_before_who_speaks_and_last_comes_what_nobody_waits_for() -> None:
    agenda = agenda_of(
        ("t", TRANSCRIPT), ("p", PREFIX), ("j", JUDGEMENT), ("later", ANSWER), ("a", ANSWER)
    )
    order = []
    for _ in range(5):
        decision = agenda.next()
        order.append(decision.job)
        agenda.remove(decision.job)
    assert order == ["later", "a", "j", "p", "t"]


def test_a_judgement_waits_for_first_tokens_and_for_one_more_of_who_speaks() -> None:
    """Killed: one that comes when the reply beside it has been made."""
    agenda = agenda_of(("speaks", ANSWER))
    agenda.decode("speaks")
    for job, rank in (("j", JUDGEMENT), ("a", ANSWER), ("p", PREFIX)):
        agenda.add(job, rank)
    assert [agenda.next() for _ in range(2)] == [Prefill("a"), Step(("speaks",))]
    agenda.remove("a")
    decisions = [agenda.next() for _ in range(3)]
    assert decisions == [Prefill("j"), Step(("speaks",)), Prefill("j")]
    agenda.remove("j")
    assert [agenda.next() for _ in range(3)] == [Step(("speaks",))] * 3


def test_answers_go_round_piece_by_piece() -> None:
    agenda = agenda_of(("long", ANSWER), ("short", ANSWER))
    assert [agenda.next().job for _ in range(4)] == ["long", "short"] * 2


def test_all_who_decode_do_it_together() -> None:
    agenda = agenda_of(("a", ANSWER), ("b", ANSWER), ("t", TRANSCRIPT))
    for job in ("a", "b", "t"):
        agenda.decode(job)
    assert agenda.next() == Step(("a", "b", "t"))
    agenda.remove("b")
    assert agenda.next() == Step(("a", "t"))


def test_between_two_prefills_those_who_speak_get_a_token() -> None:
    agenda = agenda_of(("speaks", ANSWER))
    agenda.decode("speaks")
    for job in ("b", "c"):
        agenda.add(job, ANSWER)
    decisions = [agenda.next() for _ in range(4)]
    assert decisions == [Prefill("b"), Step(("speaks",)), Prefill("c"), Step(("speaks",))]


def test_a_transcript_that_decodes_waits_for_who_waits() -> None:
    agenda = agenda_of(("t", TRANSCRIPT))
    agenda.decode("t")
    assert agenda.next() == Step(("t",))
    agenda.add("a", ANSWER)
    assert agenda.next() == agenda.next() == Prefill("a")


def test_who_is_passed_over_for_long_gets_a_piece() -> None:
    agenda = agenda_of(("a", ANSWER), ("p", PREFIX))
    decisions = [agenda.next() for _ in range(2 * PATIENCE + 2)]
    assert decisions.count(Prefill("p")) == 2
    assert decisions[PATIENCE] == Prefill("p")


def test_what_is_not_there_can_be_removed_but_cannot_decode() -> None:
    agenda = Agenda()
    agenda.remove("nobody")
    with pytest.raises(KeyError):
        agenda.decode("nobody")


class Life:
    """Jobs that come, need some pieces and some tokens, and are over or cancelled."""

    def __init__(self, plan) -> None:
        self.agenda = Agenda()
        self.left: dict[int, list[int]] = {}  # job: [pieces, tokens]
        self.rank: dict[int, Rank] = {}
        self.came: dict[int, int] = {}
        self.decisions = []
        self.idle = []  # decisions that found nothing although there was something
        for job, (rank, pieces, tokens, pause, cancelled) in enumerate(plan):
            self.left[job], self.rank[job] = [pieces, tokens], rank
            self.came[job] = len(self.decisions)
            self.agenda.add(job, rank)
            for _ in range(pause):
                self.decide()
            if cancelled and job in self.left:
                self.end(job)

    def end(self, job) -> None:
        self.agenda.remove(job)
        del self.left[job]

    def speaking(self):
        return [j for j, (p, _) in self.left.items() if p == 0 and self.rank[j] is ANSWER]

    def decide(self):
        before = self.speaking()
        waiting = set(self.left)
        decision = self.agenda.next()
        self.decisions.append((decision, before, waiting))
        match decision:
            case Prefill(job):
                self.left[job][0] -= 1
                if not self.left[job][0]:
                    ends = self.rank[job] in (JUDGEMENT, PREFIX)
                    self.end(job) if ends else self.agenda.decode(job)
            case Step(jobs):
                for job in jobs:
                    self.left[job][1] -= 1
                    if not self.left[job][1]:
                        self.end(job)
        return decision

    def finish(self, most):
        for _ in range(most):
            if self.left:
                self.decide()
        assert not self.left, f"{self.left} never came to an end"


lives = st.lists(
    st.tuples(
        st.sampled_from(list(Rank)),
        st.integers(1, 5),
        st.integers(1, 30),
        st.integers(0, 6),
        st.booleans(),
    ),
    max_size=12,
).map(Life)


def jobs_of(decision):
    return (decision.job,) if isinstance(decision, Prefill) else decision.jobs


@given(lives)
def test_work_is_never_put_off_and_all_of_it_ends(life) -> None:
    owed = sum(pieces + tokens for pieces, tokens in life.left.values())
    life.finish(owed)  # each decision does at least a piece of it
    assert life.decide() is None
    assert all(decision or not waiting for decision, _, waiting in life.decisions)


@given(lives)
def test_only_what_is_wanted_is_done(life) -> None:
    life.finish(1000)
    for decision, _, waiting in life.decisions:
        if decision is not None:
            assert set(jobs_of(decision)) <= waiting


@given(lives)
def test_two_prefills_in_a_row_keep_nobody_waiting_who_speaks(life) -> None:
    life.finish(1000)
    for (first, _, _), (second, speaking, _) in zip(
        life.decisions, life.decisions[1:], strict=False
    ):
        if isinstance(first, Prefill) and isinstance(second, Prefill):
            assert not speaking


@given(lives)
def test_everybody_who_speaks_is_in_every_step(life) -> None:
    life.finish(1000)
    for decision, speaking, _ in life.decisions:
        if isinstance(decision, Step) and any(life.rank[j] is ANSWER for j in decision.jobs):
            assert set(speaking) <= set(decision.jobs)


@given(lives)
def test_what_nobody_waits_for_goes_first_only_after_long_patience(life) -> None:
    life.finish(1000)
    passed = Counter()
    for decision, _, waiting in life.decisions:
        if decision is None:
            passed.clear()
            continue
        ranks = {life.rank[job] for job in jobs_of(decision)}
        for rank in (PREFIX, TRANSCRIPT):
            higher = {r for r in {life.rank[job] for job in waiting} if r < rank}
            if min(ranks) is rank and higher:
                assert passed[rank] >= PATIENCE
            waits = any(life.rank[job] is rank for job in waiting)
            passed[rank] = passed[rank] + 1 if waits and rank not in ranks else 0
            assert passed[rank] <= PATIENCE + 3, "and then at once"


@given(st.integers(2, 6), st.integers(1, 4))
def test_pieces_of_answers_go_round(calls, pieces) -> None:
    agenda = agenda_of(*((job, ANSWER) for job in range(calls)))
    done = Counter()
    for _ in range(calls * pieces):
        done[agenda.next().job] += 1
        assert max(done.values()) - min(done[job] for job in range(calls)) <= 1
