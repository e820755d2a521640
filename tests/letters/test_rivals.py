"""The best of the other letters, and by how much the right one leads it."""

import torch

from saetui.letters.readings import best_rivals


def test_the_rival_is_the_best_of_the_others_and_leads_where_it_is_the_answer() -> None:
    logits = torch.zeros(3, 26)
    logits[0, 18], logits[0, 0], logits[0, 4] = 5.0, 2.0, 3.5
    logits[1, 18], logits[1, 0] = 1.0, 4.0
    logits[2, 25] = -1.0
    rivals, leads = best_rivals(logits, torch.tensor([18, 18, 25]))
    assert rivals.tolist()[:2] == [4, 0]
    assert leads.tolist() == [1.5, -3.0, -1.0]
    assert ((leads < 0) == (logits.argmax(1) != torch.tensor([18, 18, 25]))).all()
