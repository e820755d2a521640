-- What predicts an error's norm without the activation itself? One row per SAE of the last error study of the hook
-- point that has asked: R² of the squared error norm on held-out tokens, with 95% intervals over contexts, from the
-- activation's norm, from the L0, from the token's mean, and, for comparison, from a linear map of the activation.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('norm_baselines', $saes, $hook, $model)
),
measured AS (
    SELECT
        sae_id,
        map_from_entries(list({'key': figure, 'value': {'value': value, 'low': low, 'high': high}})) AS r2
    FROM error_figure JOIN study USING (study_id)
    WHERE starts_with(figure, 'baseline_r2_') OR figure = 'norm_r2_error'
    GROUP BY sae_id
    HAVING bool_or(starts_with(figure, 'baseline_r2_'))
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    sae.width,
    sae.l0,
    measured.r2,
    study.n_test,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM measured
JOIN sae_summary AS sae USING (sae_id)
CROSS JOIN study
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY sae.width, sae.l0, sae.name
