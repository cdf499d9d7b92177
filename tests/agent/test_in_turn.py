"""A piece of work a pass, in the order in which they came."""

import asyncio

from agent.in_turn import InTurn
from agent.virtual_time import run


class Passes:
    """Which pass of the loop it is, from now on until the loop is left."""

    def __init__(self) -> None:
        self.number = 0
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._count)

    def _count(self) -> None:
        self.number += 1
        if self.number < 20:
            self._loop.call_soon(self._count)


def test_each_piece_has_a_pass_of_its_own_and_one_without_work_has_none() -> None:
    async def main():
        passes, in_turn, done = Passes(), InTurn(), []

        def piece(name, works=True):
            def work():
                done.append((name, passes.number))
                return works

            return work

        in_turn.do(piece("a"), piece("b"))
        in_turn.do(piece("nothing", works=False), piece("c"))
        while passes.number < 20:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert done == [("a", 1), ("b", 2), ("nothing", 3), ("c", 3)]

    run(main())


def test_what_comes_meanwhile_comes_after() -> None:
    async def main():
        in_turn, done = InTurn(), []

        def last():
            done.append("last")
            return True

        def first():
            in_turn.do(last)
            done.append("first")
            return True

        def second():
            done.append("second")
            return True

        in_turn.do(first, second)
        while len(done) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert done == ["first", "second", "last"]

    run(main())


def test_a_piece_that_raises_takes_no_other_with_it() -> None:
    """Killed: a queue that never runs again, which would deafen every call."""

    async def main():
        in_turn, done, told = InTurn(), [], []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))

        def fails():
            raise ValueError("no")

        def works():
            done.append(True)
            return True

        in_turn.do(fails, works)
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == [True]
        assert len(told) == 1

    run(main())
