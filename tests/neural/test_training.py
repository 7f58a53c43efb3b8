"""Training: the best weights, early stops, NaN, checkpoints, and resuming as if nothing had happened."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from symdyn.neural import (  # noqa: E402
    FNO,
    LieDerivativePenalty,
    Ramp,
    load_module,
    relative_error,
    rollout,
    rollout_errors,
    train,
)

TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])
QUICK = {"epochs": 5, "batch": 8, "rate": 1e-2}


def operator(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return FNO(2, 2, modes=(4,), width=6, layers=2).to(dtype)


def waves(count=24, rng=0, dtype=torch.float32):
    """Smooth fields, and the same moved on by a quarter of the period and weaker."""
    random = np.random.default_rng(rng)
    x = 2 * np.pi * np.arange(16) / 16
    modes = np.stack([np.ones(16), np.cos(x), np.sin(x), np.cos(2 * x), np.sin(2 * x)])
    u = torch.as_tensor(random.standard_normal((count, 2, 5)) @ modes, dtype=dtype)
    return u, 0.8 * torch.roll(u, 4, -1)


def penalty():
    return LieDerivativePenalty(TURN, output="map", n_generators=1)


def same(first, second):
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


class Interrupted(Exception):
    pass


def stop_after(epochs):
    def progress(done, _):
        if done == epochs:
            raise Interrupted

    return progress


class Dropped(torch.nn.Sequential):
    """An operator whose steps are random."""

    def __init__(self):
        super().__init__(torch.nn.Dropout(0.2), operator())


def test_training_brings_the_error_down_and_returns_the_best_epoch():
    found = train(operator(), waves(), waves(8, rng=1), epochs=30, batch=8, rate=1e-2)
    history = found.history
    assert found.stopped == "finished" and history.sizes["epoch"] == 30
    assert found.best == int(np.argmin(history.validation.values))
    assert found.error < 0.3 * float(history.validation[0])
    u, target = waves(8, rng=1)
    with torch.no_grad():
        assert np.isclose(float(relative_error(found.module(u), target)), found.error, rtol=1e-5)


@pytest.mark.parametrize("build", [operator, Dropped])
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "constant"])
def test_a_resumed_run_is_bit_for_bit_the_run_without_interruption(build, schedule, tmp_path):
    def run(module, folder, **more):
        options = {**QUICK, "penalty": penalty(), "weight": Ramp(0.1, 0, 9), "schedule": schedule, "seed": 3}
        return train(module, waves(), waves(8, rng=1), **options, decay=1e-3, checkpoint=folder, **more)

    whole = run(build(), tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(build(), tmp_path / "parts", progress=stop_after(2))
    torch.manual_seed(99)  # what else a process has drawn does not matter
    resumed = run(build(), tmp_path / "parts", resume=True)
    assert same(whole.module, resumed.module)
    assert whole.history.identical(resumed.history)
    best = load_module(tmp_path / "parts" / "best.safetensors", build())
    assert same(best, resumed.module)


def test_training_leaves_the_random_numbers_of_the_process_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    module = operator()
    torch.manual_seed(5)
    train(module, waves(), **{**QUICK, "epochs": 1})
    assert torch.equal(torch.rand(3), expected)


def test_resuming_another_training_is_refused(tmp_path):
    train(operator(), waves(), **QUICK, checkpoint=tmp_path)
    with pytest.raises(
        ValueError, match=r'arguments \{"rate": 0.01\}, not \{"rate": 0.003\}.*another checkpoint folder'
    ):
        train(operator(), waves(), **{**QUICK, "rate": 3e-3}, checkpoint=tmp_path, resume=True)
    wider = FNO(2, 2, modes=(4,), width=7, layers=2)
    with pytest.raises(ValueError, match="holds a training with module"):
        train(wider, waves(), **QUICK, checkpoint=tmp_path, resume=True)
    (tmp_path / "training.safetensors").write_bytes(b"cut short")
    with pytest.raises(ValueError, match="cut short"):
        train(operator(), waves(), **QUICK, checkpoint=tmp_path, resume=True)


def test_resuming_with_other_data_is_refused_where_they_are_named(tmp_path):
    train(operator(), waves(), **QUICK, checkpoint=tmp_path, about="monday")
    with pytest.raises(ValueError, match="tuesday"):
        train(operator(), waves(), **QUICK, checkpoint=tmp_path, resume=True, about="tuesday")


def test_a_finished_run_is_resumed_without_a_step(tmp_path):
    first = train(operator(), waves(), **QUICK, checkpoint=tmp_path)
    again = train(operator(1), waves(), **QUICK, checkpoint=tmp_path, resume=True, progress=stop_after(1))
    assert same(first.module, again.module) and first.history.identical(again.history)


def test_patience_ends_a_training_that_gets_no_better():
    u, target = waves()
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    found = train(operator(), (u, noise), (u, -target), epochs=60, batch=8, rate=1e-2, patience=3)
    assert found.stopped == "patience"
    assert found.history.sizes["epoch"] == found.best + 4 < 60


class Bursting(torch.nn.Module):
    """Returns NaN from a call of the training on."""

    def __init__(self, calls):
        super().__init__()
        self.weight, self.calls = torch.nn.Parameter(torch.ones(())), calls

    def forward(self, u):
        self.calls -= self.training
        return self.weight * u * (float("nan") if self.calls < 0 else 1.0)


def test_a_loss_that_is_not_finite_leaves_the_last_good_weights_and_checkpoint(tmp_path):
    module = Bursting(3 * 3 + 1)  # in the fourth epoch of three batches
    with pytest.warns(RuntimeWarning, match="not finite in epoch 3; the weights are those of epoch 2"):
        found = train(module, waves(), waves(8), **QUICK, checkpoint=tmp_path)
    assert found.stopped == "not finite" and found.history.sizes["epoch"] == 3
    assert torch.isfinite(found.module.weight)
    kept = load_module(tmp_path / "best.safetensors", Bursting(0))
    assert torch.equal(kept.weight, found.module.weight)


def test_a_loss_that_is_not_finite_at_once_is_an_error_with_the_cure():
    with pytest.raises(ValueError, match="first epoch: take a lower rate"):
        train(Bursting(1), waves(), **QUICK)
    u, target = waves()
    target[3, 1, 2] = float("nan")
    with pytest.raises(ValueError, match="target holds NaN"):
        train(operator(), (u, target), **QUICK)
    with pytest.raises(ValueError, match="target holds NaN"):
        train(operator(), [(u, target)], **QUICK)


def test_history_tells_loss_penalty_weight_and_violation_of_each_generator():
    generators = np.concatenate([TURN, np.array([[[1.0, 0.0], [0.0, -1.0]]])])
    asked = LieDerivativePenalty(generators, output="map")
    history = train(operator(), waves(), waves(8), **QUICK, penalty=asked, weight=Ramp(1.0, 0, 6)).history
    assert history.violation.shape == (5, 2) and bool((history.violation > 0).all())
    assert bool((history.penalty > 0).all()) and np.allclose(history.weight, np.minimum(3 * np.arange(1, 6), 6) / 6)
    plain = train(operator(), waves(), waves(8), **QUICK).history
    assert "violation" not in plain and bool((plain.penalty == 0).all())


def test_a_penalty_lowers_the_violation():
    u, target = waves()
    broken = (u, target * torch.tensor([1.0, 0.2])[:, None])
    options = {"epochs": 20, "batch": 8, "rate": 1e-2}
    violations = [
        float(penalty().violations(train(operator(), broken, **options, penalty=asked, weight=1.0).module, u)[0])
        for asked in (None, penalty())
    ]
    assert violations[1] < 0.5 * violations[0]


def test_double_precision_modules_take_single_precision_pairs():
    found = train(operator(dtype=torch.float64), waves(), **{**QUICK, "epochs": 1})
    assert next(found.module.parameters()).dtype == torch.float64


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"rate": float("nan")}, "rate positive"),
        ({"patience": 0}, "at least 1"),
        ({"schedule": "linear"}, "schedule must be one of"),
        ({"resume": True}, "checkpoint folder"),
        ({"device": "tpu"}, "device must be"),
        ({"device": "cuda:99"}, "^cuda:99 is not available here: .*; devices: cpu"),
        ({"precision": "fp8"}, "precision must be one of float32, bf16"),
    ],
)
def test_arguments_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        train(operator(), waves(), **{**QUICK, **options})


def test_pairs_that_do_not_fit_are_refused():
    u, target = waves()
    for pairs, text in (((u, target[1:]), "as many inputs as targets"), (iter([(u, target)]), "every epoch")):
        with pytest.raises(ValueError, match=text):
            train(operator(), pairs, **QUICK)
    with pytest.raises(ValueError, match="yields no batch"):
        train(operator(), [], **QUICK)
    with pytest.raises(ValueError, match="no weights to train"):
        train(torch.nn.Identity(), waves(), **QUICK)


def test_relative_error_is_the_mean_of_ratios():
    truth = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert torch.isclose(relative_error(truth * 1.1, truth), torch.tensor(0.1))
    assert torch.isclose(relative_error(truth + torch.tensor([[5.0, 0.0], [0.0, 0.0]]), truth), torch.tensor(0.5))
    with pytest.raises(ValueError, match="has shape"):
        relative_error(truth, truth[:1])


def test_errors_of_a_rollout_grow_as_those_of_its_steps():
    class Halved(torch.nn.Module):
        def forward(self, u):
            return 0.5 * u

    u, _ = waves(4)
    truth = torch.stack([u * 0.4**k for k in range(4)], dim=1)
    assert torch.allclose(rollout(Halved(), u, 3)[:, -1], u / 8)
    expected = torch.tensor([(0.5 / 0.4) ** k - 1 for k in (1, 2, 3)])
    assert torch.allclose(rollout_errors(Halved(), truth), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="steps"):
        rollout(Halved(), u, 0)
    with pytest.raises(ValueError, match="an output like the input"):
        rollout(FNO(2, 1, modes=(3,), width=4, layers=1), u, 2)
