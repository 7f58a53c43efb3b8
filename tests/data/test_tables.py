"""Tables in any dialect, as files and as data frames."""

import numpy as np
import pandas as pd
import pytest

import symdyn as sd
from symdyn.data.clocks import time_unit
from symdyn.data.trajectories import each_trajectory, state_names

TIMES = np.round(0.25 * np.arange(40), 2)
X = np.round(np.column_stack([np.cos(TIMES), np.sin(TIMES)]), 6)
FRAME = pd.DataFrame({"t": TIMES, "theta": X[:, 0], "omega": X[:, 1]})


def text(separator=",", header="t,theta,omega", decimal=".", before="", index=False):
    rows = [[f"{value:.6f}".replace(".", decimal) for value in (t, *x)] for t, x in zip(TIMES, X, strict=True)]
    rows = [[str(k), *row] for k, row in enumerate(rows)] if index else rows
    names = ([""] if index else []) + header.split(",")
    return before + "\n".join(separator.join(row) for row in [names, *rows]) + "\n"


def check(opened, names=("theta", "omega")):
    (run,) = each_trajectory(opened)
    assert state_names(opened) == list(names)
    np.testing.assert_allclose(run.times - run.times[0], TIMES, atol=1e-9)
    np.testing.assert_allclose(run.states, X)


@pytest.mark.parametrize(
    "written",
    [
        text(),
        text(";"),
        text(";", decimal=","),
        text("\t"),
        text("   "),
        text(", "),
        text(before="# a remark\n# another, with commas\n"),
        text(before="\ufeff"),
        text(header="Time,theta,omega"),
        text(index=True),
        "# t, theta, omega\n" + text().partition("\n")[2],
        "# run 7\n#t theta omega\n" + text(" ").partition("\n")[2],
        text().replace("\n", "\r\n"),
    ],
)
def test_tables_are_read_in_any_dialect(tmp_path, written):
    (tmp_path / "a.csv").write_text(written, encoding="utf-8", newline="")
    check(sd.open_trajectories(tmp_path / "a.csv"))


@pytest.mark.parametrize("suffix", ["tsv", "txt", "dat"])
def test_other_names_of_tables_are_known(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_text(text("\t"))
    check(sd.open_trajectories(tmp_path / f"a.{suffix}"))


def test_units_in_brackets_are_units(tmp_path):
    (tmp_path / "a.csv").write_text(text(header="t [ms],theta (deg),omega [deg/s]"))
    opened = sd.open_trajectories(tmp_path / "a.csv")
    check(opened)
    assert time_unit(opened) == "ms"
    assert [opened[name].attrs["units"] for name in ("theta", "omega")] == ["deg", "deg/s"]


def test_dates_in_a_table_are_times(tmp_path):
    dates = pd.date_range("2021-03-01", periods=40, freq="15min")
    frame = FRAME.assign(t=dates)
    frame.to_csv(tmp_path / "a.csv", index=False)
    for opened in (
        sd.open_trajectories(tmp_path / "a.csv"),
        sd.open_trajectories(frame),
        sd.open_trajectories(frame.rename(columns={"t": "Date"})),
        sd.open_trajectories(FRAME.drop(columns="t").set_index(dates)),
    ):
        assert time_unit(opened) == "min" and state_names(opened) == ["theta", "omega"]
        (run,) = each_trajectory(opened)
        np.testing.assert_allclose(run.times, 15 * np.arange(40))


def test_a_column_of_text_is_dropped_where_states_are_chosen_and_named_where_not(tmp_path):
    FRAME.assign(mark="a").to_csv(tmp_path / "a.csv", index=False)
    check(sd.open_trajectories(tmp_path / "a.csv", states=["theta", "omega"]))
    wanted = r"a\.csv: column 'mark' holds text, not numbers; .* states=\['theta', 'omega'\]"
    with pytest.raises(ValueError, match=wanted):
        sd.open_trajectories(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="column 'mark' holds text"):
        sd.open_trajectories(tmp_path / "a.csv", states=["theta", "mark"])


@pytest.mark.parametrize(
    ("values", "message"),
    [(X[:, 0] > 0, "truth values"), (X[:, 0] * 1j, "complex numbers"), (pd.to_datetime(TIMES), "dates")],
)
def test_columns_that_are_no_numbers_are_named(values, message):
    with pytest.raises(ValueError, match=f"column 'mark' holds {message}"):
        sd.open_trajectories(FRAME.assign(mark=values))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="column 'phi' is missing; there are t, theta, omega"):
        sd.open_trajectories(FRAME, states=["theta", "phi"])
    with pytest.raises(ValueError, match="no column 't' or 'time'"):
        sd.open_trajectories(FRAME.drop(columns="t"))
    with pytest.raises(ValueError, match="two columns are called 't'"):
        sd.open_trajectories(FRAME.assign(**{"t [s]": TIMES}))


def test_frames_keep_the_names_of_their_columns():
    for frame, t in (
        (FRAME, None),
        (FRAME.drop(columns="t"), 0.25),
        (FRAME.drop(columns="t"), TIMES),
        (FRAME.set_index("t"), None),
        ([FRAME], None),
        (FRAME.astype({"theta": "Float64"}), None),
    ):
        check(sd.open_trajectories(frame, t=t))
    check(sd.open_trajectories(pd.DataFrame(X), t=0.25), ["x0", "x1"])


def test_runs_in_frames_are_told_apart_by_a_column_a_level_or_a_list():
    second = FRAME.iloc[:30]
    long = pd.concat([FRAME.assign(trajectory="a"), second.assign(trajectory="b")])
    swapped = second[["omega", "t", "theta"]]
    for given in (long, long.set_index(["trajectory", "t"]), [FRAME, second], [FRAME, swapped]):
        opened = sd.open_trajectories(given)
        assert state_names(opened) == ["theta", "omega"]
        first, last = each_trajectory(opened)
        np.testing.assert_allclose(first.states, X)
        np.testing.assert_allclose(last.states, X[:30])
    assert [run.name for run in each_trajectory(sd.open_trajectories(long))] == ["a", "b"]
    with pytest.raises(ValueError, match="table 1 has columns t, theta, the first has t, theta, omega"):
        sd.open_trajectories([FRAME, FRAME[["t", "theta"]]])


def test_a_series_is_one_state():
    series = FRAME.set_index("t")["theta"]
    opened = sd.open_trajectories(series)
    assert state_names(opened) == ["theta"]
    (run,) = each_trajectory(opened)
    np.testing.assert_allclose(run.states[:, 0], X[:, 0])


def test_gaps_in_frames_are_gaps():
    holed = FRAME.astype({"theta": "Float64"})
    holed.loc[3, "theta"] = pd.NA
    with pytest.raises(ValueError, match="'theta' of trajectory '0' is not finite at sample 3"):
        list(each_trajectory(sd.open_trajectories(holed)))
