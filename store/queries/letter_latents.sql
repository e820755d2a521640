-- Which latents of SAE $sae claim letter $letter, best first, and on how many words does each fire or stay silent?
-- $probe: the set of probes; NULL = the one last used on the SAE.
WITH chosen AS (
    SELECT coalesce($probe, (SELECT probe_id FROM last_letters WHERE sae_id = $sae)) AS probe_id
),
firing AS (
    SELECT
        fired.latent,
        count(*) FILTER (word.letter = $letter) AS found,
        count(*) FILTER (word.letter <> $letter) AS false_alarms
    FROM word_activation AS fired
    JOIN chosen USING (probe_id)
    JOIN word ON word.probe_id = fired.probe_id AND word.token_id = fired.token_id
    WHERE fired.sae_id = $sae
    GROUP BY fired.latent
)
SELECT
    letter_latent.rank,
    letter_latent.latent,
    letter_latent.f1,
    letter_latent.precision,
    letter_latent.recall,
    letter_latent.auroc,
    letter_latent.cos_encoder,
    letter_latent.cos_decoder,
    latent.density,
    letter_latent.is_main,
    letter_latent.f1_gain,
    letter_latent.by_encoder,
    latent.top_token,
    latent.max_activation,
    -- "main" by the k-sparse rule or, where that was not run, by the encoder's cosine, which is the paper's "pick"
    CASE
        WHEN coalesce(letter_latent.is_main, letter_latent.by_encoder) THEN 'main'
        WHEN letter_latent.by_encoder THEN 'pick'
    END AS role,
    coalesce(firing.found, 0) AS n_found,
    probe.n_train + probe.n_test - coalesce(firing.found, 0) AS n_missed,
    coalesce(firing.false_alarms, 0) AS n_false_alarms
FROM letter_latent
JOIN chosen USING (probe_id)
LEFT JOIN probe ON probe.probe_id = letter_latent.probe_id AND probe.letter = letter_latent.letter
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = letter_latent.latent
LEFT JOIN firing ON firing.latent = letter_latent.latent
WHERE letter_latent.sae_id = $sae
    AND letter_latent.letter = $letter
ORDER BY letter_latent.rank, letter_latent.latent
