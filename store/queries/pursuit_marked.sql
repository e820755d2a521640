-- Where do the marked tokens stand that a pursuit in SAE $sae can take? A word of the first-letter task stands in its prompt,
-- and has no place; any other token stands where its error is largest in the SAE's newest error study.
WITH marked AS (
    SELECT mark.key AS surface, vocabulary.token_id, mark.created
    FROM mark
    JOIN sae ON sae.sae_id = $sae
    JOIN vocabulary ON vocabulary.model_id = sae.model_id AND vocabulary.surface = mark.key
    WHERE mark.subject = 'token'
),
asked AS (
    SELECT DISTINCT word.token_id
    FROM word
    JOIN probe USING (probe_id)
    JOIN sae ON sae.sae_id = $sae AND sae.model_id = probe.model_id
),
study AS (
    SELECT study_id, corpus_id, list_position(sae_ids, $sae) AS own
    FROM error_study
    WHERE list_contains(sae_ids, $sae)
    ORDER BY created DESC
    LIMIT 1
),
hardest AS (
    SELECT
        token.token_id,
        arg_max({context: token.context, position: token.position}, token.error_norm[study.own]) AS place,
        any_value(study.corpus_id) AS corpus_id
    FROM error_token AS token
    JOIN study USING (study_id)
    WHERE token.token_id IN (SELECT token_id FROM marked ANTI JOIN asked USING (token_id))
    GROUP BY token.token_id
)
SELECT
    marked.surface,
    marked.token_id IN (SELECT token_id FROM asked) AS is_word,
    hardest.place.context AS context,
    hardest.place.position AS position,
    hardest.corpus_id
FROM marked
LEFT JOIN hardest USING (token_id)
ORDER BY marked.created, marked.surface
