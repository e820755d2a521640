-- What an error study measures only where it is asked to: of each such part, the last study that has measured it.

-- The study of some SAEs at a hook point of a model that last measured a part: 'component_saes', 'earlier_saes',
-- 'introduced_error', 'norm_baselines', 'losses' or 'width_norms'. NULL leaves saes, hook and model open. n_later is the
-- number of later studies there that have not measured it.
CREATE MACRO last_error_study_with(part, saes, hook, model) AS TABLE
WITH measured AS (
    SELECT study_id, sae_id, 'component_saes' AS what FROM component_sae
    UNION ALL BY NAME
    SELECT study_id, sae_id, 'earlier_saes' AS what FROM earlier_prediction
    UNION ALL BY NAME
    SELECT study_id, sae_id, 'introduced_error' AS what FROM introduced_error
    UNION ALL BY NAME
    SELECT study_id, smaller AS sae_id, 'width_norms' AS what FROM width_norm
    UNION ALL BY NAME
    SELECT
        study_id,
        sae_id,
        CASE WHEN starts_with(figure, 'baseline_r2_') THEN 'norm_baselines' ELSE 'losses' END AS what
    FROM error_figure
    WHERE (starts_with(figure, 'baseline_r2_') OR starts_with(figure, 'recovered_')) AND value IS NOT NULL
),
made AS (
    SELECT *, row_number() OVER (ORDER BY created DESC, study_id) - 1 AS n_later
    FROM error_study
    WHERE
        hook_name = coalesce(hook, hook_name)
        AND model_id = coalesce(model, model_id)
        AND coalesce(list_has_any(saes, sae_ids), true)
)
SELECT made.*
FROM made
WHERE made.study_id IN (
    SELECT measured.study_id
    FROM measured
    WHERE measured.what = part AND coalesce(list_contains(saes, measured.sae_id), true)
)
ORDER BY made.n_later
LIMIT 1;
