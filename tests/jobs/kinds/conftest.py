"""A tiny model that knows words, and tasks run in this process on a store of their own."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from saetui.jobs.context import TaskContext
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.registry import find_task
from saetui.jobs.specs import Spec
from saetui.jobs.warm import Warm
from store import Store
from tests.made_stores import copy_of
from tests.pretended_cuda import Machine, gpu_on

HOOK = "blocks.0.hook_resid_post"
STEMS = ("ax", "bo", "cat", "dig", "elk")
TEMPLATE = [" has", " the", " first", " letter", ":", "\n"]


def words() -> list[str]:
    """120 words of five letters, 24 each, all with a leading space."""
    return [f" {stem}{'abcdefghijklmnopqrstuvwx'[i]}" for stem in STEMS for i in range(24)]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of two layers, random but for the words' embeddings, and a tokenizer of whole words."""
    folder = tmp_path_factory.mktemp("model")
    answers = [f" {letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    pieces = ["<s>", "<unk>", *TEMPLATE, *answers, *words()]
    backend = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?[A-Za-z]+|:|\n"), "isolated")
    backend.decoder = decoders.Fuse()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="<s>", unk_token="<unk>", model_max_length=64
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(pieces), n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0
    )
    model = transformers.GPT2LMHeadModel(config)
    # Words know their letters, so that probes find them; what the model makes of that is chance.
    directions = torch.linalg.qr(torch.randn(16, 16))[0][: len(STEMS)]
    with torch.no_grad():
        for place, word in enumerate(words(), start=len(pieces) - len(words())):
            model.transformer.wte.weight[place] += 0.2 * directions["abcde".index(word[1])]
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty lines of those words."""
    path = tmp_path_factory.mktemp("corpus") / "words.txt"
    known = words()
    path.write_text("\n".join("".join(known[(7 * line + i) % len(known)] for i in range(20)) for line in range(40)))
    return path


RunTask = Callable[[Spec], TaskContext]


@pytest.fixture(params=["cpu", pytest.param("cuda:0", marks=pytest.mark.slow)])
def device(request: pytest.FixtureRequest) -> str:
    """Every task is tested on a pretended GPU too."""
    return request.param


@pytest.fixture
def gpu() -> Machine:
    """The pretended GPU, which counts what the tasks did on it."""
    return Machine()


@pytest.fixture
def run_task(made_empty: Path, tmp_path: Path, device: str, gpu: Machine) -> RunTask:
    """Runs a spec's task here, then commits its rows into the store ``tmp_path / "store"``."""
    return runner(copy_of(made_empty, tmp_path / "store"), device, gpu)


def runner(root: Path, device: str, gpu: Machine) -> RunTask:
    """Runs tasks on a device, and commits their rows into a store."""
    (root / "jobs").mkdir(exist_ok=True)
    warm = Warm()

    def run(spec: Spec) -> TaskContext:
        now = time.time()
        record = Record(
            job_id=f"job-{now}",
            kind=spec.kind,
            title=spec.title,
            state="running",
            device=device,
            host="here",
            content_hash=spec.content_hash,
            created=now,
            after=(),
        )
        folder = JobFolder.create(root / "jobs", record, spec.document())
        on = gpu_on(gpu) if device != "cpu" else contextlib.nullcontext()
        with on, TaskContext(root, folder, device, warm) as context:
            find_task(spec.kind)(spec, context)
        with Store.open(root) as store:
            assert store.commit_spool().waiting == 0
        return context

    return run
