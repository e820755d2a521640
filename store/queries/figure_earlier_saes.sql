-- How much of an error do SAEs of earlier hook points explain? One row per SAE, source and part of the error of the
-- last error study of the hook point that has asked: R2 on held-out contexts, with 95% intervals over them. Sources are
-- the earlier SAEs, all of them together, and the SAE's own reconstruction, for comparison.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('earlier_saes', $saes, $hook, $model)
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    found.source,
    earlier.name AS earlier,
    earlier.hook_name AS earlier_hook_name,
    found.part,
    found.r2,
    found.r2_low,
    found.r2_high,
    found.ridge,
    found.n_train,
    found.n_test,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM earlier_prediction AS found
JOIN study USING (study_id)
JOIN sae_summary AS sae USING (sae_id)
LEFT JOIN sae_summary AS earlier ON earlier.sae_id = found.source
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY
    sae.width,
    sae.l0,
    sae.name,
    coalesce(list_position(['all', 'own'], found.source), 0),
    earlier.hook_name,
    earlier.name,
    found.source,
    list_position(['error', 'linear', 'nonlinear'], found.part)
