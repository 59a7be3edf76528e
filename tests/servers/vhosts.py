"""Virtual hosts by the dozen: RabbitMQ's own command takes a second to start, so one run of it makes several."""

from collections.abc import Callable

_AT_ONCE = 8
_EVAL = """
Delete = fun(Name) -> catch rabbit_vhost:delete(Name, <<"tests">>) end,
Make = fun(Name) ->
    rabbit_vhost:add(Name, <<"tests">>),
    rabbit_auth_backend_internal:set_permissions(<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"tests">>)
end,
lists:foreach(Delete, [{old}]), lists:foreach(Make, [{new}]).
"""


class Vhosts:
    """Gives out each virtual host once; the used ones are deleted when new ones are made."""

    def __init__(self, evaluate: Callable[[str], object]) -> None:
        self._evaluate = evaluate
        self._made = 0
        self._fresh: list[str] = []
        self._used: list[str] = []

    def take(self) -> str:
        """The name of one that nobody has used."""
        if not self._fresh:
            self._refill()
        name = self._fresh.pop()
        self._used.append(name)
        return name

    def _refill(self) -> None:
        self._fresh = [f"test-{number}" for number in range(self._made, self._made + _AT_ONCE)]
        self._made += _AT_ONCE
        self._evaluate(_EVAL.format(old=_binaries(self._used), new=_binaries(self._fresh)))
        self._used = []


def _binaries(names: list[str]) -> str:
    return ", ".join(f'<<"{name}">>' for name in names)
