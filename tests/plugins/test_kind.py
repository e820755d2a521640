"""A kind of job is added by another package: nothing in saetui is touched."""

from pathlib import Path

import pytest

from saetui.jobs import JobClient, JobError, parse_spec
from saetui.jobs.registry import spec_kinds
from tests.jobs.harness import end_workers, ended

from .conftest import Install


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
    with pytest.raises(JobError, match=r"saetui.kinds: toy_absent.spec cannot be imported"):
        spec_kinds()


def test_a_package_without_the_spec_of_its_kind_is_named(install: Install) -> None:
    install("saetui.kinds", "toy_product", "toy_kind")
    with pytest.raises(JobError, match=r"toy_kind.spec has no Spec with kind: Literal\[\"toy_product\"\]"):
        spec_kinds()
