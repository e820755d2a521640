-- Where do the marked tokens stand that a pursuit in SAE $sae can take? A marked place is a token of the SAE's newest error
-- study, or of the tokens it was evaluated on; a marked word of the first-letter task stands in its prompt, and has no place;
-- any other marked token stands where its error is largest in that study.
WITH study AS (
    SELECT study_id, corpus_id, list_position(sae_ids, $sae) AS own
    FROM error_study
    WHERE list_contains(sae_ids, $sae)
    ORDER BY created DESC
    LIMIT 1
),
read AS (
    SELECT sae.model_id, coalesce(study.corpus_id, sae.corpus_id) AS corpus_id
    FROM sae LEFT JOIN study ON true
    WHERE sae.sae_id = $sae
),
places AS (
    SELECT
        created,
        key,
        split_part(key, '/', 1) AS corpus_id,
        split_part(key, '/', 2)::UINTEGER AS context,
        split_part(key, '/', 3)::USMALLINT AS position
    FROM mark
    WHERE subject = 'place'
),
marked AS (
    SELECT mark.created, mark.key AS surface, vocabulary.token_id
    FROM mark
    CROSS JOIN read
    JOIN vocabulary ON vocabulary.model_id = read.model_id AND vocabulary.surface = mark.key
    WHERE mark.subject = 'token'
),
asked AS (
    SELECT DISTINCT word.token_id
    FROM word
    JOIN probe USING (probe_id)
    JOIN read ON read.model_id = probe.model_id
),
hardest AS (
    SELECT
        token.token_id,
        arg_max({context: token.context, position: token.position}, token.error_norm[study.own]) AS place
    FROM error_token AS token
    JOIN study USING (study_id)
    WHERE token.token_id IN (SELECT token_id FROM marked ANTI JOIN asked USING (token_id))
    GROUP BY token.token_id
)
SELECT surface, token_id IN (SELECT token_id FROM asked) AS is_word, place.context, place.position, created
FROM marked LEFT JOIN hardest USING (token_id)
UNION ALL
SELECT key, false, CASE WHEN places.corpus_id = read.corpus_id THEN context END, position, created
FROM places CROSS JOIN read
ORDER BY created, surface
