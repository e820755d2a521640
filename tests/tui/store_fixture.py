"""A small made-up study for the interface: three SAEs on one site, with letters, words, latents and activations.

Its numbers are plausible, not true: wider SAEs explain more variance, and miss more words of a letter.
"""

import math
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from saetui.recipes import TrainedBy
from store import Store
from store.spool import Spool
from tests.saved_saes import save_folders
from tests.tui.absorption_fixture import absorption_rows

_PROSE = """
able about above absorb accept across action again agent all allow almost alone along also always and any are
argument around array ask back base because become been before begin being below best between big block body
both bring build but buffer byte call came can case cause change class clear close code cold come common could
count create data day default define delete did different do does done down each early easy edge either else
empty end enough error even every example except exist fact fail false far feature few field file find first
float follow for form found four from full function general get give go good great group had half hand handle
happen hard has have he head help here high him his hold home hook house how idea if image import in index
input inside int into is issue item iterate job join just keep key kind know label large last late layer learn
least left length less let letter level library life light like line list little load local logic long look
loop made main make many map mark match may mean measure member memory might mode model module more most move
much must name near need never new next night no node none not note now number object of off often old on once
one only open option or order other our out over own page pair part pass path pattern people place plan point
pool position possible present print probe process program property public put query question queue quick quit
quiet quite quote raise range rank rate read real reason record result return right room round row rule run
same save say school search second see seem select self sentence sequence set several shape short should show
side simple since size small snake so some sort source space special split stack stand start state step still
stop store string strong such sum system table take tell test text than that the their them then there these
they thing think this those thread three through time title to token together too top train true try tuple
turn two type under unit until up upper us use used user usual value variable vector verb version very view
virtual visit voice wait walk want warm was watch water way we week well were what when where which while
white who whole why width will with word work world would write wrong year yellow yes yet yield you young your
zero zip zone
"""
WORDS = _PROSE.split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
HOOK_NAME = "blocks.1.hook_resid_post"
MODEL, CORPUS, PROBE = "model-speller", "corpus-prose", "probe-1"
WIDTHS = (64, 256, 1024)
SAES = {width: f"sae-{width}" for width in WIDTHS}
K = 4
CONTEXTS, LENGTH = 48, 32
_ADDED = datetime(2026, 11, 20, 12, 0)
_COUNT = len(WORDS)
_MEANS = """
SELECT sae_id, avg(rate), avg(mean_fraction)
FROM absorption_rates((SELECT list(sae_id) FROM absorption_run), NULL, NULL, NULL)
JOIN probe USING (probe_id, letter)
WHERE usable
GROUP BY sae_id
"""

# All of them are of one recipe.
RECIPE = TrainedBy("topk", "stdlib", 2_000_000, 2048, 128, None, "float32", 1e-3, 4, 8000, (), 0).text


def make_study(root: Path) -> Path:
    """Make the store in a folder that does not exist yet, and commit everything to it."""
    Store.open(root, create=True).close()
    random = Random(412)
    with Spool(root, "fixture") as spool:
        _model_and_words(spool, random)
        tokens = [[random.randrange(_COUNT) for _ in range(LENGTH)] for _ in range(CONTEXTS)]
        rows = [(c, p, t) for c, context in enumerate(tokens) for p, t in enumerate(context)]
        spool.add("token", [_row(corpus_id=CORPUS, context=c, position=p, token_id=t) for c, p, t in rows])
        for width in WIDTHS:
            _sae(spool, width, tokens, Random(width))
    with Store.open(root) as store:
        store.commit_spool()
        for sae, rate, fraction in store.fetch(_MEANS).rows:
            found = {"sae": sae, "rate": rate, "fraction": fraction}
            store.write("UPDATE absorption_run SET rate = $rate, mean_fraction = $fraction WHERE sae_id = $sae", found)
            store.write("UPDATE sae SET absorption_rate = $rate WHERE sae_id = $sae", {"sae": sae, "rate": rate})
    return save_folders(root)


def _row(**columns: Any) -> dict[str, Any]:
    return columns


def _words_of(letter: str) -> list[int]:
    return [i for i, word in enumerate(WORDS) if word[0] == letter]


