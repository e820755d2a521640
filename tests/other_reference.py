"""Another reference folder of the same layout, made from the one at hand: other seeds, sizes, orders and names."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression, OrthogonalMatchingPursuit
from sklearn.metrics import f1_score
from torch import Tensor

from saetui.letters import LETTERS, n_main
from saetui.sae import load_sae


def make_reference(shared: Path, folder: Path, seed: int) -> None:
    """Make the folder that ``SAETUI_SHARED`` may name instead of ``shared``."""
    draw = torch.Generator().manual_seed(seed)
    shutil.copytree(shared / "models", folder / "models")
    _fewer_rows(shared / "reference" / "sae_lens", folder / "reference" / "sae_lens")
    _pursuit(folder / "reference" / "gradient_pursuit.safetensors", draw)
    _linear_error(folder / "reference" / "linear_error.safetensors", draw, seed)
    _absorption(shared / "reference" / "absorption", folder / "reference" / "absorption", draw)


def _fewer_rows(source: Path, folder: Path) -> None:
    """The SAEs under other names, each with fewer rows of its outputs."""
    for number, given in enumerate(sorted(source.iterdir())):
        made = folder / f"sae-{number}"
        shutil.copytree(given, made)
        rows = load_file(given / "expected.safetensors")
        save_file(
            {name: value[: 5 + number].contiguous() for name, value in rows.items()}, made / "expected.safetensors"
        )


def _pursuit(path: Path, draw: torch.Generator) -> None:
    """Signals of a few atoms and noise; weights by the published step with dense products, and by scikit-learn."""
    n, width, d = 45, 130, 28
    dictionary = torch.nn.functional.normalize(torch.randn(width, d, generator=draw), dim=1)
    targets = torch.randint(2, 8, (n,), generator=draw)
    signals = 0.1 * torch.randn(n, d, generator=draw)
    for _ in range(5):
        chosen = dictionary[torch.randint(width, (n,), generator=draw)]
        signals += (torch.rand(n, 1, generator=draw) + 0.5) * chosen
    weights = torch.zeros(n, width)
    for step in range(int(targets.max())):
        residual = signals - weights @ dictionary
        products = residual @ dictionary.T
        member = weights != 0
        member[torch.arange(n), products.argmax(dim=1)] = True
        direction = (products * member) @ dictionary
        size = (direction * residual).sum(1) / direction.square().sum(1)
        moved = (weights + size[:, None] * products * member).clamp(min=0)
        weights = torch.where((step < targets)[:, None], moved, weights)
    signed = [
        OrthogonalMatchingPursuit(n_nonzero_coefs=int(target), fit_intercept=False)
        .fit(dictionary.T.numpy(), signal.numpy())
        .coef_
        for signal, target in zip(signals, targets, strict=True)
    ]
    tensors = {"signals": signals, "dictionary": dictionary, "target_l0": targets, "gradient_pursuit_weights": weights}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors | {"omp_weights": torch.tensor(np.array(signed), dtype=torch.float32)}, path)


def _linear_error(path: Path, draw: torch.Generator, seed: int) -> None:
    """Figures by least squares on three random splits of made-up activations."""
    n, n_train, d = 7000, 4500, 40
    mix = torch.eye(d) + 0.2 * torch.randn(d, d, generator=draw) / d**0.5
    x = (torch.randn(n, d, generator=draw) @ mix + 0.5 * torch.randn(d, generator=draw)).half()
    error = 0.3 * x * torch.rand(d, generator=draw) + 0.3 * torch.tanh(x) * torch.randn(n, d, generator=draw)
    reconstructions = (x - error - 0.2 * torch.randn(n, d, generator=draw)).half()
    exact, left = x.double(), x.double() - reconstructions.double()
    ones = torch.cat([exact, torch.ones(n, 1, dtype=torch.float64)], dim=1)
    seeds = range(5 * seed, 5 * seed + 3)
    vector, norm = [], []
    for split in seeds:
        with torch.random.fork_rng():
            torch.manual_seed(split)
            order = torch.randperm(n)
        sides = order[:n_train], order[n_train:]
        vector.append(float(_r2(exact, left, sides).mean()))
        norm.append(float(_r2(ones, left.square().sum(dim=1, keepdim=True), sides)))
    figures = {
        "error_vector_r2_dim_mean_no_intercept": vector,
        "error_norm_squared_r2_with_ones": norm,
        "fvu_sae": float(left.square().sum() / (exact - exact.mean(dim=0)).square().sum()),
        "train_rows": n_train,
        "rows": n,
        "note": f"three random splits, seeds {seeds[0]}..{seeds[-1]}; made up",
    }
    save_file({"activations": x, "reconstructions": reconstructions}, path)
    path.with_suffix(".json").write_text(json.dumps(figures))


def _r2(x: Tensor, y: Tensor, sides: tuple[Tensor, Tensor]) -> Tensor:
    train, test = sides
    left = y[test] - x[test] @ torch.linalg.lstsq(x[train], y[train]).solution
    return 1 - left.square().sum(dim=0) / (y[test] - y[test].mean(dim=0)).square().sum(dim=0)


def _absorption(source: Path, folder: Path, draw: torch.Generator) -> None:
    """Latents in another order, fewer words on other sides of the split, fewer letters, ranks and cases."""
    shutil.copytree(source, folder)
    expected = json.loads((source / "expected.json").read_text())
    tensors = load_file(source / "tensors.safetensors")
    weights = load_file(source / "sae" / "sae_weights.safetensors")
    order = torch.randperm(len(weights["W_dec"]), generator=draw)
    place = order.argsort().tolist()
    for name, axis in {"W_dec": 0, "W_enc": 1, "b_enc": 0}.items():
        weights[name] = weights[name].index_select(axis, order).contiguous()
    save_file(weights, folder / "sae" / "sae_weights.safetensors")
    kept = torch.randperm(len(expected["words"]), generator=draw)[:-300]
    activations, letters = tensors["word_activations"][kept], torch.tensor(expected["letters"])[kept]
    sides = torch.randperm(len(kept), generator=draw).tensor_split([int(0.75 * len(kept))])
    latents = load_sae(folder / "sae").encode(activations)
    names = [name for number, name in enumerate(expected["k_sparse"]) if number % 4]

    def ranked(name: str) -> dict[str, Any]:
        ranking = [place[latent] for latent in expected["k_sparse"][name]["ranked_latents"][:7]]
        f1 = _first_latents_f1(latents[:, ranking], letters == LETTERS.index(name), sides)
        return {"f1": f1, "ranked_latents": ranking, "main_latents": ranking[: n_main(f1)]}

    def fewer_cases(found: dict[str, Any]) -> dict[str, Any]:
        cases = found["cases"][:5]
        for row in (row for case in cases for row in (*case["main"], *case["top"])):
            row["feature_id"] = place[row["feature_id"]]
        return found | {"cases": cases, "absorbed": sum(case["is_absorption"] for case in cases)}

    changed = {
        "words": [expected["words"][word] for word in kept],
        "letters": letters.tolist(),
        "train_index": sides[0].tolist(),
        "test_index": sides[1].tolist(),
        "k_sparse": {name: ranked(name) for name in names},
        "absorption": {name: fewer_cases(expected["absorption"][name]) for name in names},
    }
    (folder / "expected.json").write_text(json.dumps(expected | changed))
    changed_tensors = {"word_activations": activations.contiguous(), "sae_latents_test": latents[sides[1]].contiguous()}
    save_file(tensors | {"probe_logits": tensors["probe_logits"][kept].contiguous()} | changed_tensors,
              folder / "tensors.safetensors")  # fmt: skip


def _first_latents_f1(latents: Tensor, positive: Tensor, sides: tuple[Tensor, ...]) -> list[float]:
    """F1 of balanced logistic regressions on the first k of the columns, for every k."""
    train, test = sides
    found = []
    for k in range(1, latents.shape[1] + 1):
        regression = LogisticRegression(class_weight="balanced", max_iter=2000)
        regression.fit(latents[train, :k].numpy(), positive[train].numpy())
        found.append(float(f1_score(positive[test].numpy(), regression.predict(latents[test, :k].numpy()))))
    return found
