"""One queue for all tests of this folder."""

import one_machine
import pytest


@pytest.fixture(scope="session")
def queue(tmp_path_factory):
    why = one_machine.missing()
    if why is not None:
        pytest.skip(why)
    # Sockets have short names only, so not among the long ones of pytest.
    with one_machine.folder_of_its_own() as folder, one_machine.slurm(folder) as environment:
        yield environment
