"""The training loss of each architecture: closed forms, and training that makes it sparse."""

import dataclasses

import pytest
import torch

from saetui.sae import SAEError, TrainingRecipe, train_saes
from saetui.sae.architectures.gated import GatedSAE
from saetui.sae.architectures.jumprelu import Heaviside, Jump, JumpReLUSAE
from saetui.sae.architectures.standard import StandardSAE
from saetui.sae.trainees.trainee import Stage

# The last step, with no latent dead.
END = Stage(1.0, torch.zeros(1, dtype=torch.long), 1 << 40)


def test_l1_shrinks_a_latent_by_half_its_coefficient() -> None:
    """One direction, signal z: the loss is least at z - coefficient / 2."""
    recipe = TrainingRecipe(architecture="standard", width=1, steps=1, settings={"l1_coefficient": 0.6})
    x = torch.tensor([[2.0]])
    parameters = {"W_enc": torch.ones(1, 1), "W_dec": torch.ones(1, 1), "b_dec": torch.zeros(1)}
    losses = []
    biases = torch.linspace(-1, 0, 101)
    for bias in biases:
        loss = StandardSAE.training_loss(parameters | {"b_enc": bias[None]}, x, recipe, END)
        losses.append(float((x - loss.reconstruction).square().sum() + loss.penalty))
    assert float(biases[losses.index(min(losses))]) == pytest.approx(-0.3, abs=1e-6)


def test_a_threshold_has_the_gradient_of_the_density_around_it() -> None:
    """Of normal pre-activations: -phi(.5) for the step, -.5 phi(.5) for the jump."""
    pre = torch.randn(2_000_000, 1, generator=torch.Generator().manual_seed(0))
    for function, expected in ((Heaviside, -0.3521), (Jump, -0.1760)):
        threshold = torch.tensor([0.5], requires_grad=True)
        function.apply(pre, threshold, 0.05).mean().backward()
        assert threshold.grad is not None
        assert float(threshold.grad) == pytest.approx(expected, abs=0.005)


def test_the_auxiliary_error_of_gates_leaves_the_decoder_alone() -> None:
    recipe = TrainingRecipe(architecture="gated", width=3, steps=1, settings={"l1_coefficient": 0.0})
    generator = torch.Generator().manual_seed(0)
    decoder = torch.randn(3, 2, generator=generator, requires_grad=True)
    parameters = {"W_enc": torch.randn(3, 2, generator=generator), "W_dec": decoder, "b_dec": torch.zeros(2)}
    parameters |= {name: torch.zeros(3, requires_grad=True) for name in GatedSAE.latent_vectors}
    loss = GatedSAE.training_loss(parameters, torch.randn(50, 2, generator=generator), recipe, END)
    inputs = [decoder, parameters["b_gate"]]
    gradients: tuple[torch.Tensor | None, ...] = torch.autograd.grad(loss.penalty, inputs, allow_unused=True)
    of_decoder, of_gates = gradients
    assert of_decoder is None
    assert of_gates is not None
    assert of_gates.abs().sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "setting"),
    [("standard", "l1_coefficient"), ("gated", "l1_coefficient"), ("jumprelu", "l0_coefficient")],
)
def test_a_larger_coefficient_makes_fewer_latents_fire(architecture: str, setting: str) -> None:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(16, 8, generator=generator)
    data = [(torch.rand(128, 16, generator=generator) < 0.1).float() @ directions for _ in range(300)]
    more = {"bandwidth": 0.1} if architecture == "jumprelu" else {}
    weak, strong = (
        TrainingRecipe(
            architecture=architecture, width=32, steps=300, lr=3e-3, name=name, settings={setting: c, **more}
        )
        for name, c in (("weak", 1e-4), ("strong", 0.1))
    )
    first, second = train_saes(data, [weak, strong])
    assert first.log[-1].fvu < 0.5
    assert second.log[-1].l0 < 0.8 * first.log[-1].l0
    x = torch.cat(data[:4])
    in_units = float((first.sae.encode(x) > 0).sum(dim=1).float().mean())
    assert in_units == pytest.approx(first.log[-1].l0, rel=0.15)


