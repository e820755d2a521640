-- How much variance do SAEs of growing width leave unexplained, and how much of that not even linearly? One row per SAE:
-- as evaluated after training (fvu), and on held-out tokens of the last error study of its hook point, with 95% intervals
-- over contexts and the power law over the widths of its family (floor + scale * width^-exponent; NULL where it is not
-- identifiable).
-- $saes: ids; NULL = all.
WITH study AS (
    FROM error_study
    QUALIFY row_number() OVER (PARTITION BY model_id, hook_name ORDER BY created DESC, study_id) = 1
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    try_cast(regexp_extract(sae.hook_name, 'blocks\.(\d+)\.', 1) AS INTEGER) AS layer,
    sae.architecture,
    sae.width,
    sae.k,
    sae.l0,
    sae.fvu,
    sae.n_evaluated,
    own.recipe,
    error_family(study.family, study.sae_ids) AS family,
    study.study_id,
    study.n_test,
    measured.fvu AS study_fvu,
    measured.fvu_low AS study_fvu_low,
    measured.fvu_high AS study_fvu_high,
    measured.fvu_nonlinear,
    measured.fvu_nonlinear_low,
    measured.fvu_nonlinear_high,
    law.floor,
    law.scale,
    law.exponent,
    law.floor_low,
    law.floor_high,
    law.floor_context_low,
    law.floor_context_high,
    law.nonlinear_flat
FROM sae_summary AS sae
JOIN sae AS own ON own.sae_id = sae.sae_id
LEFT JOIN (error_scaling AS measured JOIN study USING (study_id)) ON measured.sae_id = sae.sae_id
LEFT JOIN width_law AS law ON law.study_id = study.study_id
WHERE
    coalesce(list_contains($saes, sae.sae_id), true)
    AND (sae.fvu IS NOT NULL OR measured.fvu IS NOT NULL)
ORDER BY sae.model, sae.hook_name, sae.architecture, sae.width, sae.l0, sae.name
