"""What is asked of the agent for a scenario."""

from benchmarks.dialogue.scenario import Agent, Answer, Expectation, Scenario
from benchmarks.dialogue.sound import render
from benchmarks.dialogue.world import Part, written


def test_an_answer_is_written_as_the_scripted_engine_reads_it() -> None:
    assert written(Answer(text="All right.")) == "All right."
    assert written(Answer(counts_to=3, thinks_ms=250)) == "[250 ms] one two three"


def test_a_number_is_one_word_so_that_it_is_one_tone() -> None:
    numbers = written(Answer(counts_to=100)).split()
    assert len(numbers) == len(set(numbers)) == 100
    assert [numbers[n - 1] for n in (1, 11, 19, 20, 21, 30, 99, 100)] == (
        "one eleven nineteen twenty twenty-one thirty ninety-nine hundred".split()
    )


def test_the_session_brings_the_answers_in_order() -> None:
    agent = Agent(answers=(Answer(text="Yes."), Answer(counts_to=2)))
    scenario = Scenario("a test", (Expectation(cut=0),), agent=agent)
    session = Part("one", scenario, render(scenario)).session
    assert session == {"instructions": "say: Yes.\nsay: one two"}
