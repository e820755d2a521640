-- Which latents of SAE $sae fire on the token at $position of context $context, strongest first?
-- $corpus: the token set; NULL = the one the SAE was evaluated on.
WITH chosen AS (
    SELECT activation_set, $context::UBIGINT * stride + $position AS place
    FROM activation_set JOIN sae USING (sae_id)
    WHERE sae_id = $sae AND activation_set.corpus_id = coalesce($corpus, sae.corpus_id)
),
firing AS (
    SELECT unnest(latents) AS latent
    FROM activation_by_token
    WHERE activation_set = (SELECT activation_set FROM chosen) AND place = (SELECT place FROM chosen)
)
SELECT
    fired.latent,
    fired.activation,
    latent.density,
    latent.max_activation,
    latent.top_tokens[1] AS top_token,
    latent.promotes[1] AS promotes,
    (SELECT list(letter ORDER BY f1 DESC) FROM letter_latent AS claim
     WHERE claim.sae_id = $sae AND claim.latent = fired.latent) AS letters
FROM activation_by_latent AS fired
JOIN firing USING (latent)
LEFT JOIN latent ON latent.sae_id = $sae AND latent.latent = fired.latent
WHERE fired.activation_set = (SELECT activation_set FROM chosen) AND fired.place = (SELECT place FROM chosen)
ORDER BY fired.activation DESC
LIMIT $limit OFFSET $offset
