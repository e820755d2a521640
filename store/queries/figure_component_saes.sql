-- Which components of an error are made of sparse features? One row per SAE and component of the last error study of the
-- hook point that trained SAEs on components: FVU and dead latents of an SAE of that component on held-out contexts,
-- with 95% intervals over them, and the FVU of the nonlinear part's SAE over that of the linear part's.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study_with('component_saes', $saes, $hook, $model)
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    found.component,
    found.fvu,
    found.fvu_low,
    found.fvu_high,
    found.dead_fraction,
    found.mean_square,
    found.width,
    found.k,
    found.n_tokens,
    found.nonlinear_to_linear,
    found.nonlinear_to_linear_low,
    found.nonlinear_to_linear_high,
    study.created AS studied,
    study.n_later,
    study.study_id
FROM component_sae AS found
JOIN study USING (study_id)
JOIN sae_summary AS sae USING (sae_id)
WHERE coalesce(list_contains($saes, sae.sae_id), true)
ORDER BY sae.width, sae.l0, sae.name, list_position(['activation', 'error', 'linear', 'nonlinear'], found.component)
