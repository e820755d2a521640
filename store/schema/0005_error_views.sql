-- The error study as people look at it: tokens with what all SAEs leave out of them, and SAEs with what they leave out.

-- The study that was last made at a hook point of a model, with any of some SAEs; NULL leaves each of them open.
CREATE MACRO last_error_study(saes, hook, model) AS TABLE
SELECT *
FROM error_study
WHERE
    hook_name = coalesce(hook, hook_name)
    AND model_id = coalesce(model, model_id)
    AND coalesce(list_has_any(saes, sae_ids), true)
ORDER BY created DESC, study_id
LIMIT 1;

-- Every token of every study; lists have one entry per SAE, in the order of sae_ids.
CREATE VIEW hard_token AS
SELECT
    token.* EXCLUDE (token_id),
    vocabulary.surface,
    vocabulary.letter,
    study.sae_ids,
    study.hook_name,
    study.corpus_id,
    token.token_id
FROM error_token AS token
JOIN error_study AS study USING (study_id)
LEFT JOIN vocabulary ON vocabulary.model_id = study.model_id AND vocabulary.token_id = token.token_id;

-- Every SAE of every study, by rising width: what is left unexplained of the variance, in all and nonlinearly, with 95%
-- intervals over contexts; how much of the error vector and of its squared norm is linear in the activation (2410.14670);
-- how much of it is shrinkage; and how much of the loss the reconstruction gives back, of the tokens on which the parts
-- of the error were put back, which are fewer than the study's.
CREATE VIEW error_scaling AS
SELECT
    study.study_id,
    member.sae_id,
    sae.name AS sae,
    member.width,
    sae.l0,
    figures.fvu,
    figures.fvu_low,
    figures.fvu_high,
    figures.fvu_nonlinear,
    figures.fvu_nonlinear_low,
    figures.fvu_nonlinear_high,
    figures.r2_error,
    figures.r2_error_low,
    figures.r2_error_high,
    figures.r2_norm,
    figures.r2_norm_low,
    figures.r2_norm_high,
    figures.r2_nonlinear_norm,
    figures.shrinkage_factor,
    figures.shrinkage_r2,
    figures.shrinkage_share,
    (figures.loss_zeroed - figures.loss_reconstructed) / nullif(figures.loss_zeroed - figures.loss_clean, 0)
        AS ce_recovered,
    figures.loss_reconstructed - figures.loss_clean AS ce_damage,
    figures.recovered_linear,
    figures.recovered_nonlinear,
    figures.norm_share_linear,
    figures.norm_share_nonlinear,
    figures.squared_norm_share_linear,
    figures.squared_norm_share_nonlinear,
    figures.fvu_pursuit,
    figures.fvu_nonlinear_pursuit,
    figures.breakdown_absent,
    figures.breakdown_linear,
    figures.breakdown_nonlinear_encoder,
    figures.breakdown_nonlinear_rest,
    study.hook_name,
    study.corpus_id
FROM error_study AS study
JOIN (
    SELECT study_id, unnest(sae_ids) AS sae_id, unnest(widths) AS width, unnest(range(len(sae_ids))) AS place
    FROM error_study
) AS member USING (study_id)
LEFT JOIN sae USING (sae_id)
LEFT JOIN (
    SELECT
        study_id,
        sae_id,
        max(value) FILTER (figure = 'fvu_sae') AS fvu,
        max(low) FILTER (figure = 'fvu_sae') AS fvu_low,
        max(high) FILTER (figure = 'fvu_sae') AS fvu_high,
        max(value) FILTER (figure = 'fvu_nonlinear') AS fvu_nonlinear,
        max(low) FILTER (figure = 'fvu_nonlinear') AS fvu_nonlinear_low,
        max(high) FILTER (figure = 'fvu_nonlinear') AS fvu_nonlinear_high,
        max(value) FILTER (figure = 'r2_total') AS r2_error,
        max(low) FILTER (figure = 'r2_total') AS r2_error_low,
        max(high) FILTER (figure = 'r2_total') AS r2_error_high,
        max(value) FILTER (figure = 'norm_r2_error') AS r2_norm,
        max(low) FILTER (figure = 'norm_r2_error') AS r2_norm_low,
        max(high) FILTER (figure = 'norm_r2_error') AS r2_norm_high,
        max(value) FILTER (figure = 'norm_r2_nonlinear') AS r2_nonlinear_norm,
        max(value) FILTER (figure = 'shrinkage_factor') AS shrinkage_factor,
        max(value) FILTER (figure = 'shrinkage_r2') AS shrinkage_r2,
        max(value) FILTER (figure = 'shrinkage_share') AS shrinkage_share,
        max(value) FILTER (figure = 'loss_clean') AS loss_clean,
        max(value) FILTER (figure = 'loss_zeroed') AS loss_zeroed,
        max(value) FILTER (figure = 'loss_reconstructed') AS loss_reconstructed,
        max(value) FILTER (figure = 'recovered_linear') AS recovered_linear,
        max(value) FILTER (figure = 'recovered_nonlinear') AS recovered_nonlinear,
        max(value) FILTER (figure = 'norm_share_linear') AS norm_share_linear,
        max(value) FILTER (figure = 'norm_share_nonlinear') AS norm_share_nonlinear,
        max(value) FILTER (figure = 'squared_norm_share_linear') AS squared_norm_share_linear,
        max(value) FILTER (figure = 'squared_norm_share_nonlinear') AS squared_norm_share_nonlinear,
        max(value) FILTER (figure = 'fvu_pursuit') AS fvu_pursuit,
        max(value) FILTER (figure = 'fvu_nonlinear_pursuit') AS fvu_nonlinear_pursuit,
        max(value) FILTER (figure = 'breakdown_absent') AS breakdown_absent,
        max(value) FILTER (figure = 'breakdown_linear') AS breakdown_linear,
        max(value) FILTER (figure = 'breakdown_nonlinear_encoder') AS breakdown_nonlinear_encoder,
        max(value) FILTER (figure = 'breakdown_nonlinear_rest') AS breakdown_nonlinear_rest
    FROM error_figure
    GROUP BY ALL
) AS figures USING (study_id, sae_id)
ORDER BY study.study_id, member.place;
