-- How well does the error norm of each token under one SAE tell that under a wider one, and does the nonlinear part's
-- norm tell more? One row per pair of SAEs in the last error study of the hook point that has any; gains in percent of
-- what is left to explain.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('width_norms', $saes, $hook, $model)
)
SELECT
    smaller.name AS smaller,
    larger.name AS larger,
    list_position(study.sae_ids, norms.smaller) AS smaller_place,
    list_position(study.sae_ids, norms.larger) AS larger_place,
    norms.r2,
    norms.r2_low,
    norms.r2_high,
    norms.gain,
    norms.gain_low,
    norms.gain_high,
    norms.gain_linear,
    norms.gain_shuffled,
    smaller.model,
    study.hook_name,
    study.n_tokens,
    error_family(study.family, study.sae_ids) AS family,
    study.n_test,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM width_norm AS norms
JOIN study USING (study_id)
JOIN sae_summary AS smaller ON smaller.sae_id = norms.smaller
JOIN sae_summary AS larger ON larger.sae_id = norms.larger
WHERE coalesce(list_contains($saes, norms.smaller) AND list_contains($saes, norms.larger), true)
ORDER BY smaller_place, larger_place
