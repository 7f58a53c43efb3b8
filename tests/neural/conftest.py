from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

HERE = Path(__file__).parent
# Forward derivatives and torch.compile of torch 2.13 load modules of torch that call its own deprecated torch.jit.
OF_TORCH = pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(OF_TORCH)
