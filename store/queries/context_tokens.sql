-- What does context $context read, and on which of its tokens does latent $latent of SAE $sae fire?
-- $corpus: the token set; NULL = the one the SAE was evaluated on. $latent may be NULL.
WITH chosen AS (
    SELECT coalesce($corpus, corpus_id) AS corpus_id, model_id FROM sae WHERE sae_id = $sae
),
runs AS (
    SELECT activation_set, stride FROM activation_set JOIN chosen USING (corpus_id) WHERE sae_id = $sae
),
fired AS (
    SELECT place % (SELECT stride FROM runs) AS position, activation
    FROM activation_by_latent
    WHERE activation_set = (SELECT activation_set FROM runs)
        AND latent = $latent
        AND place BETWEEN $context::UBIGINT * (SELECT stride FROM runs)
            AND ($context::UBIGINT + 1) * (SELECT stride FROM runs) - 1
)
SELECT
    token.position,
    coalesce(vocabulary.surface, '#' || token.token_id) AS surface,
    coalesce(fired.activation, 0) AS activation,
    token_error.error_norm,
    token_error.activation_norm,
    token_error.l0,
    vocabulary.letter,
    token.token_id
FROM token
JOIN chosen USING (corpus_id)
LEFT JOIN vocabulary ON vocabulary.model_id = chosen.model_id AND vocabulary.token_id = token.token_id
LEFT JOIN fired ON fired.position = token.position
LEFT JOIN token_error
    ON token_error.sae_id = $sae
    AND token_error.corpus_id = token.corpus_id
    AND token_error.context = token.context
    AND token_error.position = token.position
WHERE token.context = $context
ORDER BY token.position
