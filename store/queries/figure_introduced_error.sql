-- Does the split of an error find what was put into it? One row per SAE and cell of the grid of the last error study of the
-- hook point that has asked: the parts as fractions of the variance, estimated with 95% intervals over contexts, and as they
-- were put in; with the slope of the estimates against the truth over the SAE's cells, and their correlation.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('introduced_error', $saes, $hook, $model)
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    found.dense_deviation,
    found.introduced_deviation,
    found.removed_share,
    found.linear,
    found.linear_low,
    found.linear_high,
    found.true_linear,
    found.nonlinear,
    found.nonlinear_low,
    found.nonlinear_high,
    found.true_nonlinear,
    regr_slope(found.linear, found.true_linear) OVER of_sae AS linear_slope,
    regr_slope(found.nonlinear, found.true_nonlinear) OVER of_sae AS nonlinear_slope,
    corr(found.linear, found.true_linear) OVER of_sae AS linear_correlation,
    corr(found.nonlinear, found.true_nonlinear) OVER of_sae AS nonlinear_correlation,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM introduced_error AS found
JOIN study USING (study_id)
JOIN sae_summary AS sae USING (sae_id)
WHERE coalesce(list_contains($saes, sae.sae_id), true)
WINDOW of_sae AS (PARTITION BY found.sae_id)
ORDER BY
    sae.width, sae.l0, sae.name, found.removed_share, found.dense_deviation, found.introduced_deviation
