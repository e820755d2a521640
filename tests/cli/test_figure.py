"""``saetui figure``: figures on standard output and in files."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from saetui.figures import figure_kinds
from tests.cli.test_cli import saetui
from tests.figures.made import make_store


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("figures") / "store")


@pytest.mark.slow
def test_without_a_name_all_are_listed(tmp_path: Path) -> None:
    done = saetui("figure", home=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(figure_kinds())
    assert "absorption_map Which letters are absorbed in which SAEs?" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_a_figure_goes_to_standard_output_as_plain_text(study: Path, tmp_path: Path) -> None:
    done = saetui("figure", "splits", "--store", study, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "main latents against L0" in done.stdout
    assert "● 16  ▲ 64" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.slow
def test_what_is_chosen_is_drawn(study: Path, tmp_path: Path) -> None:
    chosen = ["--sae", "narrow", "--sae", "wide", "--letter", "a", "--lead", "3.5"]
    done = saetui("figure", "absorption_rate", "--store", study, *chosen, home=tmp_path)
    assert done.returncode == 0
    assert "lead 3.5 logits" in done.stdout
    assert "Letter a" in done.stdout


@pytest.mark.slow
def test_a_file_is_written_with_its_query_beside_it(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "ant.svg"
    done = saetui("figure", "evidence", "--store", study, "--word", "ant", "--out", out, home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "ant.svg" in done.stderr
    assert "“ ant” in narrow" in "".join(ET.parse(out).getroot().itertext())
    assert "'ant'" in out.with_suffix(".sql").read_text()


@pytest.mark.slow
def test_a_file_is_overwritten_with_force_only(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.svg"
    out.with_suffix(".sql").write_text("SELECT 'mine'")
    done = saetui("figure", "splits", "--store", study, "--out", out, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "mine.sql exists already" in done.stderr
    assert "--force" in done.stderr
    assert not out.exists()
    assert out.with_suffix(".sql").read_text() == "SELECT 'mine'"
    done = saetui("figure", "splits", "--store", study, "--out", out, "--force", home=tmp_path)
    assert done.returncode == 0
    assert ET.parse(out).getroot().tag.endswith("svg")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["absorbtion_rate"], 2, "there are absorption_rate, absorption_map, evidence, splits"),
        (["splits", "--sae", "huge"], 1, "no SAE 'huge' here; there are narrow"),
        (["splits", "--word", "ant"], 2, "splits takes no word"),
        (["splits", "--out", "splits.pdf"], 2, "must end in .svg or .png"),
        (["evidence", "--word", "zebra"], 1, "there is nothing to draw"),
    ],
)
def test_what_cannot_be_drawn_is_named(arguments: list[str], code: int, said: str, study: Path, tmp_path: Path) -> None:
    done = saetui("figure", *arguments, "--store", study, home=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
