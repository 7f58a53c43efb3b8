"""The lowest versions that pyproject.toml allows, as constraints for pip: `make test-oldest`."""

import re
import tomllib
from pathlib import Path

EXTRAS = ("parquet", "symbolic", "hpc")


def lowest():
    """Lines such as `numpy==2.2`, of what is needed and of some extras."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + [one for extra in EXTRAS for one in project["optional-dependencies"][extra]]
    for requirement in asked:
        found = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)(?:,.*)?", requirement)
        if found is None:
            raise ValueError(f"{requirement!r} names no lowest version")
        yield f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print("\n".join(lowest()))
