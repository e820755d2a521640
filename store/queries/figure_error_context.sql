-- How large is the error along one context, for every SAE? One row per token of the context, with the error norm of
-- each SAE of the last error study of the hook point. Without a context it is the one with the hardest held-out token,
-- or the hardest of the word that is asked for.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any. $context: its number; NULL = see
-- above. $token: a surface, with or without the leading space; NULL = any.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
),
member AS (
    SELECT sae.sae_id, sae.name, sae.model, listed.place
    FROM (SELECT unnest(sae_ids) AS sae_id, unnest(range(1, len(sae_ids) + 1)) AS place FROM study) AS listed
    JOIN sae_summary AS sae USING (sae_id)
    WHERE coalesce(list_contains($saes, sae_id), true)
),
hardest AS (
    SELECT token.context, token.position
    FROM error_token AS token
    JOIN study USING (study_id)
    LEFT JOIN vocabulary ON vocabulary.model_id = study.model_id AND vocabulary.token_id = token.token_id
    WHERE
        token.context = coalesce($context, token.context)
        AND lower(trim(coalesce(vocabulary.surface, ''))) = coalesce(
            lower(trim($token)), lower(trim(coalesce(vocabulary.surface, '')))
        )
    ORDER BY token.held_out DESC, token.hardness DESC, token.context, token.position
    LIMIT 1
)
SELECT
    token.context,
    token.position,
    token.position = hardest.position AS is_hardest,
    vocabulary.surface,
    token.held_out,
    token.activation_norm,
    (SELECT list(name ORDER BY place) FROM member) AS saes,
    [token.error_norm[place] FOR place IN (SELECT list(place ORDER BY place) FROM member)] AS error_norm,
    [token.nonlinear_norm[place] FOR place IN (SELECT list(place ORDER BY place) FROM member)] AS nonlinear_norm,
    (SELECT any_value(model) FROM member) AS model,
    study.hook_name,
    study.study_id
FROM error_token AS token
JOIN study USING (study_id)
JOIN hardest USING (context)
LEFT JOIN vocabulary ON vocabulary.model_id = study.model_id AND vocabulary.token_id = token.token_id
ORDER BY token.position
