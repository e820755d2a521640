-- On which $limit held-out tokens of its newest error study (or of $study) is the error of SAE $sae largest? On the others
-- the study's linear map, which was fitted on them, makes the nonlinear part too small. Of tokens with equal activations,
-- which have equal errors, there is one.
WITH study AS (
    SELECT study_id, corpus_id, list_position(sae_ids, $sae) AS own
    FROM error_study
    WHERE list_contains(sae_ids, $sae) AND study_id = coalesce($study, study_id)
    ORDER BY created DESC
    LIMIT 1
)
SELECT token.context, token.position, token.error_norm[study.own] AS error_norm, study.study_id, study.corpus_id
FROM error_token AS token
JOIN study USING (study_id)
WHERE token.held_out AND coalesce(token.equal_to = (token.context::UBIGINT << 16 | token.position), true)
ORDER BY token.error_norm[study.own] DESC, token.context, token.position
LIMIT $limit
