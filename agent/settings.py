"""What holds in a call: config.yaml, with the session's changes laid over it. Pure."""

from dataclasses import asdict, replace

from agent.config import Config, VadConfig
from agent.endpoint.release import Patience
from agent.requests import CallSettings
from agent.turn_rules import TurnRules

_PLACED_S = 0.2  # the VAD places an end so much sooner than level does, at the most


def merged(old: CallSettings, new: CallSettings) -> CallSettings:
    """What holds when `new` is asked for while `old` holds."""
    return replace(old, **{k: v for k, v in asdict(new).items() if v is not None})


def turn_rules(config: Config, settings: CallSettings) -> TurnRules:
    """When whose turn it is."""
    turns = config.turns
    fixed_ms = settings.end_of_turn_ms
    fixed_ms = turns.end_of_turn_ms if fixed_ms is None else fixed_ms
    return TurnRules(
        end_of_turn_s=(fixed_ms or turns.longest_wait_ms) / 1000,
        judges=fixed_ms == 0,
        longest_s=turns.unfinished_wait_ms / 1000 + _PLACED_S,
        withdraw_s=turns.withdraw_ms / 1000,
        barge_in_s=turns.barge_in_ms / 1000,
        backchannel_s=turns.backchannel_ms / 1000,
        backchannel_wait_s=turns.backchannel_wait_ms / 1000,
        silence_prompt_s=turns.silence_prompt_s,
        silence_prompts=turns.silence_prompts,
        idle_s=config.limits.idle_s,
        confirm_s=max(config.vad.min_speech_ms, config.vad.min_silence_ms) / 1000,
        filler_s=config.agent.tool_filler_s if config.agent.tool_filler else None,
        greets=bool(config.agent.greeting),
        asks=bool(config.agent.still_there),
        parts=bool(config.agent.goodbye),
        create_response=settings.create_response is not False,
        interrupt_response=settings.interrupt_response is not False,
    )


def patience(config: Config, settings: CallSettings) -> Patience:
    """How the end of a turn is judged."""
    turns = config.turns
    return Patience(
        settings.eagerness or turns.eagerness,
        turns.least_wait_ms,
        turns.longest_wait_ms,
        turns.unfinished_wait_ms,
    )


def vad_config(config: Config, settings: CallSettings) -> VadConfig:
    """What is speech."""
    vad = config.vad
    threshold = (
        vad.start_threshold if settings.vad_threshold is None else settings.vad_threshold
    )
    return replace(
        vad,
        start_threshold=threshold,
        notice_threshold=min(vad.notice_threshold, threshold),
        stop_threshold=min(vad.stop_threshold, threshold),
        preroll_ms=vad.preroll_ms if settings.preroll_ms is None else settings.preroll_ms,
    )
