"""The options of the workflows as data: `python tests/cli/options_of_workflows.py` writes `symdyn/cli/options.json`.

Options are written once, in `workflows/*.py`. A wheel holds no workflows, and their parsers load what their jobs need;
so the command reads this list, and a test compares it with the parsers.
"""

from __future__ import annotations

import argparse
import json
import runpy
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]
LIST = ROOT / "symdyn" / "cli" / "options.json"


def workflows() -> list[Path]:
    return sorted((ROOT / "workflows").glob("*.py"))


def parser_of(path: Path) -> tuple[argparse.ArgumentParser, str]:
    """Return the parser of a workflow, and the module of its job."""
    with mock.patch("symdyn.runs.run_command") as called:
        runpy.run_path(str(path), run_name="__main__")
    parser, job = called.call_args.args
    return parser, job.__module__


def described(path: Path) -> dict:
    """Describe a workflow: its job, its options, and which of them exclude one another."""
    parser, module = parser_of(path)
    options = [_option(action) for action in parser._actions if action.dest != "help"]
    exclusive = [
        {"names": [action.dest for action in group._group_actions], "required": group.required}
        for group in parser._mutually_exclusive_groups
    ]
    return {"module": module, "options": options, "exclusive": exclusive}


def _option(action: argparse.Action) -> dict:
    flag = isinstance(action, argparse._StoreTrueAction)
    found = {
        "name": action.dest,
        "option": action.option_strings[0] if action.option_strings else None,
        "type": "flag" if flag else getattr(action.type, "__name__", "str").lower(),
        "default": _plain(action.default),
        "many": isinstance(action, argparse._AppendAction) or action.nargs == "+",
        "required": action.required,
        "choices": list(action.choices) if action.choices else None,
        "metavar": action.metavar,
        "help": action.help,
    }
    return {key: value for key, value in found.items() if value is not None and value is not False}


def _plain(value: object) -> object:
    """Return a default as JSON has it; a file of this folder is relative to it."""
    if isinstance(value, Path) or (isinstance(value, str) and value.startswith(str(ROOT))):
        return Path(value).relative_to(ROOT).as_posix() if Path(value).is_absolute() else str(value)
    return value


def text() -> str:
    """Write one line for each option, so that a change of one is a change of one line."""
    parts = []
    for path in workflows():
        found = described(path)
        options = ",\n  ".join(json.dumps(option, ensure_ascii=False) for option in found.pop("options"))
        rest = json.dumps(found, ensure_ascii=False)[1:-1]
        parts.append(f' "{path.stem}": {{{rest}, "options": [\n  {options}\n ]}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    LIST.write_text(text(), encoding="utf-8")
