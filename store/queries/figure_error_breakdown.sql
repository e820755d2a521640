-- What is the error of each SAE made of? One row per SAE of the last error study of the hook point, with parts of its FVU on
-- held-out tokens that add up to it: by the power law over widths where its floor is identifiable; NULL elsewhere.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
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
    measured.breakdown_linear,
    measured.breakdown_nonlinear_encoder,
    measured.breakdown_nonlinear_rest,
    law.floor,
    law.floor_low,
    law.floor_high,
    law.nonlinear_mean,
    law.nonlinear_flat,
    study.n_test,
    study.study_id
FROM error_scaling AS measured
JOIN study USING (study_id)
JOIN sae_summary AS sae ON sae.sae_id = measured.sae_id
LEFT JOIN width_law AS law ON law.study_id = study.study_id
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY sae.width, sae.l0, sae.name
