-- How well do the error norms of a narrower SAE predict those of a wider one, token by token, and what does the norm of the
-- nonlinear part add? One row per pair of SAEs; n_saes x n_saes, the upper triangle.
-- $study: NULL = the newest study with SAE $sae, or else the newest.
WITH study AS (
    SELECT study_id, sae_ids FROM error_study
    WHERE study_id = $study OR $study IS NULL
    ORDER BY coalesce(list_contains(sae_ids, $sae), false) DESC, created DESC, study_id
    LIMIT 1
)
SELECT
    narrow.name AS smaller_name,
    narrow.width AS smaller_width,
    wide.name AS larger_name,
    wide.width AS larger_width,
    norms.r2,
    norms.r2_low,
    norms.r2_high,
    norms.gain,
    norms.gain_low,
    norms.gain_high,
    norms.gain_linear,
    norms.gain_shuffled,
    norms.smaller,
    norms.larger
FROM width_norm AS norms
JOIN study USING (study_id)
LEFT JOIN sae AS narrow ON narrow.sae_id = norms.smaller
LEFT JOIN sae AS wide ON wide.sae_id = norms.larger
ORDER BY list_position(study.sae_ids, norms.smaller), list_position(study.sae_ids, norms.larger)
