-- Are absorbed words harder for the same SAE, all else equal? One row per SAE that a job has compared in a study: percent by
-- which the error norm of absorbed words, and of its linear and nonlinear part, is larger than that of words of like
-- frequency and activation norm on which a main latent fires, with the 95% interval of the first; and than that of other
-- words on which the main latents are silent.
-- $study: NULL = the newest study with SAE $sae, or else the newest.
-- $tau, $lead, $min_cosine: thresholds that it was made with; NULL = those of the runs.
WITH study AS (
    SELECT study_id FROM error_study
    WHERE study_id = $study OR $study IS NULL
    ORDER BY coalesce(list_contains(sae_ids, $sae), false) DESC, created DESC, study_id
    LIMIT 1
)
SELECT
    compared.sae_id,
    compared.n_absorbed,
    any_value(found.value) FILTER (found.against = 'fires' AND found.figure = 'error') AS error,
    any_value(found.low) FILTER (found.against = 'fires' AND found.figure = 'error') AS low,
    any_value(found.high) FILTER (found.against = 'fires' AND found.figure = 'error') AS high,
    any_value(found.value) FILTER (found.against = 'fires' AND found.figure = 'linear') AS linear,
    any_value(found.value) FILTER (found.against = 'fires' AND found.figure = 'nonlinear') AS nonlinear,
    any_value(found.value) FILTER (found.against = 'silent' AND found.figure = 'error') AS silent
FROM last_absorbed_comparison((SELECT study_id FROM study), $tau, $lead, $min_cosine) AS compared
JOIN absorbed_error AS found USING (comparison_id, sae_id)
WHERE found.control = 'frequency and norm'
GROUP BY ALL
ORDER BY compared.sae_id
