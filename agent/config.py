"""config.yaml as frozen values; the file itself is read and checked by agent.config_file.

Bounds stand beside each field as `Annotated[type, Between(low, high)]`, `OneOf(...)` or
`OneOfOrClass(...)`.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any


@dataclass(frozen=True, slots=True)
class Between:
    low: float
    high: float

    def __str__(self) -> str:
        return f"between {self.low:g} and {self.high:g}"

    def holds(self, value: Any) -> bool:
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    choices: tuple[str, ...]

    def __init__(self, *choices: str) -> None:
        object.__setattr__(self, "choices", choices)

    def __str__(self) -> str:
        return "one of " + ", ".join(self.choices)

    def holds(self, value: Any) -> bool:
        return value in self.choices


@dataclass(frozen=True, slots=True, init=False)
class OneOfOrClass:
    """A name of ours, or somebody's own class as `package.module:Class`."""

    choices: tuple[str, ...]

    def __init__(self, *choices: str) -> None:
        object.__setattr__(self, "choices", choices)

    def __str__(self) -> str:
        return f"one of {', '.join(self.choices)}, or your own package.module:Class"

    def holds(self, value: Any) -> bool:
        return value in self.choices or bool(re.fullmatch(r"\w+(\.\w+)*:\w+", value))


@dataclass(frozen=True, slots=True)
class Server:
    host: str = "127.0.0.1"
    port: Annotated[int, Between(0, 65535)] = 8080
    cors_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    calls: Annotated[int, Between(1, 1000)] = 8
    call_s: Annotated[int, Between(1, 86_400)] = 1800
    connect_s: Annotated[int, Between(1, 60)] = 10
    idle_s: Annotated[int, Between(10, 86_400)] = 300
    engine_s: Annotated[float, Between(1, 300)] = 10.0
    lost_s: Annotated[float, Between(0.5, 60)] = 5.0


@dataclass(frozen=True, slots=True)
class Ice:
    addresses: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receive:
    reorder_wait_ms: Annotated[int, Between(0, 100)] = 20
    conceal_ms: Annotated[int, Between(0, 500)] = 100
    stall_ms: Annotated[int, Between(40, 2000)] = 200


@dataclass(frozen=True, slots=True)
class Send:
    bitrate_kbps: Annotated[int, Between(6, 128)] = 32
    complexity: Annotated[int, Between(0, 10)] = 5
    mode: Annotated[str, OneOf("voip", "lowdelay")] = "voip"
    expected_loss_percent: Annotated[int, Between(0, 50)] = 5


@dataclass(frozen=True, slots=True)
class Playout:
    start_ms: Annotated[int, Between(20, 1000)] = 20
    depth_ms: Annotated[int, Between(100, 60_000)] = 2000
    fade_ms: Annotated[int, Between(1, 100)] = 10
    caller_delay_ms: Annotated[int, Between(0, 1000)] = 60
    duck_db: Annotated[float, Between(0, 60)] = 12.0


@dataclass(frozen=True, slots=True)
class VadConfig:
    notice_threshold: Annotated[float, Between(0.01, 0.99)] = 0.15
    start_threshold: Annotated[float, Between(0.01, 0.99)] = 0.5
    stop_threshold: Annotated[float, Between(0.01, 0.99)] = 0.35
    min_speech_ms: Annotated[int, Between(0, 1000)] = 64
    min_silence_ms: Annotated[int, Between(32, 1000)] = 64
    trail_ms: Annotated[int, Between(0, 100)] = 32
    preroll_ms: Annotated[int, Between(0, 2000)] = 300


@dataclass(frozen=True, slots=True)
class Echo:
    guard: bool = True


@dataclass(frozen=True, slots=True)
class Turns:
    end_of_turn_ms: Annotated[int, Between(0, 10_000)] = 0
    eagerness: Annotated[str, OneOf("low", "medium", "high", "auto")] = "auto"
    least_wait_ms: Annotated[int, Between(60, 2000)] = 150
    longest_wait_ms: Annotated[int, Between(100, 3000)] = 400
    unfinished_wait_ms: Annotated[int, Between(100, 3000)] = 800
    smart_turn: Annotated[str, OneOf("auto", "always", "never")] = "auto"
    withdraw_ms: Annotated[int, Between(0, 2000)] = 400
    barge_in_ms: Annotated[int, Between(0, 5000)] = 180
    backchannel_ms: Annotated[int, Between(0, 2000)] = 600
    backchannel_wait_ms: Annotated[int, Between(0, 2000)] = 300
    silence_prompt_s: Annotated[float, Between(1, 3600)] = 12.0
    silence_prompts: Annotated[int, Between(0, 100)] = 2


