-- Where does latent $latent of SAE $sae fire most strongly? One row per token, with eight tokens to either side and how
-- strongly the latent fires on each of them. $corpus: the token set; NULL = the one whose activations were stored last.
WITH chosen AS (
    SELECT activation_set, corpus_id, stride
    FROM activation_set
    WHERE sae_id = $sae
        AND corpus_id = coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae))
),
top AS (
    SELECT
        row_number() OVER (ORDER BY activation DESC, place) + coalesce($offset, 0) AS rank,
        activation,
        place,
        (place // stride)::UINTEGER AS context,
        (place % stride)::INTEGER AS position,
        corpus_id
    FROM (
        SELECT fired.place, fired.activation, chosen.stride, chosen.corpus_id
        FROM activation_by_latent AS fired JOIN chosen USING (activation_set)
        WHERE fired.latent = $latent
        ORDER BY fired.activation DESC, fired.place
        LIMIT $limit OFFSET $offset
    )
)
SELECT
    top.rank,
    top.activation,
    top.context,
    top.position,
    windows.first_position,
    windows.tokens,
    windows.activations,
    top.corpus_id
FROM top
LEFT JOIN activation_windows((SELECT activation_set FROM chosen), $latent, (SELECT list(place) FROM top)) AS windows
    USING (place)
ORDER BY top.rank
