-- What does latent $latent of SAE $sae fire on from weakly to strongly? One token from each tenth of its activations' range,
-- from 0 to the largest, drawn by its place alone, so that it is the same every time; with eight tokens to either side.
-- n_tokens: how many tokens are in the tenth; one without has no row.
-- $corpus: the token set; NULL = the one whose activations were stored last.
WITH chosen AS (
    SELECT activation_set, corpus_id, stride
    FROM activation_set
    WHERE sae_id = $sae
        AND corpus_id = coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae))
),
fired AS (
    SELECT
        fired.place,
        fired.activation,
        least(10, ceil(10 * fired.activation::DOUBLE / max(fired.activation) OVER ()))::UTINYINT AS tenth
    FROM activation_by_latent AS fired JOIN chosen USING (activation_set)
    WHERE fired.latent = $latent
),
drawn AS (
    SELECT
        tenth,
        count(*) AS n_tokens,
        -- Knuth's multiplicative hash: as good as random, and the same in every version of the database.
        arg_min(
            {'place': place, 'activation': activation},
            {'draw': (place % 4294967296) * 2654435761 % 4294967296, 'place': place}
        ) AS token
    FROM fired
    GROUP BY tenth
)
SELECT
    drawn.tenth,
    drawn.n_tokens,
    drawn.token.activation AS activation,
    (drawn.token.place // chosen.stride)::UINTEGER AS context,
    (drawn.token.place % chosen.stride)::INTEGER AS position,
    windows.first_position,
    windows.tokens,
    windows.activations,
    chosen.corpus_id
FROM drawn
CROSS JOIN chosen
LEFT JOIN activation_windows(
    (SELECT activation_set FROM chosen), $latent, (SELECT list(token.place) FROM drawn)
) AS windows ON windows.place = drawn.token.place
ORDER BY drawn.tenth DESC
