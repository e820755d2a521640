-- Which words of letter $letter does latent $latent of SAE $sae find or miss, and on which others does it fire?
-- $probe: the set of probes; NULL = the one last used on the SAE.
WITH chosen AS (
    SELECT coalesce($probe, (SELECT probe_id FROM last_letters WHERE sae_id = $sae)) AS probe_id
),
fired AS (
    SELECT token_id, activation
    FROM word_activation JOIN chosen USING (probe_id)
    WHERE sae_id = $sae AND latent = $latent
)
SELECT
    word.surface,
    coalesce(fired.activation, 0) AS activation,
    CASE
        WHEN word.letter <> $letter THEN 'false alarm'
        WHEN fired.activation IS NULL THEN 'missed'
        ELSE 'found'
    END AS verdict,
    word.probe_logit,
    word.letter,
    word.split,
    word.answer_margin,
    word.answered,
    vocabulary.frequency,
    word.token_id
FROM word
JOIN chosen USING (probe_id)
LEFT JOIN fired USING (token_id)
LEFT JOIN (SELECT DISTINCT probe_id, model_id FROM probe) AS probed ON probed.probe_id = word.probe_id
LEFT JOIN vocabulary ON vocabulary.model_id = probed.model_id AND vocabulary.token_id = word.token_id
WHERE word.letter = $letter OR fired.activation IS NOT NULL
ORDER BY word.letter <> $letter, fired.activation DESC NULLS FIRST, word.probe_logit DESC, word.surface
LIMIT $limit OFFSET $offset