def _model_and_words(spool: Spool, random: Random) -> None:
    spool.add(
        "model",
        [
            _row(
                model_id=MODEL,
                name="speller",
                source="embedded",
                family="qwen2",
                n_layers=4,
                d_model=128,
                context_length=256,
                vocabulary_size=_COUNT,
                added=_ADDED,
            )
        ],
    )
    spool.add(
        "corpus",
        [
            _row(
                corpus_id=CORPUS,
                model_id=MODEL,
                name="prose",
                source="stdlib",
                context_length=LENGTH,
                n_contexts=CONTEXTS,
                n_tokens=CONTEXTS * LENGTH,
                token_hash="0123456789abcdef",
                added=_ADDED,
            )
        ],
    )
    words = list(enumerate(WORDS))
    spool.add(
        "vocabulary",
        [_row(model_id=MODEL, token_id=i, surface=f" {w}", letter=w[0], frequency=3 + i % 17) for i, w in words],
    )
    spool.add(
        "probe",
        [
            _row(
                probe_id=PROBE,
                model_id=MODEL,
                hook_name=HOOK_NAME,
                letter=letter,
                n_train=len(_words_of(letter)) * 4 // 5,
                n_test=len(_words_of(letter)) - len(_words_of(letter)) * 4 // 5,
                usable=len(_words_of(letter)) >= 5,
                precision=0.97,
                recall=0.95,
                f1=round(0.99 - 0.004 * i, 4),
                auroc=0.998,
                bias=-0.4,
                direction=[1.0 / math.sqrt(8)] * 8,
                seed=42,
                model_accuracy=0.99,
            )
            for i, letter in enumerate(LETTERS)
            if _words_of(letter)
        ],
    )
    spool.add(
        "word",
        [
            _row(
                probe_id=PROBE,
                token_id=i,
                surface=f" {w}",
                letter=w[0],
                split="test" if i % 5 == 0 else "train",
                probe_logit=round(random.gauss(4, 1.5), 3),
                answer_margin=round(random.gauss(9, 2), 3),
                answered=i % 97 != 0,
            )
            for i, w in words
        ],
    )


def _sae(spool: Spool, width: int, tokens: list[list[int]], random: Random) -> None:
    """One SAE: latent ``i`` is the main latent of letter ``i``; a share of its words, larger with width, it misses."""
    sae_id = SAES[width]
    missed_share = 0.04 * math.log2(width)
    missed = {i for i in range(_COUNT) if random.random() < missed_share}
    firing = {i: _latents_of(i, width, missed, random) for i in range(_COUNT)}
    rows = [
        (context, position, latent, round(activation * random.uniform(0.7, 1.3), 4))
        for context, ids in enumerate(tokens)
        for position, i in enumerate(ids)
        for latent, activation in firing[i]
    ]
    letters = _letter_latents(width, missed, random)
    spool.add(
        "sae",
        [
            _row(
                sae_id=sae_id,
                model_id=MODEL,
                hook_name=HOOK_NAME,
                name=f"w{width}-k{K}",
                architecture="topk",
                d_in=128,
                width=width,
                k=float(K),
                l0=len(rows) / (CONTEXTS * LENGTH),
                fvu=round(0.06 + 0.9 * width**-0.31, 4),
                dead_fraction=round(0.002 * math.log2(width), 4),
                tokens_trained=2_000_000,
                corpus_id=CORPUS,
                n_evaluated=CONTEXTS * LENGTH,
                seed=0,
                recipe=RECIPE,
                source="trained here",
                path=f"tensors/sae/{sae_id}",
                added=_ADDED,
            )
        ],
    )
    spool.add(
        "latent_activation",
        [_row(sae_id=sae_id, corpus_id=CORPUS, context=c, position=p, latent=j, activation=a) for c, p, j, a in rows],
    )
    spool.add("latent", _latents(sae_id, width, rows, tokens, random))
    spool.add("latent_neighbour", _neighbours(width, random))
    spool.add(
        "word_activation",
        [
            _row(sae_id=sae_id, probe_id=PROBE, token_id=i, latent=latent, activation=activation)
            for i, latents in firing.items()
            for latent, activation in latents
        ],
    )
    spool.add("letter_latent", [_row(sae_id=sae_id, probe_id=PROBE, **letter) for letter in letters])
    for table, found in absorption_rows(WORDS, letters, firing, missed, Random(width)).items():
        spool.add(table, [_row(sae_id=sae_id, probe_id=PROBE, **row) for row in found])
    spool.add(
        "token_error",
        [
            _row(
                sae_id=sae_id,
                corpus_id=CORPUS,
                context=context,
                position=position,
                error_norm=round(random.uniform(4, 9) * width**-0.1, 4),
                activation_norm=round(random.uniform(9, 12), 4),
                l0=K,
            )
            for context in range(CONTEXTS)
            for position in range(LENGTH)
        ],
    )


