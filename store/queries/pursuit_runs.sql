-- What did every pursuit give: of which tokens, in which SAE, and what was left before and after, in all and nonlinearly?
-- Latest first. Changes are relative to before; 2410.14670 saw −3% to −5% of FVU, and little of the nonlinear part.
SELECT
    run.pursuit_id,
    run.chosen,
    sae.name AS sae,
    run.method,
    run.l0_rule,
    run.n_tokens,
    run.fvu_before,
    run.fvu_after,
    run.fvu_after / nullif(run.fvu_before, 0) - 1 AS fvu_change,
    run.fvu_nonlinear_before,
    run.fvu_nonlinear_after,
    run.fvu_nonlinear_after / nullif(run.fvu_nonlinear_before, 0) - 1 AS nonlinear_change,
    run.l0_before,
    run.l0_after,
    run.n_excluded,
    run.products_saved,
    run.seconds,
    run.n_tokens / nullif(run.seconds, 0) AS tokens_per_second,
    run.created,
    run.study_id,
    run.corpus_id,
    sae.hook_name,
    run.sae_id
FROM pursuit_run AS run
JOIN sae USING (sae_id)
ORDER BY run.created DESC, run.pursuit_id
