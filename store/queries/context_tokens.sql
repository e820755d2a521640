-- What does context $context read, and on which of its tokens does latent $latent of SAE $sae fire?
-- $corpus: the token set; NULL = the one whose activations were stored last, or else the one of the SAE itself.
-- $latent may be NULL.
WITH chosen AS (
    SELECT
        coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae), corpus_id) AS corpus_id,
        model_id
    FROM sae
    WHERE sae_id = $sae
),
tokens AS (
    SELECT model_id, unnest(token_ids) AS token_id, unnest(range(len(token_ids)))::USMALLINT AS position
    FROM token_context JOIN chosen USING (corpus_id)
    WHERE context = $context
),
fired AS (
    SELECT (fired.place - $context::UBIGINT * runs.stride)::USMALLINT AS position, fired.activation
    FROM activation_by_latent AS fired
    JOIN (SELECT * FROM activation_set JOIN chosen USING (corpus_id) WHERE sae_id = $sae) AS runs USING (activation_set)
    WHERE fired.latent = $latent
        AND fired.place >= $context::UBIGINT * runs.stride
        AND fired.place < ($context::UBIGINT + 1) * runs.stride
)
SELECT
    tokens.position,
    coalesce(vocabulary.surface, '#' || tokens.token_id) AS surface,
    coalesce(fired.activation, 0) AS activation,
    error.error_norm,
    error.activation_norm,
    error.l0,
    vocabulary.letter,
    tokens.token_id
FROM tokens
LEFT JOIN vocabulary USING (model_id, token_id)
LEFT JOIN fired USING (position)
LEFT JOIN (
    SELECT token_error.* FROM token_error JOIN chosen USING (corpus_id) WHERE sae_id = $sae AND context = $context
) AS error USING (position)
WHERE tokens.token_id IS NOT NULL
ORDER BY tokens.position
