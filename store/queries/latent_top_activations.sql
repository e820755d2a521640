-- Where does latent $latent of SAE $sae fire most strongly? One row a token, with eight tokens to either side and how
-- strongly the latent fires on each of them. $corpus: the token set; NULL = the one the SAE was evaluated on.
WITH chosen AS (
    SELECT activation_set, activation_set.corpus_id, stride, sae.model_id
    FROM activation_set JOIN sae USING (sae_id)
    WHERE sae_id = $sae AND activation_set.corpus_id = coalesce($corpus, sae.corpus_id)
),
fired AS (
    SELECT place, activation
    FROM activation_by_latent
    WHERE activation_set = (SELECT activation_set FROM chosen) AND latent = $latent
),
top AS (
    SELECT row_number() OVER (ORDER BY activation DESC, place) AS rank, place, activation
    FROM (SELECT * FROM fired ORDER BY activation DESC, place LIMIT $limit OFFSET $offset)
),
spot AS (
    SELECT
        top.rank,
        top.activation,
        chosen.corpus_id,
        chosen.model_id,
        chosen.stride,
        (top.place // chosen.stride)::UINTEGER AS context,
        (top.place % chosen.stride)::INTEGER AS position
    FROM top, chosen
),
around AS (
    SELECT
        spot.rank,
        token.position,
        coalesce(vocabulary.surface, '#' || token.token_id) AS surface,
        coalesce(fired.activation, 0) AS activation
    FROM spot
    JOIN token
        ON token.corpus_id = spot.corpus_id
        AND token.context = spot.context
        AND token.position BETWEEN spot.position - 8 AND spot.position + 8
    LEFT JOIN vocabulary ON vocabulary.model_id = spot.model_id AND vocabulary.token_id = token.token_id
    LEFT JOIN fired ON fired.place = spot.context::UBIGINT * spot.stride + token.position
)
SELECT
    spot.rank + $offset AS rank,
    spot.activation,
    spot.context,
    spot.position,
    min(around.position) AS first_position,
    list(around.surface ORDER BY around.position) AS tokens,
    list(around.activation ORDER BY around.position) AS activations
FROM spot LEFT JOIN around USING (rank)
GROUP BY ALL
ORDER BY 1
