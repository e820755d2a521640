-- Does each part of the error cost as much as its size says? One row per SAE of the last error study of the hook point
-- that has run the model with the parts, and part: percent of the loss recovered by putting the part back, its share of
-- the error's norm and of the squared norm, on held-out contexts with 95% intervals over them.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('losses', $saes, $hook, $model)
),
measured AS (
    SELECT
        found.sae_id,
        split_part(found.figure, '_', -1) AS part,
        first(found.value) FILTER (starts_with(found.figure, 'recovered_')) AS recovered,
        first(found.low) FILTER (starts_with(found.figure, 'recovered_')) AS recovered_low,
        first(found.high) FILTER (starts_with(found.figure, 'recovered_')) AS recovered_high,
        first(found.value) FILTER (starts_with(found.figure, 'norm_share_')) AS norm_share,
        first(found.value) FILTER (starts_with(found.figure, 'squared_norm_share_')) AS squared_norm_share
    FROM error_figure AS found
    JOIN study USING (study_id)
    WHERE regexp_matches(found.figure, '^(recovered|norm_share|squared_norm_share)_(linear|nonlinear)$')
    GROUP BY ALL
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    sae.width,
    sae.l0,
    measured.part,
    measured.recovered,
    measured.recovered_low,
    measured.recovered_high,
    100 * measured.norm_share AS norm_share,
    100 * measured.squared_norm_share AS squared_norm_share,
    scaling.ce_damage,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM measured
JOIN sae_summary AS sae USING (sae_id)
CROSS JOIN study
LEFT JOIN error_scaling AS scaling ON scaling.study_id = study.study_id AND scaling.sae_id = measured.sae_id
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY measured.part, sae.width, sae.l0, sae.name
