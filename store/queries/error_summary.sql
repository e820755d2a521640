-- What do the SAEs of the last error study leave out: how much, how much of it linearly, and what does it cost?
WITH study AS (
    SELECT * FROM error_study ORDER BY created DESC LIMIT 1
),
figures AS (
    SELECT
        sae_id,
        first(value) FILTER (figure = 'fvu_sae') AS fvu_sae,
        first(value) FILTER (figure = 'fvu_nonlinear') AS fvu_nonlinear,
        first(value) FILTER (figure = 'r2_total') AS r2_total,
        first(low) FILTER (figure = 'r2_total') AS r2_total_low,
        first(high) FILTER (figure = 'r2_total') AS r2_total_high,
        first(value) FILTER (figure = 'norm_r2_error') AS norm_r2_error,
        first(low) FILTER (figure = 'norm_r2_error') AS norm_r2_error_low,
        first(high) FILTER (figure = 'norm_r2_error') AS norm_r2_error_high,
        first(value) FILTER (figure = 'norm_r2_nonlinear') AS norm_r2_nonlinear,
        first(value) FILTER (figure = 'shrinkage_share') AS shrinkage_share,
        first(value) FILTER (figure = 'recovered_linear') AS recovered_linear,
        first(value) FILTER (figure = 'recovered_nonlinear') AS recovered_nonlinear,
        first(value) FILTER (figure = 'fvu_pursuit') / nullif(first(value) FILTER (figure = 'fvu_same_tokens'), 0) - 1
            AS fvu_change,
        first(value) FILTER (figure = 'fvu_nonlinear_pursuit')
            / nullif(first(value) FILTER (figure = 'fvu_nonlinear_same_tokens'), 0) - 1 AS nonlinear_change
    FROM error_figure JOIN study USING (study_id)
    GROUP BY sae_id
)
SELECT
    sae.name,
    sae.width,
    sae.l0,
    figures.*,
    (SELECT avg(error_token.loss[list_position(study.sae_ids, sae.sae_id)] - error_token.clean_loss)
     FROM error_token WHERE error_token.study_id = study.study_id) AS loss_added,
    study.hook_name,
    study.n_tokens,
    study.n_test,
    study.notes,
    law.floor,
    law.scale,
    law.exponent,
    law.floor_low,
    law.floor_high,
    law.nonlinear_mean,
    law.nonlinear_slope,
    law.nonlinear_flat,
    error_family(study.family, study.sae_ids) AS family,
    study.study_id
FROM figures
JOIN sae USING (sae_id)
CROSS JOIN study
LEFT JOIN width_law AS law USING (study_id)
ORDER BY sae.width, sae.l0, sae.name
