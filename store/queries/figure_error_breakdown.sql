-- What is the error of each SAE made of? One row per SAE of the last error study of the hook point, with parts of its FVU on
-- held-out tokens that add up to it, with 95% intervals over contexts: by the power law over widths where its floor is
-- identifiable; NULL elsewhere.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
),
ends AS (
    SELECT
        found.sae_id,
        any_value(low) FILTER (figure = 'breakdown_absent') AS absent_low,
        any_value(high) FILTER (figure = 'breakdown_absent') AS absent_high,
        any_value(low) FILTER (figure = 'breakdown_linear') AS linear_low,
        any_value(high) FILTER (figure = 'breakdown_linear') AS linear_high,
        any_value(low) FILTER (figure = 'breakdown_nonlinear_encoder') AS encoder_low,
        any_value(high) FILTER (figure = 'breakdown_nonlinear_encoder') AS encoder_high,
        any_value(low) FILTER (figure = 'breakdown_nonlinear_rest') AS rest_low,
        any_value(high) FILTER (figure = 'breakdown_nonlinear_rest') AS rest_high
    FROM error_figure AS found
    JOIN study USING (study_id)
    GROUP BY found.sae_id
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    sae.width,
    sae.l0,
    measured.fvu,
    measured.fvu_low,
    measured.fvu_high,
    measured.fvu_nonlinear,
    measured.fvu_nonlinear_low,
    measured.fvu_nonlinear_high,
    measured.breakdown_absent,
    ends.absent_low AS breakdown_absent_low,
    ends.absent_high AS breakdown_absent_high,
    measured.breakdown_linear,
    ends.linear_low AS breakdown_linear_low,
    ends.linear_high AS breakdown_linear_high,
    measured.breakdown_nonlinear_encoder,
    ends.encoder_low AS breakdown_nonlinear_encoder_low,
    ends.encoder_high AS breakdown_nonlinear_encoder_high,
    measured.breakdown_nonlinear_rest,
    ends.rest_low AS breakdown_nonlinear_rest_low,
    ends.rest_high AS breakdown_nonlinear_rest_high,
    law.floor,
    law.floor_low,
    law.floor_high,
    law.nonlinear_mean,
    law.nonlinear_flat,
    error_family(study.family, study.sae_ids) AS family,
    study.n_test,
    study.study_id
FROM error_scaling AS measured
JOIN study USING (study_id)
JOIN sae_summary AS sae ON sae.sae_id = measured.sae_id
LEFT JOIN ends ON ends.sae_id = measured.sae_id
LEFT JOIN width_law AS law ON law.study_id = study.study_id
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY sae.width, sae.l0, sae.name
