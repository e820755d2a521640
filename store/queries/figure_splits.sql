-- Into how many main latents does each SAE split its letters? One row per SAE, with a list over its usable letters;
-- left_out has the others, with their words.
-- $saes: ids; NULL = all. $letter: one letter, usable or not; NULL = all that are usable.
-- $tau: the threshold; NULL = that of the run.
WITH run AS (
    FROM last_absorption WHERE coalesce(list_contains($saes, sae_id), true)
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    try_cast(regexp_extract(sae.hook_name, 'blocks\.(\d+)\.', 1) AS INTEGER) AS layer,
    sae.architecture,
    sae.width,
    sae.k,
    sae.l0,
    own.recipe,
    coalesce($tau, run.tau) AS tau,
    avg(letters.n_main) FILTER (counted) AS mean_main,
    list(letters.letter ORDER BY letters.letter) FILTER (counted) AS letters,
    list(letters.n_main ORDER BY letters.letter) FILTER (counted) AS n_main,
    string_agg(letters.letter || ' ' || letters.n_words, ', ' ORDER BY letters.letter) FILTER (NOT counted) AS left_out
FROM (
    SELECT counts.*, probe.usable OR $letter IS NOT NULL AS counted, probe.n_train + probe.n_test AS n_words
    FROM main_latent_counts((SELECT list(sae_id) FROM run), $tau) AS counts
    JOIN probe USING (probe_id, letter)
) AS letters
JOIN run USING (sae_id, probe_id)
JOIN sae_summary AS sae USING (sae_id)
JOIN sae AS own ON own.sae_id = sae.sae_id
WHERE letters.letter = coalesce($letter, letters.letter)
GROUP BY ALL
HAVING bool_or(counted)
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
