"""Engines behind a socket are the engines: same pieces, nothing stale, death survived."""

import asyncio
import errno
import logging
import os
import signal
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import numpy as np
import psutil
import pytest
import uvloop
from host_fakes import STYLE, ask, build, build_full, build_noted, build_once, build_wrong

from agent.engines import Exchange, Text, Word
from agent.errors import ConfigError, EngineError
from agent.host import process, wire
from agent.host.client import EngineHost
from agent.voices.tone import WORD_SAMPLES

FRAME = np.zeros(320, np.float32)


async def all_of(pieces):
    async with aclosing(pieces):
        return [piece async for piece in pieces]


async def text_of(pieces):
    return "".join(piece.text for piece in await all_of(pieces))


async def until(condition):
    """Real processes have no virtual time: ask until it holds, or fail after 30 s."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - another process cannot set an Event
            await asyncio.sleep(0.01)


def child():
    """The engines' process that was started last."""
    ours = [c for c in psutil.Process().children() if "agent.host.server" in c.cmdline()]
    return max(ours, key=lambda process: process.create_time())


@pytest.fixture(scope="module")
def shared():
    """One host and one loop for the tests that leave it alive. uvloop is what serves calls."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        host = EngineHost(build)
        runner.run(host.start())
        yield runner, host
        runner.run(host.close())


@pytest.fixture
def run(shared):
    """Run `scenario(host, call)` on them."""
    runner, host = shared

    def run(scenario):
        async def main():
            call = host.open_call()
            try:
                return await asyncio.wait_for(scenario(host, call), 60)
            finally:
                call.close()

        return runner.run(main())

    return run


def run_own(scenario, build=build, on_death=lambda: None, on_start=lambda ways: None):
    """Run `scenario(host, call)` on a host of its own, which it may kill."""

    async def main():
        host = EngineHost(build, on_death, on_start)
        await host.start()
        try:
            return await asyncio.wait_for(scenario(host, host.open_call()), 60)
        finally:
            await host.close()

    return asyncio.run(main())


# -- the host is transparent


def test_a_reply_comes_through_piece_by_piece(run):
    async def scenario(host, call):
        call.hear(FRAME)
        call.hear(FRAME)
        pieces = await all_of(call.reply(1, ask("say good day")))
        assert [getattr(piece, "text", "") for piece in pieces] == ["", "good", "day", ""]
        assert pieces[0].transcript == "640 samples"

    run(scenario)


def test_a_speech_comes_through_sample_by_sample_however_long(run):
    words = " ".join(str(n) for n in range(5 * wire.WINDOW))

    async def scenario(host, call):
        return await all_of(call.speak(1, words, STYLE))

    speeches = run(scenario)
    direct = list(build()[1].speak(words, STYLE))
    assert len(speeches) == len(direct) > wire.WINDOW
    for ours, theirs in zip(speeches, direct, strict=True):
        assert np.array_equal(ours.samples, theirs.samples)
        assert ours.words == theirs.words


def test_the_verbs_reach_the_listener_in_order(run):
    async def scenario(host, call):
        call.hear(FRAME)
        await all_of(call.reply(1, ask("say hello")))
        call.discard(1)
        call.hear(FRAME)
        await all_of(call.reply(2, ask("say hello")))
        call.keep(2)
        call.hear(FRAME)
        call.forget()
        told = await text_of(call.reply(3, ask("told")))
        assert told == "hear 320, discard with 0 open, hear 320, keep, hear 320, forget"

    run(scenario)


def test_what_to_expect_reaches_the_listener_before_what_it_hears(run):
    async def scenario(host, call):
        call.expect(replace(ask("told"), past=(Exchange("hello", "Hello.", 1),)))
        call.hear(FRAME)
        told = await text_of(call.reply(1, ask("told")))
        assert told == "expect after 1, hear 320"

    run(scenario)


def test_a_transcript_is_of_what_was_kept_before_it_was_asked_for(run):
    async def scenario(host, call):
        call.hear(FRAME)
        await all_of(call.reply(1, ask("say hello")))
        call.keep(1)
        transcript = call.transcribe()
        call.hear(FRAME)
        [heard] = await all_of(transcript)
        assert heard.transcript == "hear 320, keep"

    run(scenario)


def test_a_reply_is_asked_for_at_once_not_when_it_is_first_read(run):
    """What follows (keep, discard, more hearing) is about a reply that exists."""

    async def scenario(host, call):
        call.hear(FRAME)
        pieces = call.reply(1, ask("told"))
        call.hear(FRAME)
        call.keep(1)
        assert await text_of(pieces) == "hear 320"
        assert await text_of(call.reply(2, ask("told"))) == "hear 320, hear 320, keep"

    run(scenario)


def test_the_engines_errors_are_raised_by_the_iterator(run):
    async def scenario(host, call):
        with pytest.raises(EngineError, match="the brain cannot"):
            await all_of(call.reply(1, ask("fail")))
        with pytest.raises(EngineError, match="the voice cannot"):
            await all_of(call.speak(1, "fail", STYLE))
        with pytest.raises(EngineError, match="no voice 'alloy'"):
            await all_of(call.speak(1, "hello", type(STYLE)("alloy")))
        with pytest.raises(EngineError, match=r"^the engine failed$"):
            await all_of(call.reply(2, ask("bug")))
        assert len(await all_of(call.speak(1, "hello", STYLE))) == 1

    run(scenario)


def test_what_cannot_be_packed_ends_its_request_only_whichever_way_it_goes(run):
    async def scenario(host, call):
        for unsendable in ("surrogate", "say \ud800"):
            with pytest.raises(EngineError, match=r"^the engine failed$"):
                await all_of(call.reply(1, ask(unsendable)))
            assert await answers(call)

    run(scenario)


def test_what_goes_wrong_in_hearing_is_raised_by_the_next_reply(run):
    async def scenario(host, call):
        call.hear(np.zeros(13, np.float32))
        with pytest.raises(EngineError, match="unlucky"):
            await all_of(call.reply(1, ask("say hello")))

    run(scenario)


def test_a_brain_that_takes_no_more_calls_is_an_error_of_each_reply():
    async def scenario(host, call):
        for turn in (1, 2):
            with pytest.raises(EngineError, match="no more calls"):
                await all_of(call.reply(turn, ask("say hello")))
        assert len(await all_of(call.speak(3, "sorry", STYLE))) == 1

    run_own(scenario, build_full)


# -- cancelling


def test_nothing_is_made_far_ahead_of_who_reads(run):
    """An endless speech whose reader stops: the engine stops, too, and others go on."""

    async def scenario(host, call):
        async with aclosing(call.speak(1, "forever", STYLE)) as speeches:
            await anext(speeches)
            assert len(await all_of(call.speak(1, "hello", STYLE))) == 1

    run(scenario)


def open_replies(call):
    async def none():
        return await text_of(call.reply(99, ask("open"))) == "0"

    return none


def test_closing_an_iterator_stops_the_work_behind_it(run):
    async def scenario(host, call):
        pieces = call.reply(1, ask("forever"))
        for _ in range(3 * wire.WINDOW):
            await anext(pieces)
        await pieces.aclose()
        await until(open_replies(call))
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)

    run(scenario)


def test_cancelling_the_task_that_reads_stops_the_work_behind_it(run):
    async def scenario(host, call):
        reading = asyncio.Event()

        async def read():
            async for _ in call.reply(1, ask("compute 0.2")):
                pass

        async def read_on():
            reading.set()
            await read()

        task = asyncio.create_task(read_on())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(open_replies(call))

    run(scenario)


def test_discarding_stops_a_reply_that_nobody_reads_and_one_that_somebody_does(run):
    async def scenario(host, call):
        unread = call.reply(1, ask("forever"))
        call.discard(1)
        assert await all_of(unread) == []
        reader = asyncio.create_task(all_of(call.reply(2, ask("compute 0.2"))))
        await asyncio.sleep(0)  # it waits for its first piece now
        call.discard(2)
        assert await reader == []
        assert await text_of(call.reply(3, ask("open"))) == "0"

    run(scenario)


def test_an_iterator_that_is_dropped_unread_stops_the_work_behind_it(run):
    async def scenario(host, call):
        call.reply(1, ask("forever"))
        await until(open_replies(call))

    run(scenario)


def test_nothing_of_an_old_turn_ever_appears_in_a_later_iterator(run):
    async def scenario(host, call):
        for turn in range(1, 60):
            old = call.reply(turn, ask("forever"))
            for _ in range(turn % (2 * wire.WINDOW)):
                assert await anext(old) == Text("on and on")
            await old.aclose()
            call.discard(turn)
            pieces = await all_of(call.reply(turn, ask(f"say {turn}")))
            assert pieces[1] == Text(str(turn))
            assert len(pieces) == 3

    run(scenario)


def test_after_close_nothing_is_sent_and_an_iterator_says_why(run):
    async def scenario(host, call):
        reading = call.reply(1, ask("forever"))
        for _ in range(wire.WINDOW - 1):
            await anext(reading)
        waiting = asyncio.create_task(all_of(call.speak(1, "nothing " * 99, STYLE)))
        await asyncio.sleep(0)
        call.close()
        call.close()
        with pytest.raises(EngineError, match="the call is over"):
            await waiting
        await reading.aclose()
        call.hear(FRAME)
        call.keep(1)
        call.discard(1)
        call.forget()
        for pieces in (call.reply(1, ask("say hello")), call.speak(1, "hello", STYLE)):
            with pytest.raises(EngineError, match="the call is over"):
                await all_of(pieces)

    run(scenario)


# -- many calls


def test_a_slow_call_does_not_delay_another(run):
    async def scenario(host, call):
        other = host.open_call()
        slow = asyncio.create_task(all_of(call.reply(1, ask("compute 60"))))
        for turn in range(20):
            assert len(await all_of(other.reply(turn, ask("say hello")))) == 3
        assert not slow.done()
        await all_of(other.reply(20, ask("enough")))
        other.close()
        await slow

    run(scenario)


@pytest.mark.slow
def test_two_hundred_calls_leave_no_thread_no_file_and_no_task(run):
    async def scenario(host, call):
        async def one(turn):
            other = host.open_call()
            other.hear(FRAME)
            assert len(await all_of(other.reply(turn, ask("say hello")))) == 3
            abandoned = other.speak(turn, "forever", STYLE)
            await anext(abandoned)
            other.close()

        await one(0)
        await until(partial(threads_are, call, 5))  # main, reader, mind, mouth and pen
        files, ours = child().num_fds(), psutil.Process().num_fds()
        tasks = len(asyncio.all_tasks())
        for turn in range(200):
            await one(turn)
        await until(partial(threads_are, call, 5))
        assert child().num_fds() == files
        assert psutil.Process().num_fds() == ours
        assert len(asyncio.all_tasks()) == tasks

    run(scenario)


async def threads_are(call, count):
    return await text_of(call.reply(99, ask("threads"))) == str(count)


# -- death and rebirth


async def answers(call):
    """Whether there are engines again."""
    try:
        return bool(await all_of(call.reply(98, ask("say hello"))))
    except EngineError:
        return False


@pytest.mark.slow
def test_a_killed_process_fails_whoever_waits_and_the_calls_live_on():
    async def scenario(host, call):
        loop = asyncio.get_running_loop()
        other = host.open_call()
        waiting = asyncio.create_task(all_of(other.reply(1, ask("compute 60"))))
        reply = call.reply(1, ask("forever"))
        await anext(reply)
        child().send_signal(signal.SIGKILL)
        killed = loop.time()
        with pytest.raises(EngineError, match="the engines died"):
            await all_of(reply)
        with pytest.raises(EngineError, match="the engines died"):
            await waiting
        assert loop.time() - killed < 2  # some ms when nothing else runs
        with pytest.raises(EngineError, match=r"^the engines are being started again$"):
            await all_of(call.speak(2, "hello", STYLE))
        newcomer = host.open_call()
        for each in (call, other, newcomer):
            await until(partial(answers, each))
            assert len(await all_of(each.speak(3, "hello", STYLE))) == 1

    run_own(scenario)


def test_a_transcript_of_engines_that_are_gone_is_empty_and_no_second_warning():
    """Killed: two warnings a turn of a process that is dead, besides the error that says so."""

    async def scenario(host, call):
        call.hear(FRAME)
        call.keep(1)
        child().send_signal(signal.SIGSTOP)  # it hears no more
        asked = call.transcribe()
        child().kill()
        assert await all_of(asked) == []
        assert not host.ready
        assert await all_of(call.transcribe()) == []

    run_own(scenario)


def test_who_asks_knows_that_the_engines_are_gone_and_back():
    deaths = []

    async def scenario(host, call):
        async def is_ready():
            return host.ready

        async def is_gone():
            return not host.ready

        assert await is_ready()
        child().kill()
        await until(is_gone)
        assert deaths == [None]
        await until(is_ready)
        await until(partial(answers, call))

    run_own(scenario, on_death=lambda: deaths.append(None))
    assert deaths == [None]


def test_how_the_models_run_is_told_at_each_start():
    told = []

    async def scenario(host, call):
        async def is_told_again():
            return len(told) == 2

        assert told == [(("the step", "by hand"),)]
        child().kill()
        await until(is_told_again)

    run_own(scenario, build=build_noted, on_start=told.append)
    assert told[0] == told[1]


def test_an_engine_that_dies_of_a_reply_has_said_what_it_said():
    async def scenario(host, call):
        pieces = call.reply(1, ask("die"))
        assert await anext(pieces) == Text("goodbye")
        with pytest.raises(EngineError, match="died"):
            await anext(pieces)
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)

    run_own(scenario)


@pytest.mark.slow
def test_the_utterance_under_way_is_retold_after_a_death():
    async def scenario(host, call):
        call.hear(FRAME)
        call.keep(0)  # answered: not retold
        call.hear(FRAME)
        call.hear(FRAME)
        child().kill()
        with pytest.raises(EngineError):
            await all_of(call.reply(1, ask("forever")))
        call.hear(FRAME)  # while there are no engines
        await until(partial(answers, call))
        assert (await text_of(call.reply(2, ask("told")))).startswith("hear 960")
        call.keep(7)  # a reply that failed before: the utterance is over all the same
        assert (await text_of(call.reply(3, ask("told")))).endswith("forget")

    run_own(scenario)


@pytest.mark.slow
def test_it_is_tried_again_until_it_works_and_the_log_says_why_not(tmp_path, caplog):
    """One death, however often it is tried: killed, one more with each attempt that failed."""
    marker, deaths = tmp_path / "built", []

    async def scenario(host, call):
        child().kill()

        async def failed():
            return "cannot be started: not again; " in caplog.text

        await until(failed)
        marker.unlink()
        await until(partial(answers, call))

    with caplog.at_level(logging.ERROR):
        run_own(scenario, partial(build_once, marker), lambda: deaths.append(None))
    assert deaths == [None]
    assert [record.message for record in caplog.records][:2] == [
        "the engines died: it was killed, perhaps by the system for lack of memory; they are "
        "being started again in 0.2 s",
        "the engines cannot be started: not again; they are being started again in 0.4 s",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), KeyError(1)])
def test_whatever_keeps_a_process_from_starting_is_survived(monkeypatch, caplog, error):
    stock, tries = process.spawn, []

    def spawn(module, theirs):
        tries.append(theirs)
        if len(tries) == 1:
            raise error
        return stock(module, theirs)

    async def scenario(host, call):
        monkeypatch.setattr(process, "spawn", spawn)
        child().kill()
        await until(partial(answers, call))

    with caplog.at_level(logging.ERROR):
        run_own(scenario)
    assert len(tries) == 2
    assert "the engines cannot be started" in caplog.text


# -- start and end


def test_a_host_knows_its_voices_once_started(shared):
    _, host = shared
    assert (host.voices, host.calls) == (("tone",), 3)


@pytest.mark.parametrize(("kind", "error"), [("config", ConfigError), ("engine", EngineError)])
def test_engines_that_cannot_be_built_stop_the_start(kind, error):
    async def main():
        host = EngineHost(partial(build_wrong, kind))
        with pytest.raises(error):
            await host.start()
        await host.close()

    asyncio.run(main())


def test_closing_ends_the_process_and_fails_whoever_waits():
    async def main():
        host = EngineHost(build)
        await host.start()
        call = host.open_call()
        waiting = asyncio.create_task(all_of(call.reply(1, ask("compute 60"))))
        await asyncio.sleep(0)
        pid = child().pid
        await host.close()
        await host.close()
        with pytest.raises(EngineError, match="shut down"):
            await waiting
        with pytest.raises(EngineError):
            await all_of(call.reply(2, ask("say hello")))
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(main())


def test_words_keep_their_times(run):
    async def scenario(host, call):
        return await all_of(call.speak(1, "one two", STYLE))

    words = [word for speech in run(scenario) for word in speech.words]
    assert words == [Word("one", 0), Word("two", WORD_SAMPLES)]
