"""How well a score tells one letter's words from all others."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class LetterMetrics:
    """Precision, recall and F1 of "score above the threshold"; AUROC and AUPRC of the score itself. All in [0, 1]."""

    precision: float
    recall: float
    f1: float
    auroc: float | None
    auprc: float | None
    support: int


def letter_metrics(
    scores: Float[Tensor, " word"], positive: Bool[Tensor, " word"], *, threshold: float = 0.0
) -> LetterMetrics:
    """Metrics of ``scores > threshold`` against ``positive``; 0 for a division by zero, None for an undefined area."""
    from sklearn.metrics import average_precision_score

    fires = scores > threshold
    true_positives = int((fires & positive).sum())
    support, n_fires = int(positive.sum()), int(fires.sum())
    defined = 0 < support < len(positive)
    labels, values = positive.cpu().numpy(), scores.detach().float().cpu().numpy()
    return LetterMetrics(
        precision=true_positives / n_fires if n_fires else 0.0,
        recall=true_positives / support if support else 0.0,
        f1=2 * true_positives / (support + n_fires) if support + n_fires else 0.0,
        auroc=area_under_roc(scores, positive),
        auprc=float(average_precision_score(labels, values)) if defined else None,
        support=support,
    )


def area_under_roc(scores: Float[Tensor, " word"], positive: Bool[Tensor, " word"]) -> float | None:
    """Share of pairs of a positive and a negative that the score puts in order; None where one side is empty."""
    from sklearn.metrics import roc_auc_score

    if not 0 < int(positive.sum()) < len(positive):
        return None
    return float(roc_auc_score(positive.cpu().numpy(), scores.detach().float().cpu().numpy()))
