"""Samples in the pages: blocks of Python, and what they print in the block of text right behind them.

    python docs/_ext/samples.py docs/verdicts.md ...    runs them and puts what they print in its place

`tests/test_docs.py` runs them and compares.
"""

import re
import sys
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

FENCE = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def samples_of(text: str) -> list[tuple[str, tuple[int, int] | None]]:
    """Return the samples of a page in order: code, and where its output stands, if any does."""
    samples: list[tuple[str, tuple[int, int] | None]] = []
    end = 0
    for found in FENCE.finditer(text):
        if found[1] == "python":
            samples.append((found[2], None))
            end = found.end()
        elif samples and not text[end : found.start()].strip():
            samples[-1] = samples[-1][0], found.span(2)
    return samples


def printed_by(samples: list[str]) -> list[str]:
    """Run samples in one namespace; return what each prints."""
    namespace: dict[str, object] = {}
    outputs = []
    for code in samples:
        with redirect_stdout(StringIO()) as printed, warnings.catch_warnings():
            exec(code, namespace)
        outputs.append("\n".join(line.rstrip() for line in printed.getvalue().rstrip().split("\n")) + "\n")
    return outputs


def refreshed(text: str) -> str:
    """Return a page with the output that its samples have now."""
    samples = samples_of(text)
    outputs = printed_by([code for code, _ in samples])
    for (_, place), output in reversed(list(zip(samples, outputs, strict=True))):
        if place is not None:
            text = text[: place[0]] + output + text[place[1] :]
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    for page in map(Path, sys.argv[1:]):
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
