-- Pursuits token by token.

ALTER TABLE pursuit_code ADD COLUMN deviation REAL; -- distance of the activation to the mean activation, model units

-- Every token of every pursuit: what its encoder and the pursuit left out of it, as a share of its own variance, and which
-- latents the two have in common. A word in a prompt has no place in a corpus.
CREATE VIEW pursuit_token AS
SELECT
    code.pursuit_id,
    code.row,
    run.sae_id,
    run.study_id,
    run.method,
    run.l0_rule,
    sae.model_id,
    CASE WHEN code.context IS NOT NULL THEN run.corpus_id END AS corpus_id,
    code.context,
    code.position,
    code.token_id,
    vocabulary.surface,
    code.deviation,
    code.error_before,
    code.error_after,
    code.error_after / nullif(code.error_before, 0) - 1 AS change,
    (code.error_before / nullif(code.deviation, 0)) ** 2 AS fvu_before,
    (code.error_after / nullif(code.deviation, 0)) ** 2 AS fvu_after,
    code.nonlinear_before,
    code.nonlinear_after,
    (code.nonlinear_before / nullif(code.deviation, 0)) ** 2 AS fvu_nonlinear_before,
    (code.nonlinear_after / nullif(code.deviation, 0)) ** 2 AS fvu_nonlinear_after,
    code.l0_before,
    code.l0_after,
    len(list_intersect(code.latents_before, code.latents_after)) AS n_kept,
    code.l0_before - n_kept AS n_dropped,
    code.l0_after - n_kept AS n_added,
    code.latents_before,
    code.activations_before,
    code.latents_after,
    code.activations_after,
    code.residual_norms
FROM pursuit_code AS code
JOIN pursuit_run AS run USING (pursuit_id)
JOIN sae USING (sae_id)
LEFT JOIN vocabulary ON vocabulary.model_id = sae.model_id AND vocabulary.token_id = code.token_id;
