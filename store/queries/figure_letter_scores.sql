-- How well does the latent of each SAE whose encoder is most like a letter's probe tell the letter, and how well does the
-- probe? One row per SAE, with a list of the scores of its usable letters; mean_best_f1 is that of the latents with the
-- highest F1. Latents are scored on all words, which none of them was trained on, probes on their test words.
-- left_out has the letters that are not usable, with their words.
-- $saes: ids; NULL = all. $letter: one letter, usable or not; NULL = all that are usable.
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
    probe.probe_id,
    avg(picked.f1) FILTER (counted) AS mean_f1,
    avg(picked.precision) FILTER (counted) AS mean_precision,
    avg(picked.recall) FILTER (counted) AS mean_recall,
    avg(best.f1) FILTER (counted) AS mean_best_f1,
    avg(probe.f1) FILTER (counted) AS mean_probe_f1,
    avg(probe.precision) FILTER (counted) AS mean_probe_precision,
    avg(probe.recall) FILTER (counted) AS mean_probe_recall,
    list(picked.letter ORDER BY picked.letter) FILTER (counted) AS letters,
    list(picked.f1 ORDER BY picked.letter) FILTER (counted) AS f1,
    list(picked.precision ORDER BY picked.letter) FILTER (counted) AS precision,
    list(picked.recall ORDER BY picked.letter) FILTER (counted) AS recall,
    list(probe.f1 ORDER BY picked.letter) FILTER (counted) AS probe_f1,
    list(probe.precision ORDER BY picked.letter) FILTER (counted) AS probe_precision,
    list(probe.recall ORDER BY picked.letter) FILTER (counted) AS probe_recall,
    string_agg(picked.letter || ' ' || probe.n_words, ', ' ORDER BY picked.letter) FILTER (NOT counted) AS left_out
FROM letter_latent AS picked
SEMI JOIN last_letters USING (sae_id, probe_id)
JOIN letter_latent AS best USING (sae_id, probe_id, letter)
JOIN (
    SELECT *, usable OR $letter IS NOT NULL AS counted, n_train + n_test AS n_words FROM probe
) AS probe USING (probe_id, letter)
JOIN sae_summary AS sae USING (sae_id)
JOIN sae AS own ON own.sae_id = sae.sae_id
WHERE
    picked.by_encoder
    AND best.rank = 1
    AND coalesce(list_contains($saes, sae.sae_id), true)
    AND picked.letter = coalesce($letter, picked.letter)
GROUP BY ALL
HAVING bool_or(counted)
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
