"""Protocols hold no behaviour: what can go wrong is that the two sides drift apart."""

import inspect

import pytest
from fake_calls import FakeCalls

from agent.call import Client as CallsClient
from agent.switchboard import Switchboard
from signaling.ports import Calls, Client
from signaling.realtime import RealtimeClient


def members(protocol):
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize("implementation", [Switchboard, FakeCalls])
def test_calls_have_every_member(implementation):
    built_in_init = {"capacity"} if implementation is FakeCalls else set()
    assert members(Calls) <= set(dir(implementation)) | built_in_init


def test_both_sides_mean_the_same_client():
    assert members(Client) == members(CallsClient)
    assert members(Client) - {"settings"} <= set(dir(RealtimeClient))


def test_a_call_is_answered_with_what_the_server_hands_over():
    for implementation in (Switchboard, FakeCalls):
        parameters = list(inspect.signature(implementation.answer).parameters)
        assert parameters == ["self", "call_id", "offer_sdp", "client"]
