"""A kind of job is added by another package: nothing in saetui is touched."""

from pathlib import Path

import pytest

from saetui.commands.completion import completions
from saetui.commands.dispatch import dispatch
from saetui.jobs import JobClient, JobError, parse_spec
from saetui.jobs.registry import spec_kinds
from saetui.workbench.workbench import Workbench
from store import Store
from tests.jobs.harness import end_workers, ended

from .conftest import Install


@pytest.mark.slow
def test_a_kind_of_another_package_runs_in_a_worker(install: Install, tmp_path: Path) -> None:
    assert "toy_sum" not in spec_kinds()
    install("saetui.kinds", "toy_sum", "toy_kind")
    root = tmp_path / "store"
    root.mkdir()
    client = JobClient(root, idle_s=30, grace_s=0.5)
    try:
        job = ended(client, client.submit(parse_spec({"kind": "toy_sum", "up_to": 10, "sign": "minus"})))
        assert job.state == "done"
        assert (root / "jobs" / job.id / "out" / "sum.txt").read_text() == "-55"
    finally:
        end_workers(root)


def test_its_fields_are_checked(install: Install) -> None:
    install("saetui.kinds", "toy_sum", "toy_kind")
    with pytest.raises(JobError, match="sign: 'pluss' is unknown; did you mean 'plus'"):
        parse_spec({"kind": "toy_sum", "sign": "pluss"})


def test_a_kind_that_cannot_be_imported_is_named(install: Install) -> None:
    install("saetui.kinds", "absent", "toy_absent")
    assert "absent" not in spec_kinds()
    with pytest.raises(JobError, match=r"'absent' is unknown; .*saetui.kinds: toy_absent.spec cannot be imported"):
        parse_spec({"kind": "absent"})


def test_a_package_without_the_spec_of_its_kind_is_named(install: Install) -> None:
    install("saetui.kinds", "toy_product", "toy_kind")
    assert "toy_product" not in spec_kinds()
    with pytest.raises(JobError, match=r"toy_kind.spec has no Spec with kind: Literal\[\"toy_product\"\]"):
        parse_spec({"kind": "toy_product"})


def test_it_is_made_completed_and_explained_in_the_interface(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("saetui.kinds", "toy_sum", "toy_kind")
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    Store.open(tmp_path / "store", create=True).close()
    bench = Workbench.open(tmp_path / "store", inline=True)
    try:
        assert "study toy_sum" in [found.line for found in completions("study t", bench)]
        (option,) = completions("study toy_sum up", bench)
        assert (option.line, option.help[:12]) == ("study toy_sum up_to=", "The last num")
        assert [found.line for found in completions("study toy_sum sign=m", bench)] == ["study toy_sum sign=minus"]
        dispatch(bench, "study toy_sum up_to=3 sign=minus")
        (job,) = bench.client.jobs()
        assert (job.kind, job.spec["up_to"], job.spec["sign"]) == ("toy_sum", 3, "minus")
    finally:
        bench.close()
