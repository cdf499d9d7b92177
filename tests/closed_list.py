"""What the closed lists of a call's values have in common: frozen, flat, and closed."""

import dataclasses
import inspect
from types import ModuleType


def check_value(kind: type) -> None:
    """A dataclass with slots that cannot be changed and inherits nothing."""
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__bases__ == (object,)


def defined_in(module: ModuleType) -> set[type]:
    """Every class of the module's own."""
    return {
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
    }
