-- The best rival of the right letter with nothing removed, of every judged word; the ablations of before tell that of theirs.

ALTER TABLE absorption_word ADD COLUMN rival VARCHAR; -- the best of the 25 other letters on this prompt; NULL: judged before it was kept
ALTER TABLE absorption_word ADD COLUMN rival_lead REAL; -- logits by which the right letter leads it; below 0 it is the answer

UPDATE absorption_word SET rival = told.rival, rival_lead = told.rival_lead
FROM (
    SELECT sae_id, probe_id, token_id, any_value(clean_rival) AS rival, any_value(clean_rival_lead) AS rival_lead
    FROM ablation
    WHERE clean_rival IS NOT NULL
    GROUP BY ALL
) AS told
WHERE
    absorption_word.sae_id = told.sae_id
    AND absorption_word.probe_id = told.probe_id
    AND absorption_word.token_id = told.token_id;

COMMENT ON COLUMN absorption_word.rival IS 'The best of the 25 other letters on this prompt; NULL where it was not kept.';
COMMENT ON COLUMN absorption_word.rival_lead IS 'Logits by which the right letter leads the rival; below 0 the rival is the answer.';
