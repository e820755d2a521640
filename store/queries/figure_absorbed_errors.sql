-- Are absorbed words harder for the same SAE? The comparison of the last error study of the hook point as a job has made it:
-- a row per figure, see absorbed_error. Where not all compared SAEs are asked for, the figures of the same words in several
-- SAEs are left out.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
-- $tau, $lead, $min_cosine: thresholds that it was made with; NULL = those of the runs.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
),
compared AS (
    FROM last_absorbed_comparison((SELECT study_id FROM study), $tau, $lead, $min_cosine)
)
SELECT
    sae.name,
    model.name AS model,
    study.hook_name,
    found.* EXCLUDE (comparison_id),
    compared.n_undecided,
    compared.n_not_held_out,
    compared.n_exact,
    study.study_id
FROM absorbed_error AS found
SEMI JOIN compared USING (comparison_id)
LEFT JOIN compared USING (sae_id)
LEFT JOIN sae USING (sae_id)
CROSS JOIN study
LEFT JOIN model ON model.model_id = study.model_id
WHERE CASE
    WHEN found.sae_id IS NULL THEN coalesce(list_has_all($saes, (SELECT list(sae_id) FROM compared)), true)
    ELSE coalesce(list_contains($saes, found.sae_id), true)
END
ORDER BY sae.width NULLS LAST, sae.l0, sae.name, found.control, found.against, found.words, found.figure
