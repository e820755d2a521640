-- Where does word $token stand in the corpus, and do the main latents of letter $letter of SAE $sae fire there, or the
-- latent that took the word over? One row per occurrence, with eight tokens to either side and how strongly the main
-- latents (summed) and the absorber fire on each of them; at most 200 unless $limit says otherwise.
-- $metric and $tau as in absorption_cases. $corpus: the token set; NULL = the one whose activations were stored last.
WITH chosen AS (
    SELECT activation_set.activation_set, activation_set.corpus_id, activation_set.stride, sae.model_id
    FROM activation_set JOIN sae USING (sae_id)
    WHERE sae_id = $sae
        AND activation_set.corpus_id
            = coalesce($corpus, (SELECT corpus_id FROM last_activations WHERE sae_id = $sae))
),
judged AS (
    SELECT
        scores.probe_id,
        scores.letter,
        scores.token_id,
        scores.n_main,
        CASE WHEN $metric = 'paper' AND is_silent THEN coalesce(leading_latent, largest_latent) ELSE largest_latent END
            AS absorber
    FROM absorption_scores([$sae], $tau) AS scores
    JOIN word USING (probe_id, token_id)
    WHERE scores.letter = $letter
        AND word.surface = $token
        AND scores.probe_id = coalesce($probe, (SELECT probe_id FROM last_absorption WHERE sae_id = $sae))
),
fired AS MATERIALIZED (
    SELECT
        activation.place,
        coalesce(sum(activation.activation) FILTER (followed.is_main), 0) AS main_activation,
        coalesce(sum(activation.activation) FILTER (NOT followed.is_main), 0) AS absorber_activation
    FROM activation_by_latent AS activation
    JOIN chosen USING (activation_set)
    JOIN (
        SELECT ranked.latent, true AS is_main
        FROM sparse_probe AS ranked JOIN judged USING (probe_id, letter)
        WHERE ranked.sae_id = $sae AND ranked.k <= judged.n_main
        UNION ALL
        SELECT absorber, false FROM judged
    ) AS followed USING (latent)
    GROUP BY activation.place
),
found AS (
    SELECT
        context,
        list_position(token_ids, token_id) AS first_place,
        token_ids,
        token_id,
        chosen.stride,
        chosen.model_id
    FROM token_context
    JOIN chosen USING (corpus_id)
    CROSS JOIN (SELECT token_id FROM judged) AS judged
    WHERE list_contains(token_ids, token_id)
),
places AS (
    SELECT context, position, context::UBIGINT * stride + position AS place, token_ids, model_id
    FROM (
        SELECT *, unnest(list_filter(range(len(token_ids)), lambda p: token_ids[p + 1] = token_id)) AS position
        FROM found
    )
),
top AS (
    SELECT
        row_number() OVER (ORDER BY absorber_activation DESC, places.place) AS rank,
        count(*) OVER () AS n_occurrences,
        places.*,
        coalesce(fired.main_activation, 0) AS main_activation,
        coalesce(fired.absorber_activation, 0) AS absorber_activation
    FROM places LEFT JOIN fired USING (place)
    ORDER BY coalesce(fired.absorber_activation, 0) DESC, places.place
    LIMIT coalesce($limit, 200) OFFSET $offset
),
around AS (
    SELECT
        rank,
        model_id,
        unnest(range(greatest(position - 8, 0), least(position + 9, len(token_ids)))) AS near,
        token_ids[near + 1] AS token_id,
        place - position + near AS place
    FROM top
),
windows AS (
    SELECT
        around.rank,
        min(around.near)::INTEGER AS first_position,
        list(coalesce(vocabulary.surface, '#' || around.token_id) ORDER BY around.near) AS tokens,
        list(coalesce(fired.main_activation, 0) ORDER BY around.near) AS main_activations,
        list(coalesce(fired.absorber_activation, 0) ORDER BY around.near) AS absorber_activations
    FROM around
    LEFT JOIN vocabulary USING (model_id, token_id)
    LEFT JOIN fired USING (place)
    WHERE around.token_id IS NOT NULL
    GROUP BY around.rank
)
SELECT
    top.rank,
    top.main_activation,
    top.absorber_activation,
    windows.tokens,
    windows.main_activations,
    windows.absorber_activations,
    top.position - windows.first_position AS focus,
    top.context,
    top.position,
    top.n_occurrences,
    corpus.name AS corpus,
    corpus.n_tokens,
    $token AS surface
FROM top
JOIN windows USING (rank)
CROSS JOIN chosen
LEFT JOIN corpus USING (corpus_id)
ORDER BY top.rank
