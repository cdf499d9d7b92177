"""Functions of an operator's, as agent.tools names them."""


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def stock(item: str) -> int:
    """How many of an item there are."""
    return len(item)
