-- How much of each letter is absorbed in each SAE, by both metrics? One row per SAE, with lists over its usable letters;
-- all_letters, with their numbers, are those that are not usable as well, and left_out these alone, with their words.
-- $saes: ids; NULL = all. $letter: one letter, usable or not; NULL = all that are usable.
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
    avg(letters.rate) FILTER (counted) AS rate,
    avg(letters.mean_fraction) FILTER (counted) AS mean_fraction,
    avg(letters.full_rate) FILTER (counted) AS full_rate,
    list(letters.letter ORDER BY letters.letter) FILTER (counted) AS letters,
    list(letters.rate ORDER BY letters.letter) FILTER (counted) AS letter_rates,
    list(letters.mean_fraction ORDER BY letters.letter) FILTER (counted) AS letter_fractions,
    list(letters.n_probe ORDER BY letters.letter) FILTER (counted) AS n_probe,
    list(letters.n_candidates ORDER BY letters.letter) FILTER (counted) AS n_candidates,
    list(letters.n_sampled ORDER BY letters.letter) FILTER (counted) AS n_sampled,
    list(letters.letter ORDER BY letters.letter) AS all_letters,
    list(letters.rate ORDER BY letters.letter) AS all_rates,
    list(letters.mean_fraction ORDER BY letters.letter) AS all_fractions,
    string_agg(letters.letter || ' ' || letters.n_words, ', ' ORDER BY letters.letter) FILTER (NOT counted) AS left_out
FROM (
    SELECT rates.*, probe.usable OR $letter IS NOT NULL AS counted, probe.n_train + probe.n_test AS n_words
    FROM absorption_rates((SELECT list(sae_id) FROM run), $tau, $lead, $min_cosine) AS rates
    JOIN probe USING (probe_id, letter)
) AS letters
JOIN run USING (sae_id, probe_id)
JOIN sae_summary AS sae USING (sae_id)
JOIN sae AS own ON own.sae_id = sae.sae_id
WHERE letters.letter = coalesce($letter, letters.letter)
GROUP BY ALL
HAVING bool_or(counted)
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
