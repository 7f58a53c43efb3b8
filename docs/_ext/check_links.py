"""Look at every link of the built pages: is its file there, and has it the anchor? Prints those that are dead.

    python docs/_ext/check_links.py docs/_build/html

Links to other sites are not followed, but nothing that a page loads by itself may come from there.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and what in it can be linked to."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links and anchors."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
                if tag != "a":
                    self.loaded.append(value)
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")


def written(folder: Path) -> list[Path]:
    """Return the pages of a site, without what its theme brings along."""
    return [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts]


def _is_remote(link: str) -> bool:
    return urlsplit(link).scheme in ("http", "https") or link.startswith("//")


def dead_links(folder: Path) -> Iterator[str]:
    """Yield a line for each link inside `folder` that leads nowhere."""
    folder = folder.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in written(folder)}
    for path, page in pages.items():
        yield from (f"{path.relative_to(folder)}: from the network {link}" for link in page.loaded if _is_remote(link))
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{path.relative_to(folder)}: no file {link}"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{path.relative_to(folder)}: no anchor {link}"


def main(folder: Path) -> int:
    """Print the dead links, and how many pages were read; return the exit code."""
    dead = list(dead_links(folder))
    print(*dead, f"{len(dead)} dead links in {len(written(folder))} pages", sep="\n")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
