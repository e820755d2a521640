-- Which latents of SAE $sae fire on the token at $position of context $context, strongest first?
-- $corpus: the token set; NULL = the one whose activations were stored last.
WITH chosen AS (
    SELECT activation_set, ($context::UBIGINT * stride + $position)::UBIGINT AS place
    FROM activation_set
    WHERE sae_id = $sae
        AND corpus_id = coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae))
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