def _latents_of(token: int, width: int, missed: set[int], random: Random) -> list[tuple[int, float]]:
    letter = LETTERS.index(WORDS[token][0])
    others = random.sample(range(len(LETTERS), width), K)
    chosen = [*others[: K - 1], others[K - 1] if token in missed else letter]
    return [(latent, round(random.uniform(0.5, 4.0), 4)) for latent in chosen]


def _letter_latents(width: int, missed: set[int], random: Random) -> list[dict[str, Any]]:
    rows = []
    for index, letter in enumerate(LETTERS):
        words = _words_of(letter)
        if not words:
            continue
        recall = sum(i not in missed for i in words) / len(words)
        others = random.sample(range(len(LETTERS), width), 11)
        claims = [(latent, 0.9 - 0.05 * rank, recall * 0.4 / rank) for rank, latent in enumerate(others, start=1)]
        ranked = [(index, 0.97, recall), *claims]
        for rank, (latent, precision, found) in enumerate(ranked, start=1):
            rows.append(
                _row(
                    letter=letter,
                    rank=rank,
                    latent=latent,
                    precision=round(precision, 4),
                    recall=round(found, 4),
                    f1=round(2 * precision * found / (precision + found) if found else 0.0, 4),
                    auroc=round(0.5 + 0.5 * found, 4),
                    cos_encoder=round(0.6 / rank, 4),
                    cos_decoder=round(0.7 / rank, 4),
                    by_encoder=rank == 1,
                    is_main=rank <= 1 + index % 2,
                    f1_gain=round(0.08 / rank, 4),
                )
            )
    return rows


def _latents(
    sae_id: str, width: int, rows: list[tuple[int, int, int, float]], tokens: list[list[int]], random: Random
) -> list[dict[str, Any]]:
    fires: dict[int, list[tuple[float, int]]] = {latent: [] for latent in range(width)}
    for context, position, latent, activation in rows:
        fires[latent].append((activation, tokens[context][position]))
    found = []
    for latent, seen in fires.items():
        share: dict[int, float] = {}
        for activation, token in seen:
            share[token] = share.get(token, 0.0) + activation
        total = sum(share.values())
        top = sorted(share, key=lambda token: -share[token])[:10]
        strongest = max((a for a, _ in seen), default=0.0)
        bins = [0] * 20
        for activation, _ in seen:
            bins[min(19, int(activation / strongest * 20))] += 1
        promoted, suppressed = random.sample(WORDS, 10), random.sample(WORDS, 10)
        found.append(
            _row(
                sae_id=sae_id,
                latent=latent,
                n_fires=len(seen),
                density=len(seen) / (CONTEXTS * LENGTH),
                max_activation=strongest,
                mean_activation=total / len(seen) if seen else None,
                decoder_norm=1.0,
                encoder_decoder_cosine=round(random.uniform(0.3, 0.9), 4),
                histogram=bins,
                promotes=[f" {word}" for word in promoted],
                promotes_logit=[round(3.2 - 0.2 * i, 3) for i in range(10)],
                suppresses=[f" {word}" for word in suppressed],
                suppresses_logit=[round(-2.9 + 0.2 * i, 3) for i in range(10)],
                top_tokens=[f" {WORDS[token]}" for token in top],
                top_token_share=[round(share[token] / total, 4) for token in top],
            )
        )
    return found


def _neighbours(width: int, random: Random) -> list[dict[str, Any]]:
    return [
        _row(
            sae_id=SAES[width],
            latent=latent,
            other_sae_id=SAES[other],
            rank=rank,
            # The latent of the same number is the same letter's in every SAE.
            other_latent=latent if rank == 1 and other != width and latent < other else random.randrange(other),
            cosine=round(0.9 / rank, 4),
        )
        for latent in range(width)
        for other in WIDTHS
        for rank in range(1, 4)
    ]
