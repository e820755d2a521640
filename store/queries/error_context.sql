-- What does context $context read, and how large is the error of every SAE on each of its tokens? One row per token;
-- lists have one entry per SAE, in the order of sae_ids. Errors are NULL on tokens that the study left out, shares
-- where the error is negligible or its parts cancel.
-- $study: NULL = the newest study with SAE $sae, or else the newest.
WITH study AS (
    SELECT study_id, sae_ids, corpus_id, model_id, variance FROM error_study
    WHERE study_id = $study OR $study IS NULL
    ORDER BY coalesce(list_contains(sae_ids, $sae), false) DESC, created DESC, study_id
    LIMIT 1
),
tokens AS (
    SELECT
        study.*,
        unnest(token_context.token_ids) AS token_id,
        unnest(range(len(token_context.token_ids)))::USMALLINT AS position
    FROM token_context JOIN study USING (corpus_id)
    WHERE token_context.context = $context
)
SELECT
    tokens.position,
    coalesce(vocabulary.surface, '#' || tokens.token_id) AS surface,
    error.error_norm,
    error.linear_norm,
    error.nonlinear_norm,
    list_transform(
        range(1, len(error.error_norm) + 1),
        lambda i: nonlinear_share_of(
            [error.error_norm[i]], [error.linear_norm[i]], [error.nonlinear_norm[i]], tokens.variance
        )
    ) AS nonlinear_shares,
    error.l0,
    error.loss,
    error.clean_loss,
    error.activation_norm,
    error.hardness,
    error.slope,
    error.held_out,
    error.n_equal,
    error.equal_to,
    tokens.variance,
    tokens.sae_ids,
    vocabulary.letter,
    tokens.token_id
FROM tokens
LEFT JOIN vocabulary USING (model_id, token_id)
LEFT JOIN (
    SELECT * FROM error_token WHERE context = $context AND study_id = (SELECT study_id FROM study)
) AS error USING (position)
WHERE tokens.token_id IS NOT NULL
ORDER BY tokens.position
