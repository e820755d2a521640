"""``saetui study``: the studies of a store's SAEs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from saetui.cli import work
from saetui.cli.guard import guarded

if TYPE_CHECKING:
    import typer


def register_studies(study: "typer.Typer", store_option: Any) -> None:
    """The studies; an option that is left out keeps the default of the job specification."""
    import typer

    many = "Repeat the option for more."

    @study.command(help="First letters: probes, letter latents, main latents, and what is absorbed (2409.14507).")
    def letters(
        store: Annotated[Path | None, store_option] = None,
        sae: Annotated[list[str] | None, typer.Option(help=f"SAE, by name or id; default: all. {many}")] = None,
        hook: Annotated[list[str] | None, typer.Option(help=f"Hook point; default: those of the SAEs. {many}")] = None,
        model: Annotated[str | None, typer.Option(help="Language model; default: the embedded one.")] = None,
        words: Annotated[str | None, typer.Option(help="Words that are judged: test (default) or all.")] = None,
        attribution: Annotated[str | None, typer.Option(help="Effects by ig (default) or exact.")] = None,
        ig_path: Annotated[str | None, typer.Option(help="joint (default, as published) or latents_only.")] = None,
        ig_rule: Annotated[str | None, typer.Option(help="left (default, as published) or midpoint.")] = None,
        ig_steps: Annotated[int | None, typer.Option(help="Steps of integrated gradients; default 6.")] = None,
        max_words: Annotated[
            int | None, typer.Option(help="Candidates a letter that are measured; default 200.")
        ] = None,
        tau: Annotated[float | None, typer.Option(help="F1 that a main latent adds; default 0.03.")] = None,
        lead: Annotated[float | None, typer.Option(help="Logits by which an absorber leads; default 1.")] = None,
        min_cosine: Annotated[float | None, typer.Option(help="Of an absorber with the probe; default 0.025.")] = None,
        seed: Annotated[int | None, typer.Option(help="Of split, prompts, probes and samples; default 42.")] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        settings = {
            "model": model,
            "words": words,
            "attribution": attribution,
            "ig_path": ig_path,
            "ig_rule": ig_rule,
            "ig_steps": ig_steps,
            "max_words": max_words,
            "tau": tau,
            "lead": lead,
            "min_cosine": min_cosine,
            "seed": seed,
            "saes": sae,
            "hook_names": hook,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        again = {"again": True} if force else {}
        guarded(work.make_study)({"kind": "absorption", **given, **again}, store, device, force=force)

    @study.command(help="Errors: what is linear in the activation, what stays hard, what it costs (2410.14670).")
    def errors(
        store: Annotated[Path | None, store_option] = None,
        hook: Annotated[str | None, typer.Option(help="Hook point; default: that of the SAEs.")] = None,
        sae: Annotated[list[str] | None, typer.Option(help=f"SAE, by name or id; default: all. {many}")] = None,
        model: Annotated[str | None, typer.Option(help="Language model; default: the embedded one.")] = None,
        corpus: Annotated[str | None, typer.Option(help="Text; default: the standard library's.")] = None,
        context_length: Annotated[int | None, typer.Option(help="Tokens in a context; default 128.")] = None,
        max_tokens: Annotated[int | None, typer.Option(help="Tokens to read; default: the whole corpus.")] = None,
        first_position: Annotated[int | None, typer.Option(help="Positions before it are left out.")] = None,
        intercept: Annotated[bool | None, typer.Option(help="Whether the linear map has one; default: yes.")] = None,
        losses: Annotated[
            bool | None, typer.Option(help="Whether to run the model with each SAE; default: yes.")
        ] = None,
        pursuit_tokens: Annotated[
            int | None, typer.Option(help="Tokens to pursue; default: about 35 · d; 0: none.")
        ] = None,
        seed: Annotated[int | None, typer.Option(help="Of the split and the intervals; default 0.")] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        settings = {
            "model": model,
            "corpus": corpus,
            "hook_name": hook,
            "saes": sae,
            "context_length": context_length,
            "max_tokens": max_tokens,
            "first_position": first_position,
            "intercept": intercept,
            "losses": losses,
            "pursuit_tokens": pursuit_tokens,
            "seed": seed,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        guarded(work.make_study)({"kind": "errors", **given}, store, device, force=force)
