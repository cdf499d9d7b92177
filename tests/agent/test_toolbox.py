"""The operator's functions: found at start, run off the loop, never the end of a call."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import pytest

from agent.errors import ConfigError
from agent.toolbox import Toolbox, load_toolbox

ROOT = Path(__file__).parents[2]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def where() -> str:
    """Name the thread."""
    return threading.current_thread().name


async def where_async() -> list[int]:
    """Name thread and loop."""
    await asyncio.sleep(0)
    return [threading.get_ident(), id(asyncio.get_running_loop())]


def breaks() -> None:
    """Break."""
    raise KeyError("the key that is secret to nobody")


async def breaks_async() -> None:
    """Break."""
    raise OSError("unplugged")


def refuses(city: str) -> None:
    """Refuse."""
    raise ValueError(f"there is no city {city}")


def returns_nonsense() -> object:
    """Return what is no JSON."""
    return object()


class Gate:
    """A function that runs until it is let go."""

    def __init__(self) -> None:
        self.opened, self.passed = threading.Event(), threading.Event()

        def wait() -> str:
            """Wait."""
            self.opened.wait()
            self.passed.set()
            return "through"

        self.wait = wait


def run(function, arguments="{}", limit_s=10.0):
    async def main():
        box = Toolbox([function], limit_s)
        try:
            return await box.run(function.__name__, arguments)
        finally:
            box.close()

    return asyncio.run(main())


def test_a_result_is_json() -> None:
    assert run(add, '{"a": 1, "b": 2}') == "3"


def test_a_plain_function_runs_in_a_thread_of_its_own() -> None:
    assert run(where) == "where"


def test_async_functions_share_a_loop_that_is_not_the_calls() -> None:
    async def main():
        box = Toolbox([where_async])
        first, second = [json.loads(await box.run("where_async", "")) for _ in range(2)]
        assert first == second
        assert first != [threading.get_ident(), id(asyncio.get_running_loop())]
        box.close()

    asyncio.run(main())


def test_the_loop_goes_on_while_a_function_blocks() -> None:
    async def main():
        gate = Gate()
        box = Toolbox([gate.wait])
        result = asyncio.create_task(box.run("wait", ""))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not result.done()
        gate.opened.set()
        assert await result == "through"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        (add, '{"a": 1}', "b: Missing required argument"),
        (add, "{", "Expecting property name"),
        (refuses, '{"city": "Atlantis"}', "there is no city Atlantis"),
        (breaks, "", "breaks failed: KeyError: 'the key that is secret to nobody'"),
        (breaks_async, "", "breaks_async failed: OSError: unplugged"),
        (returns_nonsense, "", "the result is no JSON"),
    ],
)
def test_whatever_goes_wrong_is_a_result(function, arguments, reason) -> None:
    assert json.loads(run(function, arguments))["error"].startswith(reason)


def test_a_bug_in_a_function_is_logged_whole_and_a_refusal_is_not(caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(breaks)
        assert "KeyError" in caplog.records[-1].exc_text
        run(refuses, '{"city": "Atlantis"}')
    assert "Atlantis" not in caplog.records[-1].getMessage()


def test_a_function_that_takes_too_long_has_no_result_and_is_left_behind() -> None:
    gate = Gate()
    assert json.loads(run(gate.wait, limit_s=0.05)) == {"error": "wait took longer than 0.05 s"}
    gate.opened.set()
    assert gate.passed.wait(10)


def test_an_async_function_that_takes_too_long_is_stopped() -> None:
    ended = threading.Event()

    async def forever() -> None:
        """Wait."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async def main():
        box = Toolbox([forever], 0.05)
        assert "longer" in await box.run("forever", "")
        assert await asyncio.to_thread(ended.wait, 10)
        box.close()

    asyncio.run(main())


def test_an_async_function_that_ends_cancelled_has_a_result() -> None:
    """It waited for a task that was. Killed: a caller who heard one filler and never more."""

    async def cancelled() -> None:
        """Wait."""
        raise asyncio.CancelledError

    assert json.loads(run(cancelled))["error"].startswith("cancelled failed: CancelledError")


def test_functions_that_hang_are_so_many_at_most() -> None:
    gate = Gate()

    async def main():
        box = Toolbox([gate.wait], 0.05)
        outputs = await asyncio.gather(*(box.run("wait", "") for _ in range(40)))
        assert sum("longer" in output for output in outputs) == 32
        assert sum("too many" in output for output in outputs) == 8
        gate.opened.set()
        deadline = time.monotonic() + 10
        while (output := await box.run("wait", "")) != "through":
            assert "too many" in output
            assert time.monotonic() < deadline

    asyncio.run(main())


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A module of the operator's."""
    monkeypatch.syspath_prepend(tmp_path)
    text = '''
        from datetime import date

        def price(item: str, day: date | None = None) -> float:
            """What an item costs.

            Args:
                item: as the caller names it
            """
            return 4.2

        def _hidden() -> None: ...

        LIST = [1]
    '''
    (tmp_path / "shop.py").write_text(dedent(text))
    (tmp_path / "closed.py").write_text("1 / 0")
    (tmp_path / "other.py").write_text("from shop import price")
    yield
    for name in ("shop", "closed", "other"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("shop")
class TestLoading:
    def test_functions_are_found_and_described(self):
        box = load_toolbox(["shop:price"], 10)
        (tool,) = box.tools
        assert (tool.name, tool.description) == ("price", "What an item costs.")
        assert json.loads(tool.parameters)["properties"]["item"]["description"] == (
            "as the caller names it"
        )
        arguments = '{"item": "tea", "day": "2026-01-02"}'
        assert asyncio.run(box.run("price", arguments)) == "4.2"

    @pytest.mark.parametrize(
        ("paths", "reason"),
        [
            (
                ["shop:price()"],
                r"agent\.tools: 'shop:price\(\)': write it as package.module:function",
            ),
            (["closed:price"], r"closed cannot be imported \(ZeroDivisionError"),
            (["shop:LIST"], "shop has no function LIST; it has price"),
            (["shop:_hidden"], "shop:_hidden cannot be a tool: it needs a docstring"),
            (["shop:price", "other:price"], "there is another function price"),
        ],
    )
    def test_what_cannot_be_stops_the_start_and_says_why(self, paths, reason):
        with pytest.raises(ConfigError, match=reason):
            load_toolbox(paths, 10)

    def test_they_may_stand_in_the_folder_voxline_is_started_in(self, tmp_path):
        """A console script has its own folder on Python's path, not that one."""
        program = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
            "from agent.toolbox import load_toolbox\n"
            "print(load_toolbox(['shop:price'], 10).tools[0].name)"
        )
        ran = subprocess.run(
            [sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True
        )
        assert (ran.stdout, ran.stderr) == ("price\n", "")

    def test_no_functions_are_no_tools(self):
        assert load_toolbox([], 10).tools == ()
