import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


@pytest.fixture(
    params=["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
)
def device(request):
    """Each device here that has double precision."""
    return request.param