def test_thresholds_are_brought_to_the_units_of_the_model() -> None:
    """Rows of norm 20 are trained at norm 1, where a threshold begins at 0.001; a tiny lr leaves it there."""
    rows = torch.full((64, 4), 10.0)
    recipe = TrainingRecipe(architecture="jumprelu", width=8, steps=1, lr=1e-12, b_dec_init="zero")
    (trained,) = train_saes([rows], [recipe])
    assert isinstance(trained.sae, JumpReLUSAE)
    torch.testing.assert_close(trained.sae.threshold, torch.full((8,), 0.02))


def test_a_number_of_latents_is_refused_where_the_architecture_keeps_none() -> None:
    with pytest.raises(SAEError, match="k is 4, but gated keeps no number of latents; leave k out"):
        TrainingRecipe(architecture="gated", width=64, k=4, steps=1)


def test_thresholds_stay_above_zero() -> None:
    """Without a penalty every latent wants to fire, and its threshold to fall."""
    generator = torch.Generator().manual_seed(0)
    data = [torch.randn(64, 4, generator=generator) for _ in range(100)]
    recipe = TrainingRecipe(
        architecture="jumprelu", width=8, steps=100, lr=0.05, settings={"l0_coefficient": 0.0, "bandwidth": 0.5}
    )
    (trained,) = train_saes(data, [recipe])
    assert isinstance(trained.sae, JumpReLUSAE)
    assert float(trained.sae.threshold.min()) >= 0


@pytest.mark.parametrize(
    ("architecture", "lr", "betas"),
    [
        ("topk", 8e-4, (0.9, 0.999)),
        ("standard", 1e-3, (0.9, 0.999)),
        ("gated", 5e-5, (0.0, 0.999)),
        ("jumprelu", 7e-5, (0.0, 0.999)),
    ],
)
def test_a_recipe_has_the_settings_of_its_architecture(
    architecture: str, lr: float, betas: tuple[float, float]
) -> None:
    recipe = TrainingRecipe(architecture=architecture, width=1024, k=4 if architecture == "topk" else None, steps=1)
    assert (recipe.peak_lr, recipe.adam_betas) == (pytest.approx(lr), betas)
    assert recipe.as_dict()["betas"] == betas
    own = dataclasses.replace(recipe, lr=0.1, betas=(0.5, 0.9))
    assert (own.peak_lr, own.adam_betas) == (0.1, (0.5, 0.9))


def test_the_coefficient_of_l0_rises_in_ten_thousand_steps_but_in_no_more_than_a_twentieth() -> None:
    for steps, rise in ((1_000_000, 10_000), (1_000, 50)):
        recipe = TrainingRecipe(architecture="jumprelu", width=1, steps=steps, settings={"l0_coefficient": 1.0})
        parameters = {"W_enc": torch.ones(1, 1), "W_dec": torch.ones(1, 1), "b_dec": torch.zeros(1)}
        parameters |= {"b_enc": torch.zeros(1), "threshold": torch.full((1,), 0.5)}
        penalties = [
            float(
                JumpReLUSAE.training_loss(
                    parameters, torch.ones(4, 1), recipe, dataclasses.replace(END, share=step / steps)
                ).penalty
            )
            for step in (rise // 2, rise, 2 * rise)
        ]
        assert penalties == pytest.approx([0.5, 1.0, 1.0])


def test_the_output_bias_of_a_jumprelu_sae_is_not_taken_off_its_input() -> None:
    rows = torch.randn(64, 4, generator=torch.Generator().manual_seed(0)) + 5.0
    (trained,) = train_saes([rows], [TrainingRecipe(architecture="jumprelu", width=8, steps=1, lr=1e-12)])
    sae = trained.sae
    assert not sae.apply_b_dec_to_input
    torch.testing.assert_close(sae.pre_activations(rows, range(8)), rows @ sae.W_enc + sae.weights()["b_enc"])
