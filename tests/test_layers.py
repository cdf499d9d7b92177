"""Imports point one way. Change this table only together with ARCHITECTURE.md."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

VALUES = [
    *("agent.errors", "agent.events", "agent.commands", "agent.notices", "agent.requests"),
    *("agent.config", "agent.audio"),
    *("agent.abbreviations", "agent.engines", "agent.language"),
]
NUMPY = ["numpy"]

# What each module may import besides the standard library and its own row.
# The longest matching row rules; a module without a row is an error.
MAY_IMPORT = {
    # values: that calls, models and sockets exist is not known here
    "agent.errors": [],
    "agent.events": [],
    "agent.commands": ["agent.events"],
    "agent.notices": ["agent.events"],
    "agent.state": [],
    "agent.requests": [],
    "agent.language": [],
    "agent.abbreviations": [],
    "agent.call_id": [],
    "agent.config": [],
    "agent.audio": [*NUMPY],
    "agent.engines": ["agent.audio"],
    # pure: no clock, no I/O, no threads
    "agent.config_file": [*VALUES, "yaml"],
    "agent.turns": [
        *VALUES,
        "agent.floor",
        "agent.state",
        "agent.timing",
        "agent.transitions",
        "agent.turn_rules",
        "agent.wait",
    ],
    "agent.floor": [*VALUES, "agent.state", "agent.turn_rules"],
    "agent.timing": [*VALUES, "agent.floor", "agent.state", "agent.wait"],
    "agent.transitions": [*VALUES, "agent.floor", "agent.state", "agent.wait"],
    "agent.turn_rules": [],
    "agent.wait": [],
    "agent.backchannel": ["agent.language"],
    "agent.settings": [*VALUES, "agent.endpoint.release", "agent.turn_rules"],
    "agent.phrases": ["agent.abbreviations"],
    "agent.ledger": VALUES,
    "agent.spoken": [*VALUES, "agent.ledger"],
    "agent.memory": VALUES,
    "agent.tool_schema": [*VALUES, "pydantic", "pydantic_core"],
    "agent.metrics": [*VALUES, "prometheus_client"],
    "agent.ear": [
        *VALUES,
        "agent.vad.gate",
        "agent.vad.onset",
        "agent.echo.guard",
        "agent.endpoint",
    ],
    "agent.vad.gate": VALUES,
    "agent.vad.onset": NUMPY,
    "agent.echo": [*VALUES, *NUMPY],
    "agent.perceptron": ["agent.audio", *NUMPY],
    "agent.endpoint": [*VALUES, *NUMPY, "agent.perceptron"],
    "agent.media.jitter": VALUES,
    "agent.media.reel": [*VALUES, *NUMPY],
    "agent.media.gain": [*VALUES, *NUMPY],
    "signaling.codes": [],
    "signaling.sdp": ["agent.errors", "signaling.codes"],
    "signaling.limits": [],
    "signaling.origins": [],
    # what the heavy models share: torch, and nothing of any model
    "agent.accelerator": ["agent.config", "agent.errors", "torch"],
    "agent.accelerator.taken": [],
    # models: each knows its own library, none knows calls or another model
    "agent.onnx": ["onnxruntime"],
    "agent.vad.silero": [*VALUES, *NUMPY, "agent.onnx", "onnxruntime"],
    "agent.brains.operator": [*VALUES, *NUMPY, "agent.backchannel", "pocketsphinx"],
    "agent.brains.voxtral": [
        *VALUES,
        *NUMPY,
        "agent.accelerator",
        "agent.brains.languages",
        *("torch", "transformers", "mistral_common", "huggingface_hub", "torchao", "tqdm"),
        "triton",
    ],
    "agent.brains.languages": VALUES,
    "agent.brains.scripted": VALUES,
    "agent.brains.voxtral.agenda": [],
    "agent.brains.voxtral.span": VALUES,
    "agent.brains.voxtral.filling": [*VALUES, "agent.brains.voxtral.span"],
    "agent.brains.voxtral.scheduler": [
        *VALUES,
        "agent.accelerator.lost",
        "agent.brains.voxtral",
    ],
    "agent.brains.openai_chat": [*VALUES, *NUMPY, "agent.brains.languages"],
    "agent.voices.espeak": [
        *VALUES,
        *NUMPY,
        "soxr",
        "agent.voices.espeak_library",
        "agent.voices.pause",
        "agent.voices.speakable",
    ],
    "agent.voices.pause": ["agent.audio"],
    "agent.voices.espeak_library": [*VALUES, *NUMPY, "espeakng_loader"],
    "agent.voices.tone": [*VALUES, *NUMPY],
    "agent.voices.kokoro": [
        *VALUES,
        *NUMPY,
        "agent.accelerator",
        "agent.voices.pause",
        "agent.voices.speakable",
        *("torch", "kokoro", "misaki", "spacy", "num2words", "huggingface_hub"),
    ],
    "agent.smart_turn.mel": [*VALUES, *NUMPY],
    "agent.smart_turn.outputs": [],
    "agent.smart_turn.weights": ["agent.perceptron", *NUMPY],
    "agent.smart_turn.model": [
        *VALUES,
        *NUMPY,
        "agent.smart_turn.mel",
        "agent.smart_turn.outputs",
        "agent.smart_turn.weights",
        "agent.onnx",
    ],
    "agent.smart_turn.__main__": ["agent.smart_turn.worker"],
    "agent.smart_turn.sound": [*VALUES, *NUMPY, "agent.smart_turn.mel"],
    "agent.smart_turn.worker": [
        *VALUES,
        *NUMPY,
        "agent.smart_turn.mel",
        "agent.smart_turn.model",
    ],
    # shell: asyncio and sockets; which model runs is not known here
    "agent.media": [*VALUES, *NUMPY, "aiortc", "aioice", "av", "pyee", "pylibsrtp"],
    "agent.host": [*VALUES, *NUMPY, "agent.accelerator.taken", "msgpack"],
    "agent.smart_turn": [
        *VALUES,
        "agent.host.backoff",
        "agent.host.child",
        "agent.smart_turn",
    ],
    "agent.smart_turn.opinion": [
        *VALUES,
        "agent.ear",
        "agent.endpoint.odds",
        "agent.metrics",
        "agent.smart_turn.sound",
    ],
    "agent.canned": VALUES,
    "agent.reply": [
        *VALUES,
        "agent.canned",
        "agent.ledger",
        "agent.metrics",
        "agent.phrases",
        "agent.spoken",
    ],
    "agent.caller": [
        *VALUES,
        "agent.ear",
        "agent.memory",
        "agent.smart_turn.opinion",
        "agent.state",
        "agent.vad.gate",
    ],
    "agent.toolbox": [*VALUES, "agent.named", "agent.tool_schema"],
    "agent.errands": [*VALUES, "agent.memory", "agent.tool_schema"],
    "agent.shared": [
        *VALUES,
        "agent.canned",
        "agent.errands",
        "agent.in_turn",
        "agent.metrics",
        "agent.smart_turn.opinion",
    ],
    "agent.replies": [
        *VALUES,
        "agent.backchannel",
        "agent.errands",
        "agent.memory",
        "agent.metrics",
        "agent.reply",
        "agent.shared",
        "agent.spoken",
    ],
    "agent.call": [
        *VALUES,
        "agent.caller",
        "agent.ear",
        "agent.echo.guard",
        "agent.errands",
        "agent.memory",
        "agent.replies",
        "agent.settings",
        "agent.shared",
        "agent.smart_turn.opinion",
        "agent.turns",
    ],
    # records of calls: what they hold is values, what flies them again is composition
    "agent.flight.entries": VALUES,
    "agent.flight.compare": [*VALUES, "agent.flight.entries"],
    "agent.flight.script": [*VALUES, "agent.flight.entries"],
    "agent.flight.packing": [*VALUES, *NUMPY, "agent.flight.entries", "msgpack", "pydantic"],
    "agent.flight.header": [*VALUES, "agent.config_file", "agent.flight.packing"],
    "agent.flight.record": [
        *VALUES,
        "agent.flight.entries",
        "agent.flight.header",
        "agent.flight.packing",
    ],
    "agent.flight.recorder": [
        *VALUES,
        "agent.call",
        "agent.canned",
        "agent.errands",
        "agent.flight.entries",
        "agent.media.jitter",
        "agent.media.playout",
        "agent.shared",
    ],
    "agent.flight.writer": [
        *VALUES,
        "agent.flight.entries",
        "agent.flight.header",
        "agent.flight.packing",
    ],
    "agent.flight.store": [
        *VALUES,
        "agent.flight.header",
        "agent.flight.recorder",
        "agent.flight.writer",
    ],
    "agent.flight.loop": [
        *VALUES,
        "agent.flight.entries",
        "agent.flight.script",
        "agent.virtual_time",
    ],
    "agent.flight.paced": [*VALUES, "agent.media.playout", "agent.media.receiver", "av"],
    "agent.flight.played": [*VALUES, "agent.flight.entries"],
    "agent.flight.replay": ["agent", "aiortc", "numpy"],
    "agent.lag": ["uvloop"],
    "agent.in_turn": [],
    "agent.virtual_time": [],
    # which engine: asks the machine, and imports no model before it is built
    "agent.machine": [],
    "agent.weights": [],
    "agent.named": ["agent.errors"],
    "agent.own_engine": [*VALUES, "agent.named"],
    "agent.capable": [*VALUES, "agent.brains.openai_chat", "agent.machine", "agent.weights"],
    "agent.choose": [
        *VALUES,
        "agent.brains",
        "agent.capable",
        "agent.machine",
        "agent.own_engine",
        "agent.voices",
    ],
    # signaling: HTTP and JSON; is given what it needs of the agent
    "signaling": [
        *("agent.call_id", "agent.config", "agent.errors", "agent.language"),
        *("agent.events", "agent.notices", "agent.requests"),
        "aiohttp",
    ],
    # composition: the only rooms that know everybody
    "agent.switchboard": ["agent", "numpy"],
    "agent.serve": ["agent", "signaling", "aiohttp"],
    "agent.doctor": ["agent", "signaling", "aioice", "aiortc", "packaging"],
    "agent.__main__": ["agent", "signaling", "benchmarks"],
}

PURE = [
    *VALUES,
    *("agent.turns", "agent.floor", "agent.timing", "agent.transitions", "agent.wait"),
    *("agent.backchannel", "agent.call_id", "agent.host.backoff"),
    *("agent.phrases", "agent.ledger", "agent.memory", "agent.metrics"),
    *("agent.config_file", "agent.settings", "agent.tool_schema"),
    *(
        "agent.ear",
        "agent.vad.gate",
        "agent.vad.onset",
        "agent.echo",
        "agent.endpoint",
        "agent.media.jitter",
        "agent.media.reel",
    ),
    *("agent.flight.entries", "agent.flight.compare", "agent.flight.script"),
    *("agent.flight.packing", "agent.flight.header"),
    *("agent.media.gain", "signaling.sdp", "signaling.sessions", "signaling.realtime"),
    *("signaling.codes", "signaling.fields", "signaling.conversation", "signaling.body"),
    *("signaling.items", "signaling.tools", "signaling.responses", "signaling.refusals"),
    *("agent.spoken", "agent.smart_turn.opinion", "agent.smart_turn.sound"),
    *("agent.smart_turn.mel", "agent.smart_turn.outputs", "agent.smart_turn.weights"),
    "agent.perceptron",
    *("signaling.limits", "signaling.origins"),
    *("agent.brains.voxtral.agenda", "agent.brains.voxtral.span"),
    *("agent.brains.voxtral.said", "agent.brains.voxtral.speech"),
    *("agent.brains.voxtral.recollection", "agent.brains.voxtral.excerpt"),
    "agent.brains.languages",
]
IMPURE = {"asyncio", "logging", "os", "random", "socket", "threading", "time"}
MODELS = [
    *("agent.brains", "agent.voices", "agent.vad.silero", "agent.onnx"),
    *("agent.smart_turn.model", "agent.smart_turn.worker"),
]
PRIVATE_TO = "agent.media.upstream"


def modules():
    for folder in ("agent", "signaling"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports out in full"
            if node.module in ("agent", "signaling"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def under(name, prefixes):
    return any(name == p or name.startswith(f"{p}.") for p in prefixes)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=[m for m, _ in modules()])
def test_imports_point_one_way(module, path) -> None:
    rows = [row for row in MAY_IMPORT if under(module, [row])]
    found = [n for n in imports_of(path) if n.split(".")[0] not in sys.stdlib_module_names]
    assert rows or not found, f"{module} has no row"
    row = max(rows, key=len, default=module)
    for name in found:
        assert under(name, [row, *MAY_IMPORT[row]]), f"{module} imports {name}"


def test_the_core_reads_no_clock_and_awaits_nothing() -> None:
    for module, path in modules():
        if under(module, PURE):
            assert not IMPURE & {name.split(".")[0] for name in imports_of(path)}, module


def test_models_do_not_know_the_event_loop() -> None:
    for module, path in modules():
        if under(module, MODELS):
            assert not {"asyncio", "aiortc"} & set(imports_of(path)), module


def test_every_row_is_in_use() -> None:
    names = [module for module, _ in modules()]
    for row in MAY_IMPORT:
        assert any(under(name, [row]) for name in names), f"{row} rules nothing"


def test_private_names_of_aiortc_are_used_in_one_package() -> None:
    for module, path in modules():
        if under(module, [PRIVATE_TO]):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                mangled = node.attr.startswith("_RTC") or node.attr.startswith("_Connection")
                assert not mangled, f"{module}:{node.lineno} uses {node.attr}"
