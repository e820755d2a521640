-- Where does latent $latent of SAE $sae fire most strongly? One row per token, with eight tokens to either side and how
-- strongly the latent fires on each of them. $corpus: the token set; NULL = the one the SAE was evaluated on.
WITH chosen AS (
    SELECT activation_set.activation_set, activation_set.corpus_id, activation_set.stride, sae.model_id
    FROM activation_set JOIN sae USING (sae_id)
    WHERE sae_id = $sae AND activation_set.corpus_id = coalesce($corpus, sae.corpus_id)
),
fired AS MATERIALIZED (
    SELECT place, activation
    FROM activation_by_latent JOIN chosen USING (activation_set)
    WHERE latent = $latent
),
top AS (
    SELECT
        row_number() OVER (ORDER BY fired.activation DESC, fired.place) + coalesce($offset, 0) AS rank,
        fired.activation,
        (fired.place // chosen.stride)::UINTEGER AS context,
        (fired.place % chosen.stride)::INTEGER AS position,
        chosen.*
    FROM (SELECT * FROM fired ORDER BY activation DESC, place LIMIT $limit OFFSET $offset) AS fired, chosen
),
spans AS (
    SELECT
        top.rank,
        top.model_id,
        top.context::UBIGINT * top.stride AS first_place,
        token_context.token_ids,
        unnest(range(greatest(top.position - 8, 0), least(top.position + 9, len(token_context.token_ids)))) AS position
    FROM top JOIN token_context USING (corpus_id, context)
),
around AS (
    SELECT
        rank,
        model_id,
        position,
        token_ids[position + 1] AS token_id,
        (first_place + position)::UBIGINT AS place
    FROM spans
    WHERE token_ids[position + 1] IS NOT NULL
),
windows AS (
    SELECT
        around.rank,
        min(around.position)::USMALLINT AS first_position,
        list(coalesce(vocabulary.surface, '#' || around.token_id) ORDER BY around.position) AS tokens,
        list(coalesce(fired.activation, 0) ORDER BY around.position) AS activations
    FROM around
    LEFT JOIN vocabulary USING (model_id, token_id)
    LEFT JOIN fired USING (place)
    GROUP BY around.rank
)
SELECT
    top.rank,
    top.activation,
    top.context,
    top.position,
    windows.first_position,
    windows.tokens,
    windows.activations
FROM top LEFT JOIN windows USING (rank)
ORDER BY top.rank
