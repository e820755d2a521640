-- How much of each squared norm does the activation tell linearly, and how are the squared norms spread over tokens? One
-- row per SAE of the last error study of the hook point: R² on held-out tokens with 95% intervals over contexts, and
-- quantiles of the squared norms of all tokens, over their mean.
-- $saes: ids; NULL = all. $hook: hook point; NULL = any. $model: its id; NULL = any.
WITH study AS (
    FROM last_error_study($saes, $hook, $model)
),
member AS (
    SELECT study_id, unnest(sae_ids) AS sae_id, unnest(range(1, len(sae_ids) + 1)) AS place FROM study
),
measured AS (
    SELECT
        sae_id,
        map_from_entries(list(
            {'key': replace(figure, 'norm_r2_', ''), 'value': {'value': value, 'low': low, 'high': high}}
        )) AS r2
    FROM error_figure JOIN study USING (study_id)
    WHERE starts_with(figure, 'norm_r2_')
    GROUP BY sae_id
),
levels AS (
    SELECT [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99] AS shares
),
squares AS (
    SELECT
        member.sae_id,
        token.activation_norm::DOUBLE ** 2 AS activation,
        token.error_norm[member.place]::DOUBLE ** 2 AS error,
        token.linear_norm[member.place]::DOUBLE ** 2 AS linear,
        token.nonlinear_norm[member.place]::DOUBLE ** 2 AS nonlinear
    FROM error_token AS token
    JOIN member USING (study_id)
    WHERE coalesce(list_contains($saes, member.sae_id), true)
),
spread AS (
    SELECT
        sae_id,
        quantile_cont(activation, [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) AS activation,
        avg(activation) AS mean_activation,
        quantile_cont(error, [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) AS error,
        avg(error) AS mean_error,
        quantile_cont(linear, [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) AS linear,
        avg(linear) AS mean_linear,
        quantile_cont(nonlinear, [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) AS nonlinear,
        avg(nonlinear) AS mean_nonlinear
    FROM squares
    GROUP BY sae_id
)
SELECT
    sae.sae_id,
    sae.name,
    sae.model,
    sae.hook_name,
    sae.width,
    sae.l0,
    measured.r2,
    levels.shares,
    [value / nullif(spread.mean_activation, 0) FOR value IN spread.activation] AS activation,
    [value / nullif(spread.mean_error, 0) FOR value IN spread.error] AS error,
    [value / nullif(spread.mean_linear, 0) FOR value IN spread.linear] AS linear,
    [value / nullif(spread.mean_nonlinear, 0) FOR value IN spread.nonlinear] AS nonlinear,
    study.n_tokens,
    study.n_test,
    study.study_id
FROM spread
JOIN sae_summary AS sae USING (sae_id)
JOIN measured USING (sae_id)
CROSS JOIN levels
CROSS JOIN study
ORDER BY sae.width, sae.l0, sae.name
