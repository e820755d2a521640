"""Statistics of where latents fire, gathered batch by batch."""

import polars as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor

_RETAINED = 20_000_000  # Firings kept in memory for the histograms; 160 MB.


class Firings:
    """Counts, largest and mean activations, histograms and top tokens of one SAE's latents."""

    def __init__(self, width: int, bins: int) -> None:
        self.width, self.bins = width, bins
        self.n_tokens = 0
        self.n_fires = torch.zeros(width, dtype=torch.int64)
        self.total = torch.zeros(width, dtype=torch.float64)
        self.largest = torch.zeros(width)
        self._retained: list[tuple[Tensor, Tensor]] = []
        self._n_retained = 0
        self._by_token: list[pl.DataFrame] = []
        self._n_by_token = 0

    def add(
        self,
        latent: Int[Tensor, " fire"],
        activation: Float[Tensor, " fire"],
        token_id: Int[Tensor, " fire"],
        n_tokens: int,
    ) -> None:
        """Take the firings of ``n_tokens`` more tokens; all tensors on the CPU."""
        self.n_tokens += n_tokens
        self.n_fires += torch.bincount(latent, minlength=self.width)
        self.total.index_add_(0, latent, activation.double())
        self.largest.scatter_reduce_(0, latent, activation.float(), "amax")
        if self._n_retained < _RETAINED:
            self._retained.append((latent.int(), activation.float()))
            self._n_retained += len(latent)
        self._by_token.append(
            pl.DataFrame({"latent": latent.numpy(), "token_id": token_id.numpy(), "sum": activation.double().numpy()})
        )
        self._n_by_token += len(latent)
        if self._n_by_token > 1_000_000:
            self._merge()

    def _merge(self) -> None:
        merged = pl.concat(self._by_token).group_by("latent", "token_id").agg(pl.col("sum").sum())
        self._by_token, self._n_by_token = [merged], 0

    def histograms(self) -> Int[Tensor, "latent bin"]:
        """Counts in equal bins of (0, largest activation]; of the first 20 million firings where there are more."""
        counts = torch.zeros(self.width * self.bins, dtype=torch.int64)
        for latent, activation in self._retained:
            place = (activation / self.largest[latent] * self.bins).ceil().clamp(1, self.bins).long() - 1
            counts += torch.bincount(latent * self.bins + place, minlength=len(counts))
        return counts.view(self.width, self.bins)

    def top_tokens(self, surfaces: list[str], top: int) -> pl.DataFrame:
        """For each latent that fires, the tokens with the largest share of its summed activation."""
        self._merge()
        shares = self._by_token[0].with_columns(share=pl.col("sum") / pl.col("sum").sum().over("latent"))
        best = (
            shares.sort(["latent", "share", "token_id"], descending=[False, True, False]).group_by("latent").head(top)
        )
        names = pl.Series("surface", surfaces)
        return (
            best.with_columns(surface=names.gather(best["token_id"]), share=pl.col("share").cast(pl.Float32))
            .group_by("latent", maintain_order=True)
            .agg(top_tokens="surface", top_token_share="share")
            .with_columns(pl.col("latent").cast(pl.UInt32))
        )

    def statistics(self, surfaces: list[str], *, top: int) -> pl.DataFrame:
        """One row per latent, in order; a latent that never fires has no mean and empty lists."""
        alive = self.n_fires > 0
        mean = (self.total / self.n_fires.clamp(min=1)).float()
        frame = pl.DataFrame(
            {
                "latent": torch.arange(self.width).numpy().astype("uint32"),
                "n_fires": self.n_fires.numpy().astype("uint64"),
                "density": (self.n_fires.double() / max(1, self.n_tokens)).numpy(),
                "max_activation": self.largest.numpy(),
                "mean_activation": pl.Series(mean.numpy()).set(pl.Series(~alive.numpy()), None),
                "histogram": pl.Series(self.histograms().tolist(), dtype=pl.List(pl.UInt32)),
            }
        )
        return frame.join(self.top_tokens(surfaces, top), on="latent", how="left", maintain_order="left")
