-- Where the activations of an SAE are, and what stands around the tokens on which a latent fires.

-- The activations of each SAE that were stored last. They may be of other tokens than those it was trained and evaluated on.
CREATE VIEW last_activations AS
SELECT runs.*
FROM activation_set AS runs
LEFT JOIN written_scope AS written
    ON written.table_name = 'latent_activation'
    AND written.scope = 'sae_id=' || runs.sae_id || '/corpus_id=' || runs.corpus_id
QUALIFY row_number() OVER (
    PARTITION BY runs.sae_id ORDER BY written.attempt DESC NULLS LAST, runs.activation_set DESC
) = 1;

-- One row for each of some places of a set of activations: eight tokens to either side, and how strongly a latent fires on
-- each of them. The token at the place itself is tokens[position - first_position + 1].
CREATE MACRO activation_windows(number, latent_number, some_places) AS TABLE
WITH around AS (
    SELECT
        spans.place,
        spans.model_id,
        spans.near,
        spans.token_ids[spans.near + 1] AS token_id,
        (spans.context::UBIGINT * spans.stride + spans.near)::UBIGINT AS near_place
    FROM (
        SELECT
            asked.place,
            asked.context,
            asked.stride,
            asked.model_id,
            token_context.token_ids,
            unnest(range(greatest(asked.position - 8, 0), least(asked.position + 9, len(token_context.token_ids)))) AS near
        FROM (
            SELECT
                places.place,
                runs.corpus_id,
                runs.stride,
                sae.model_id,
                (places.place // runs.stride)::UINTEGER AS context,
                (places.place % runs.stride)::INTEGER AS position
            FROM (SELECT unnest(some_places) AS place) AS places
            CROSS JOIN activation_set AS runs
            JOIN sae USING (sae_id)
            WHERE runs.activation_set = number
        ) AS asked
        JOIN token_context USING (corpus_id, context)
    ) AS spans
    WHERE spans.token_ids[spans.near + 1] IS NOT NULL
)
SELECT
    around.place,
    min(around.near)::USMALLINT AS first_position,
    list(coalesce(vocabulary.surface, '#' || around.token_id) ORDER BY around.near) AS tokens,
    list(coalesce(fired.activation, 0) ORDER BY around.near) AS activations
FROM around
LEFT JOIN vocabulary USING (model_id, token_id)
LEFT JOIN activation_by_latent AS fired
    ON fired.activation_set = number AND fired.latent = latent_number AND fired.place = around.near_place
GROUP BY around.place;
