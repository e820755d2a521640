-- How much of every letter is absorbed in each of the SAEs in view ($in_view: ids)? One row per SAE and letter.
-- $tau, $lead, $min_cosine: thresholds; NULL = those of the run.
SELECT
    sae.name AS sae,
    rates.letter,
    rates.rate,
    rates.mean_fraction,
    rates.full_rate,
    rates.n_main,
    rates.n_probe,
    rates.n_candidates,
    rates.n_absorbed,
    probe.usable,
    sae.width,
    sae.l0,
    sae.hook_name,
    sae.sae_id,
    rates.probe_id
FROM absorption_rates($in_view, $tau, $lead, $min_cosine) AS rates
SEMI JOIN last_absorption USING (sae_id, probe_id)
JOIN sae USING (sae_id)
JOIN probe USING (probe_id, letter)
ORDER BY sae.hook_name, sae.width, sae.l0, sae.name, rates.letter
