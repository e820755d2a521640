-- How well does the best latent of each SAE tell the letters, and how well does the probe? One row an SAE, with a list of
-- the scores of its usable letters.
-- $saes: ids; NULL = all. $letter: one letter; NULL = all that are usable.
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
    probe.probe_id,
    avg(best.f1) AS mean_f1,
    avg(best.precision) AS mean_precision,
    avg(best.recall) AS mean_recall,
    avg(probe.f1) AS mean_probe_f1,
    avg(probe.precision) AS mean_probe_precision,
    avg(probe.recall) AS mean_probe_recall,
    list(best.letter ORDER BY best.letter) AS letters,
    list(best.f1 ORDER BY best.letter) AS f1,
    list(best.precision ORDER BY best.letter) AS precision,
    list(best.recall ORDER BY best.letter) AS recall,
    list(probe.f1 ORDER BY best.letter) AS probe_f1,
    list(probe.precision ORDER BY best.letter) AS probe_precision,
    list(probe.recall ORDER BY best.letter) AS probe_recall
FROM letter_latent AS best
SEMI JOIN last_letters USING (sae_id, probe_id)
JOIN probe ON probe.probe_id = best.probe_id AND probe.letter = best.letter
JOIN sae_summary AS sae USING (sae_id)
WHERE
    best.rank = 1
    AND coalesce(list_contains($saes, sae.sae_id), true)
    AND probe.usable
    AND best.letter = coalesce($letter, best.letter)
GROUP BY ALL
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
