-- How much of each letter is absorbed in each SAE, by both metrics? One row per SAE, with lists over its usable letters.
-- $saes: ids; NULL = all. $letter: one letter; NULL = all that are usable.
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run.
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
    coalesce($lead, run.lead) AS lead,
    coalesce($min_cosine, run.min_cosine) AS min_cosine,
    run.model_accuracy,
    avg(letters.rate) AS rate,
    avg(letters.mean_fraction) AS mean_fraction,
    avg(letters.full_rate) AS full_rate,
    list(letters.letter ORDER BY letters.letter) AS letters,
    list(letters.rate ORDER BY letters.letter) AS letter_rates,
    list(letters.mean_fraction ORDER BY letters.letter) AS letter_fractions,
    list(letters.n_probe ORDER BY letters.letter) AS n_probe,
    list(letters.n_candidates ORDER BY letters.letter) AS n_candidates,
    list(letters.n_sampled ORDER BY letters.letter) AS n_sampled
FROM absorption_rates((SELECT list(sae_id) FROM run), $tau, $lead, $min_cosine) AS letters
JOIN run USING (sae_id, probe_id)
JOIN probe USING (probe_id, letter)
JOIN sae_summary AS sae USING (sae_id)
JOIN sae AS own ON own.sae_id = sae.sae_id
WHERE probe.usable AND letters.letter = coalesce($letter, letters.letter)
GROUP BY ALL
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
