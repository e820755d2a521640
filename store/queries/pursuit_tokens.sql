-- Token by token, what did pursuit $pursuit (NULL = the latest of SAE $sae) leave out, and what the SAE's own encoder?
-- In the order in which the tokens were named, with eight tokens to either side; a word in a prompt stands alone.
-- $beside: another pursuit to compare with; beside_after is what it left of the same token.
WITH run AS (
    SELECT * FROM pursuit_run
    WHERE pursuit_id = coalesce($pursuit, (SELECT arg_max(pursuit_id, created) FROM pursuit_run WHERE sae_id = $sae))
),
tokens AS (
    SELECT pursuit_token.* FROM pursuit_token JOIN run USING (pursuit_id)
),
other AS (
    SELECT context, position, token_id, any_value(fvu_after) AS fvu_after
    FROM pursuit_token
    WHERE pursuit_id = $beside
    GROUP BY ALL
),
around AS (
    SELECT
        tokens.row,
        tokens.model_id,
        tokens.position::INTEGER AS place,
        unnest(range(greatest(place - 8, 0), least(place + 9, len(context.token_ids)))) AS near,
        context.token_ids[near + 1] AS token_id
    FROM tokens
    JOIN token_context AS context USING (corpus_id, context)
),
windows AS (
    SELECT
        around.row,
        list(coalesce(vocabulary.surface, '#' || around.token_id) ORDER BY around.near) AS tokens,
        count(*) FILTER (around.near < around.place)::INTEGER AS focus
    FROM around
    LEFT JOIN vocabulary USING (model_id, token_id)
    WHERE around.token_id IS NOT NULL
    GROUP BY around.row
)
SELECT
    tokens.row,
    tokens.surface,
    coalesce(windows.tokens, [coalesce(tokens.surface, '#' || tokens.token_id)]) AS tokens,
    coalesce(windows.focus, 0) AS focus,
    tokens.fvu_before AS token_fvu_before,
    tokens.fvu_after AS token_fvu_after,
    tokens.change AS error_change,
    other.fvu_after AS beside_after,
    tokens.fvu_nonlinear_before,
    tokens.fvu_nonlinear_after,
    tokens.l0_before,
    tokens.l0_after,
    tokens.n_kept,
    tokens.n_dropped,
    tokens.n_added,
    tokens.error_before,
    tokens.error_after,
    tokens.nonlinear_before,
    tokens.nonlinear_after,
    tokens.residual_norms,
    tokens.context,
    tokens.position,
    tokens.token_id,
    tokens.corpus_id,
    tokens.pursuit_id
FROM tokens
LEFT JOIN windows USING (row)
LEFT JOIN other
    ON other.token_id = tokens.token_id
    AND other.context IS NOT DISTINCT FROM tokens.context
    AND other.position IS NOT DISTINCT FROM tokens.position
ORDER BY tokens.row