@dataclass(frozen=True, slots=True)
class Agent:
    engine: Annotated[str, OneOf("auto", "voxtral", "vllm", "operator", "scripted")] = "auto"
    brain: Annotated[
        str, OneOfOrClass("", "voxtral", "openai_chat", "operator", "scripted")
    ] = ""
    voice: Annotated[str, OneOfOrClass("", "kokoro", "espeak", "tone")] = ""
    instructions: str = (
        "You are a friendly telephone agent. Answer in one or two short sentences."
    )
    language: str = "en-US"
    voice_name: str = ""
    speed: Annotated[float, Between(0.5, 2.0)] = 1.0
    greeting: str = "Hello, this is Voxline. How can I help you?"
    still_there: str = "Are you still there?"
    goodbye: str = "I can't hear you, so I'll hang up now. Goodbye."
    apology: str = "Sorry, something went wrong on my side. Please say that again."
    tools: tuple[str, ...] = ()
    tool_s: Annotated[float, Between(0.1, 300)] = 10.0
    tool_filler: str = "One moment, please."
    tool_filler_s: Annotated[float, Between(0.0, 60)] = 1.5


@dataclass(frozen=True, slots=True)
class Torch:
    device: Annotated[str, OneOf("auto", "cuda", "cpu")] = "auto"
    graphs: bool = True
    compile: Annotated[str, OneOf("", "mode", "options", "auto")] = "auto"
    tf32: bool = True
    cudnn_benchmark: bool = False
    memory_fraction: Annotated[float, Between(0.1, 1.0)] = 0.92


@dataclass(frozen=True, slots=True)
class Voxtral:
    model: str = "mistralai/Voxtral-Mini-3B-2507"
    dtype: Annotated[str, OneOf("bfloat16", "float16", "float32")] = "bfloat16"
    quantization: Annotated[str, OneOf("none", "int8")] = "none"
    attention: Annotated[str, OneOf("auto", "sdpa", "flash_attention_2", "eager")] = "auto"
    context_tokens: Annotated[int, Between(1024, 32_768)] = 4096
    max_new_tokens: Annotated[int, Between(1, 4096)] = 256
    max_sentences: Annotated[int, Between(0, 100)] = 0
    temperature: Annotated[float, Between(0.0, 2.0)] = 0.0
    top_p: Annotated[float, Between(0.01, 1.0)] = 0.95
    audio_turns: Annotated[int, Between(0, 20)] = 4
    transcript: bool = True
    judge_end: bool = False
    calls: Annotated[int, Between(0, 64)] = 0


@dataclass(frozen=True, slots=True)
class Kokoro:
    model: str = "hexgrad/Kokoro-82M"
    precision: Annotated[str, OneOf("float32", "float16", "bfloat16")] = "float32"
    calls: Annotated[int, Between(1, 64)] = 16


@dataclass(frozen=True, slots=True)
class OpenaiChat:
    url: str = "http://127.0.0.1:8000/v1"
    model: str = "mistralai/Voxtral-Mini-3B-2507"
    connect_s: Annotated[float, Between(0.1, 60)] = 1.5
    first_token_s: Annotated[float, Between(0.1, 300)] = 3.0
    token_s: Annotated[float, Between(0.1, 300)] = 3.0
    retries: Annotated[int, Between(0, 5)] = 1
    max_tokens: Annotated[int, Between(1, 4096)] = 256
    temperature: Annotated[float, Between(0.0, 2.0)] = 0.2
    top_p: Annotated[float, Between(0.01, 1.0)] = 0.95
    audio_turns: Annotated[int, Between(0, 20)] = 4
    transcript: bool = True


@dataclass(frozen=True, slots=True)
class Targets:
    """A key names a stage of `agent.metrics.Marks`, or the whole answer, and a percentile."""

    answer_p50_ms: Annotated[int, Between(1, 60_000)] = 300
    answer_p95_ms: Annotated[int, Between(1, 60_000)] = 450
    brain_p95_ms: Annotated[int, Between(1, 60_000)] = 100
    voice_p95_ms: Annotated[int, Between(1, 60_000)] = 150
    playout_p95_ms: Annotated[int, Between(1, 60_000)] = 30


@dataclass(frozen=True, slots=True)
class Record:
    folder: str = ""
    callers_agreed: bool = False
    call_mib: Annotated[int, Between(1, 1024)] = 64
    folder_mib: Annotated[int, Between(1, 1_048_576)] = 1024


@dataclass(frozen=True, slots=True)
class Log:
    level: Annotated[str, OneOf("debug", "info", "warning", "error")] = "info"


@dataclass(frozen=True, slots=True)
class Config:
    server: Server = field(default_factory=Server)
    limits: Limits = field(default_factory=Limits)
    ice: Ice = field(default_factory=Ice)
    receive: Receive = field(default_factory=Receive)
    send: Send = field(default_factory=Send)
    playout: Playout = field(default_factory=Playout)
    vad: VadConfig = field(default_factory=VadConfig)
    echo: Echo = field(default_factory=Echo)
    turns: Turns = field(default_factory=Turns)
    agent: Agent = field(default_factory=Agent)
    torch: Torch = field(default_factory=Torch)
    voxtral: Voxtral = field(default_factory=Voxtral)
    kokoro: Kokoro = field(default_factory=Kokoro)
    openai_chat: OpenaiChat = field(default_factory=OpenaiChat)
    targets: Targets = field(default_factory=Targets)
    record: Record = field(default_factory=Record)
    log: Log = field(default_factory=Log)
