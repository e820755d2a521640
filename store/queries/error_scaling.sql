-- How do the errors of the SAEs of a study change with width, in all and nonlinearly, and towards which floor do they fall?
-- One row per SAE, by rising width; the fit of all is on every row: fvu = floor + scale * width^-exponent.
-- $study: NULL = the newest study with SAE $sae, or else the newest.
WITH study AS (
    SELECT study_id FROM error_study
    WHERE study_id = $study OR $study IS NULL
    ORDER BY coalesce(list_contains(sae_ids, $sae), false) DESC, created DESC, study_id
    LIMIT 1
)
SELECT
    scaling.sae,
    scaling.* EXCLUDE (sae, study_id, sae_id) RENAME (fvu AS study_fvu, ce_recovered AS study_ce_recovered),
    law.* EXCLUDE (study_id),
    scaling.sae_id,
    scaling.study_id
FROM error_scaling AS scaling
JOIN study USING (study_id)
LEFT JOIN width_law AS law USING (study_id)
ORDER BY scaling.width, scaling.sae, scaling.sae_id
