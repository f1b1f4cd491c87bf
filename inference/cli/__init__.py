"""The command ``portrait``: finds the sub-command, imports only that one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from inference.cli.language import pick
from inference.errors import JobCancelled, PortraitError
from inference.text import LocalText

COMMANDS_GROUP = "portrait.commands"
CANCELLED = 130

Command = Callable[[list[str]], int]


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """Where a sub-command lives; ``with_name`` hands it its own name as first argument."""

    target: str
    help: LocalText
    with_name: bool = False


_TRAINING = "inference.training.cli:main"
_BUILT_IN = {
    "run": _BuiltIn(
        "inference.cli.run:main",
        LocalText(fr="analyse une lame avec un outil", en="run a tool on a slide"),
    ),
    "inspect": _BuiltIn(
        "inference.cli.inspect:main",
        LocalText(fr="dit ce que contient une lame", en="say what a slide file holds"),
    ),
    "tools": _BuiltIn(
        "inference.cli.tools:main",
        LocalText(fr="liste les outils installés", en="list the installed tools"),
    ),
    "phantom": _BuiltIn(
        "inference.cli.phantom:main",
        LocalText(fr="fabrique une lame de vérité connue", en="make a slide of known truth"),
    ),
    "train": _BuiltIn(
        _TRAINING, LocalText(fr="entraîne un réseau", en="train a network"), with_name=True
    ),
    "evaluate": _BuiltIn(
        _TRAINING, LocalText(fr="évalue un réseau", en="evaluate a network"), with_name=True
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``portrait``; returns the exit code (1: refused or failed, 2: wrong usage)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_usage())
        return 0 if arguments else 2
    name, rest = arguments[0], arguments[1:]
    try:
        command = _find(name)
        if command is None:
            unknown = LocalText(fr=f"commande inconnue : {name}", en=f"unknown command: {name}")
            print(f"portrait: {pick(unknown)}\n\n{_usage()}", file=sys.stderr)
            return 2
        return command(rest)
    except JobCancelled as error:
        print(f"portrait: {pick(error.message)}", file=sys.stderr)
        return CANCELLED
    except PortraitError as error:
        print(f"portrait: {pick(error.message)} [{error.code}]", file=sys.stderr)
        return 1


def _find(name: str) -> Command | None:
    built_in = _BUILT_IN.get(name)
    if built_in is not None:
        return _built_in_command(name, built_in)
    for entry in entry_points(group=COMMANDS_GROUP, name=name):
        command: Command = entry.load()
        return command
    return None


def _built_in_command(name: str, built_in: _BuiltIn) -> Command:
    module, _, function = built_in.target.partition(":")
    try:
        command: Command = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise PortraitError(
            "command_unavailable",
            LocalText(
                fr=f"« {name} » demande un module qui n'est pas installé ({missing}).",
                en=f'"{name}" needs a module that is not installed ({missing}).',
            ),
        ) from error
    return (lambda rest: command([name, *rest])) if built_in.with_name else command


def _usage() -> str:
    lines = [
        pick(LocalText(fr="usage : portrait COMMANDE ...", en="usage: portrait COMMAND ...")),
        "",
    ]
    lines += [f"  {name:<10} {pick(c.help)}" for name, c in _BUILT_IN.items()]
    plugins = sorted({e.name for e in entry_points(group=COMMANDS_GROUP)} - set(_BUILT_IN))
    lines += [f"  {name}" for name in plugins]
    return "\n".join(lines)
