"""Make the small language model that ships in saetui/embedded: spelling of first letters, and some English.

Usage: python scripts/train_embedded_model.py [--steps N] [--out DIR]. Its figures are measured and written into the
model card by scripts/measure_embedded_model.py.
"""

import argparse
import re
import time
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
)

from saetui.letters.prompts import answer_strings, answered_line
from saetui.letters.vocabulary import Word, first_letter_words
from saetui.lm.stdlib_text import is_held_out, standard_library_documents
from saetui.lm.surfaces import token_surfaces

VOCABULARY = 8192
CONTEXT = 128
BATCH = 24
LINE_TOKENS = 8  # word, has, the, first, letter, ":", answer, newline
ANSWER = 6
# A letter is one token of eight in a prompt; unweighted, it takes far longer until the model looks back at the word.
ANSWER_WEIGHT = 4.0
SEED = 0
END = "<|endoftext|>"
RARE_REPEATS = 4


def train_tokenizer(texts: list[str], folder: Path) -> PreTrainedTokenizerBase:
    """Byte-level BPE of the texts' words, cut as Qwen2 cuts text; every answer letter is frequent enough for a token.

    Punctuation and digits are left out of the training text, so that all room in the vocabulary goes to words. The
    tokenizer is read back by AutoTokenizer, which builds it again from its vocabulary: what trains is what loads.
    """
    usual = Qwen2Tokenizer().backend_tokenizer
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer, tokenizer.pre_tokenizer = usual.normalizer, usual.pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [re.sub(r"[^A-Za-z\s]+", "\n", text) for text in texts]
    spelling = f" has the first letter:{''.join(answer_strings())}\n" * 200
    # Words of rare letters count several times, so that more letters have words enough to be measured.
    rare = [word for text in words for word in re.findall(r" [jqxyzJQXYZ][a-z]+", text)] * RARE_REPEATS
    tokenizer.train_from_iterator([*words, spelling, *rare], trainer)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, model_max_length=CONTEXT
    ).save_pretrained(folder)
    loaded = AutoTokenizer.from_pretrained(folder)
    loaded.save_pretrained(folder)
    return loaded


def make_model() -> Qwen2ForCausalLM:
    """A Qwen2 of 4 layers whose first two layers see only their own token.

    So a word's letter can only be worked out at the word itself, and must be read from there by the later layers.
    """
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        initializer_range=0.05,
        tie_word_embeddings=False,
        use_sliding_window=True,
        sliding_window=1,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "full_attention"],
        bos_token_id=0,
        eos_token_id=0,
    )
    return Qwen2ForCausalLM(config)


class Batches:
    """Half a batch of text, half of first-letter prompts; every row starts with the beginning-of-text token."""

    def __init__(self, stream: Tensor, tokenizer: PreTrainedTokenizerBase, words: list[Word]) -> None:
        self.stream, self.words, self.random = stream, words, Random(SEED)
        self.bos = int(tokenizer.bos_token_id)
        template = tokenizer.encode(answered_line(words[0]) + "\n")
        if len(template) != LINE_TOKENS:
            raise SystemExit(f"a prompt line should be {LINE_TOKENS} tokens, but is {len(template)}: {template}")
        self.template = torch.tensor(template)
        self.answers = {s.strip().lower(): tokenizer.encode(s)[0] for s in answer_strings()}

    def next(self) -> tuple[Tensor, Tensor]:
        """Token ids and the weight of each one's loss, both (BATCH, CONTEXT); random words in prompts weigh nothing."""
        half = BATCH // 2
        ids = torch.full((BATCH, CONTEXT), self.bos)
        for row in range(half):
            start = self.random.randrange(len(self.stream) - CONTEXT)
            ids[row, 1:] = self.stream[start : start + CONTEXT - 1]
        weights = torch.ones(BATCH, CONTEXT)
        line_weights = torch.ones(LINE_TOKENS)
        line_weights[0], line_weights[ANSWER] = 0.0, ANSWER_WEIGHT
        lines = CONTEXT // LINE_TOKENS
        for row in range(half, BATCH):
            words = self.random.sample(self.words, lines)
            block = self.template.repeat(lines, 1)
            block[:, 0] = torch.tensor([w.token_id for w in words])
            block[:, ANSWER] = torch.tensor([self.answers[w.letter] for w in words])
            ids[row, 1:] = block.flatten()[: CONTEXT - 1]
        weights[half:, 1:] = line_weights.repeat(lines)[: CONTEXT - 1]
        return ids, weights


def weighted_loss(model: Qwen2ForCausalLM, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the next-token losses, in nats."""
    logits = model(input_ids=ids).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    kept = weights[:, 1:].flatten()
    return (losses * kept).sum() / kept.sum()


@torch.no_grad()
def text_loss(model: Qwen2ForCausalLM, stream: Tensor, bos: int) -> float:
    """Mean next-token loss in nats over consecutive windows of a token stream."""
    rows = stream[: len(stream) // (CONTEXT - 1) * (CONTEXT - 1)].view(-1, CONTEXT - 1)
    rows = torch.cat([torch.full((len(rows), 1), bos), rows], dim=1)
    return float(sum(model(input_ids=b, labels=b).loss.item() * len(b) for b in torch.split(rows, 32)) / len(rows))


@torch.no_grad()
def answer_accuracy(model: Qwen2ForCausalLM, ids: Tensor) -> float:
    """Share of letters that are predicted in the prompts of a batch."""
    prompts = ids[BATCH // 2 :]
    predicted = model(input_ids=prompts).logits.argmax(-1)
    places = torch.arange(1 + ANSWER, CONTEXT, LINE_TOKENS)
    return float((predicted[:, places - 1] == prompts[:, places]).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "saetui" / "embedded")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)

    documents = standard_library_documents()
    kept = [d.text for d in documents if not is_held_out(d)]
    model = make_model()
    # AutoTokenizer chooses by the model's configuration.
    model.config.save_pretrained(arguments.out)
    tokenizer = train_tokenizer(kept, arguments.out)
    words = first_letter_words(tokenizer, token_surfaces(tokenizer, len(tokenizer)))
    streams = []
    for texts in (kept, [d.text for d in documents if is_held_out(d)]):
        ids = [i for text in texts for i in [*tokenizer.encode(text), int(tokenizer.eos_token_id)]]
        streams.append(torch.tensor(ids))
    print(f"{len(words)} words, {len(streams[0]):,} training tokens, {len(streams[1]):,} held out", flush=True)

    batches = Batches(streams[0], tokenizer, words)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=arguments.steps, pct_start=0.1)
    start = time.perf_counter()
    for step in range(1, arguments.steps + 1):
        loss = weighted_loss(model, *batches.next())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == arguments.steps:
            held_out = text_loss(model, streams[1], batches.bos)
            right = answer_accuracy(model, batches.next()[0])
            seconds = time.perf_counter() - start
            print(f"step {step}  letters {right:.3f}  held-out text loss {held_out:.3f}  {seconds:.0f} s", flush=True)
    model.save_pretrained(arguments.out)
    (arguments.out / "generation_config.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
