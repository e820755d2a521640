-- Which latents of SAE $sae fire on the token at $position of context $context, strongest first?
-- $corpus: the token set; NULL = the one the SAE was evaluated on.
WITH chosen AS (
    SELECT activation_set.activation_set, ($context::UBIGINT * stride + $position)::UBIGINT AS place
    FROM activation_set JOIN sae USING (sae_id)
    WHERE sae_id = $sae AND activation_set.corpus_id = coalesce($corpus, sae.corpus_id)
),
firing AS (
    SELECT activation_set, place, unnest(latents) AS latent
    FROM activation_by_token JOIN chosen USING (activation_set, place)
),
claims AS (
    SELECT latent, list(letter ORDER BY f1 DESC) AS letters
    FROM letter_latent
    WHERE sae_id = $sae
    GROUP BY latent
)
SELECT
    fired.latent,
    fired.activation,
    latent.density,
    latent.max_activation,
    latent.top_token,
    latent.promoted AS promotes,
    claims.letters
FROM activation_by_latent AS fired
JOIN firing USING (activation_set, latent, place)
LEFT JOIN (SELECT * FROM latent WHERE sae_id = $sae) AS latent USING (latent)
LEFT JOIN claims USING (latent)
ORDER BY fired.activation DESC
LIMIT $limit OFFSET $offset
