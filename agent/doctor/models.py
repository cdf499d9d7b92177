"""GPU, weights and engines: whether what was chosen can be loaded, and on what it then runs.

The engines are loaded as the server would load them, in this process: minutes, where they have
to be fetched or compiled.
"""

from collections.abc import Iterator
from contextlib import suppress

from agent import machine, weights
from agent.accelerator.taken import ways
from agent.choose import PLAIN, Choice, build, claim_gpu, unspoken
from agent.config import Config
from agent.doctor.check import FAIL, OK, WARN, Check, guarded
from agent.engines import Style, Voice
from agent.errors import ConfigError, EngineError
from agent.smart_turn import model as smart
from agent.smart_turn.opinion import LATE_S, is_asked
from agent.smart_turn.worker import warm


def heavy(choice: Choice) -> tuple[str, ...]:
    """Those of the chosen engines that need a GPU and weights."""
    return tuple(name for name in (choice.brain, choice.voice) if name in ("voxtral", "kokoro"))


def gpu(config: Config, choice: Choice) -> Check:
    """What the driver says; nothing else is asked of a machine without one."""
    found = machine.gpus()
    if not found.gpus:
        if slow := heavy(choice):
            found_none = f"none, so {' and '.join(slow)} will keep callers waiting for seconds"
            remedy = "choose another with --engine operator"
            return Check("GPU", WARN, f"{found_none}: {found.why_none}", remedy)
        return Check("GPU", OK, f"none, and none is needed: {found.why_none}")
    listed = "; ".join(map(str, found.gpus))
    if lack := machine.torch_lacks(found):
        why, _, remedy = lack.partition("; ")
        return Check("GPU", WARN, f"{listed}; torch cannot use it: {why}", remedy)
    wanted = config.voxtral.dtype if choice.brain == "voxtral" else ""
    if wanted == "bfloat16" and not found.gpus[0].has_bfloat16:
        return Check("GPU", WARN, listed, "it has no bfloat16: set voxtral.dtype to float16")
    return Check("GPU", OK, listed)


def weight_files(config: Config, choice: Choice) -> Iterator[Check]:
    """Where the weights lie. The hub is asked only for those that will be needed."""
    for engine, model in (("voxtral", config.voxtral.model), ("kokoro", config.kokoro.model)):
        name = f"weights of {engine}"
        if engine not in heavy(choice):
            here = weights.here(model)
            found = str(here) if here.folder else f"{model}: not here, and not needed"
            yield Check(name, OK, found)
            continue
        needed = weights.find(model)
        status = FAIL if needed.lacks else OK if needed.folder else WARN
        yield Check(name, status, str(needed), needed.remedy)


def torch_settings(config: Config, choice: Choice) -> Check:
    """Where torch runs, and how it was set. Raises ConfigError for a GPU that is not there."""
    from agent.accelerator.device import accelerator

    claim_gpu(config, choice)  # as the server's engines do
    chosen = accelerator(config.torch)
    found = "; ".join([f"{chosen.name} ({chosen.why})", *chosen.settings])
    if chosen.is_cuda or config.torch.device == "cpu":
        return Check("torch", OK, found)
    return Check(
        "torch", WARN, found, "without a GPU callers wait for seconds; mend that first"
    )


def engines(config: Config, choice: Choice) -> Iterator[Check]:
    """Load them, and tell what is fast about them and what is not."""
    yield guarded("engines", lambda: _loaded(config, choice))
    for what, way, why in ways():
        remedy = "it runs, but slower; the reason stands beside it" if why else ""
        yield Check("graphs", WARN if why else OK, f"{what}: {way}{why}", remedy)


def _loaded(config: Config, choice: Choice) -> Check:
    _, voice = build(config, choice)
    agent = config.agent
    style = Style(agent.voice_name, agent.language, agent.speed)
    try:
        _say_a_word(voice, style)
    except EngineError as error:
        with suppress(EngineError):
            _say_a_word(voice, PLAIN)
            raise unspoken(agent, error) from error
        raise
    found = f"brain {choice.brain}, voice {choice.voice}: loaded ({choice.why})"
    return Check("engines", OK, found)


def _say_a_word(voice: Voice, style: Style) -> None:
    next(iter(voice.speak("one", style)), None)


def smart_turn(config: Config) -> Check:
    """Whether Smart Turn can be asked, and how long an answer takes here.

    Raises ConfigError where it must be had and cannot.
    """
    name, wanted = "Smart Turn", config.turns.smart_turn
    if wanted == "never":
        return Check(name, OK, "not asked, as turns.smart_turn is never")
    status = OK
    try:
        smart.model_path()
        status = WARN  # it is there, and still cannot be had
        takes_s = warm(smart.load())
    except ConfigError as error:
        if wanted == "always":
            raise
        why, _, remedy = str(error).partition("; ")
        return Check(name, status, f"not asked: {why}", remedy)
    found = f"an answer takes {takes_s * 1000:.0f} ms"
    if takes_s <= LATE_S:
        return Check(name, OK, found)
    if not is_asked(wanted, takes_s):
        return Check(name, OK, f"{found}, too long for most pauses: not asked")
    return Check(name, WARN, found, "too long for most pauses: set turns.smart_turn to auto")
