-- The best of the other letters, beside which the model's answer is decided; NULL where an ablation was run before this was kept.

ALTER TABLE ablation ADD COLUMN rival VARCHAR; -- the best of the 25 other letters without the latent
ALTER TABLE ablation ADD COLUMN rival_lead REAL; -- logits by which the right letter leads it; below 0 the rival is the answer
ALTER TABLE ablation ADD COLUMN clean_rival VARCHAR; -- the same with nothing removed
ALTER TABLE ablation ADD COLUMN clean_rival_lead REAL;

COMMENT ON COLUMN ablation.rival IS 'the best of the 25 other letters without the latent.';
COMMENT ON COLUMN ablation.rival_lead IS 'logits by which the right letter leads the rival; below 0 the rival is the answer.';
COMMENT ON COLUMN ablation.clean_rival IS 'the best of the 25 other letters with nothing removed.';
COMMENT ON COLUMN ablation.clean_rival_lead IS 'logits by which the right letter leads that one with nothing removed.';
